import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatFor } from "./answer.ts";

test("XML is what a caller gets who does not ask for JSON, in upper or lower case", () => {
  for (const response of [undefined, "xml", "", "yaml"])
    assert.equal(formatFor(response).contentType, "text/xml; charset=UTF-8");
  for (const response of ["json", "JSON"])
    assert.equal(formatFor(response).contentType, "application/json; charset=UTF-8");
});

test("both formats keep the order of the fields and leave out what is undefined", () => {
  const answer = {
    name: "listvirtualmachinesresponse",
    fields: { count: 2, virtualmachine: [{ id: "b", extra: undefined }, { id: "a" }], empty: [], ok: true },
  };

  assert.equal(
    formatFor("json").write(answer, "1"),
    '{"listvirtualmachinesresponse":{"count":2,"virtualmachine":[{"id":"b"},{"id":"a"}],"empty":[],"ok":true}}',
  );
  assert.equal(
    formatFor(undefined).write(answer, "1"),
    '<?xml version="1.0" encoding="UTF-8"?><listvirtualmachinesresponse cloud-stack-version="1"><count>2</count>' +
      "<virtualmachine><id>b</id></virtualmachine><virtualmachine><id>a</id></virtualmachine><ok>true</ok>" +
      "</listvirtualmachinesresponse>",
  );
});

test("nothing that a value holds can end its element", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (value) => {
      const xml = formatFor("xml").write({ name: "r", fields: { v: value } }, "1");
      const [, content = ""] = /<v>(.*)<\/v><\/r>$/s.exec(xml) ?? [];

      assert.doesNotMatch(content, /[<>]|&(?!(?:amp|lt|gt|quot|apos);)/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 §2.2 forbids them in every form.
      assert.doesNotMatch(content, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
    }),
  );
});
