import assert from "node:assert/strict";
import { test } from "node:test";
import { HypervisorError } from "../hypervisor-error.ts";
import { child, escapeXml, readXml, textOf, typeOf } from "./xml.ts";

test("an element has its name, attributes, text and children without their prefixes", () => {
  const xml = `<?xml version="1.0"?><s:a xmlns:s="urn:s" q:type="ns1:Fault" type="Folder"><b>x&amp;<![CDATA[<y>]]></b><b>z</b></s:a>`;

  const root = readXml(xml);

  assert.equal(root.name, "a");
  assert.equal(textOf(root, "b"), "x&<y>");
  assert.deepEqual(
    root.children.map(({ text }) => text),
    ["x&<y>", "z"],
  );
  assert.equal(typeOf(root), "Fault");
  assert.equal(child(root, "c"), undefined);
});

test("what is no XML, grows as it is read, or would be fetched is refused without its words", () => {
  const nested = (depth: number) => "<a>".repeat(depth) + "</a>".repeat(depth);
  const refused: Readonly<Record<string, string>> = {
    "a document type": "<!DOCTYPE a><a/>",
    "entities within each other":
      '<!DOCTYPE a [<!ENTITY b "geheim"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>',
    "a file of ours": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "an entity that is nobody's": "<a>&geheim;</a>",
    nothing: "",
    "half of it": "<a><ticket>geheim</ticket>",
    "two of them": "<a/><ticket>geheim</ticket>",
    text: "geheim",
    "a depth that is no answer's": nested(100),
    "elements without end": `<a>${"<b/>".repeat(500_001)}</a>`,
  };
  for (const [title, xml] of Object.entries(refused))
    assert.throws(
      () => readXml(xml),
      (error) => error instanceof HypervisorError && error.step === "answer" && !/geheim/.test(error.message),
      title,
    );
  assert.equal(readXml(nested(60)).name, "a");
});

test("an attribute's name is no way into what objects have by themselves", () => {
  const { attributes } = readXml('<a __proto__="x" constructor="y"/>');

  assert.equal(attributes["toString"], undefined);
  assert.equal(attributes["constructor"], "y");
});

test("what is written is read as it was", () => {
  const text = `Müller & Söhne <"'> ]]> \u{1F600}`;

  assert.equal(readXml(`<a>${escapeXml(text)}</a>`).text, text);
});
