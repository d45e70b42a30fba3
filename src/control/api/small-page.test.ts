import assert from "node:assert/strict";
import { test } from "node:test";
import { escaped } from "./small-page.ts";

// CloudStack makes every space a `&nbsp;` besides; a title with these is no longer the machine's name.
test("ConsoleProxyServletTest.escapeHTML: a machine's name cannot be more than text", () => {
  assert.equal(escaped(""), "");
  assert.equal(escaped("<strangevmname>"), "&lt;strangevmname&gt;");
  assert.equal(escaped('"strange vm"'), "&quot;strange vm&quot;");
  assert.equal(escaped("Nothing-extraordinary-anyway."), "Nothing-extraordinary-anyway.");
});
