import assert from "node:assert/strict";
import { test } from "node:test";
import { readHostUuid } from "./host-uuid.ts";

test("a host's UUID is read off what capabilities begin with, and nothing else is taken for it", () => {
  const uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";
  const host = `<uuid>${uuid}</uuid><cpu><arch>x86_64</arch></cpu>`;

  assert.equal(readHostUuid(`<capabilities>\n\n  <host>\n    ${host}</host></capabilities>`), uuid);
  assert.equal(
    readHostUuid(`<capabilities><host><cpu/></host><guest>${host}</guest></capabilities>`),
    undefined,
  );
  assert.equal(readHostUuid(`<capabilities><host><uuid>none</uuid></host></capabilities>`), undefined);
  assert.equal(readHostUuid(""), undefined);
});
