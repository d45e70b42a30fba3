import assert from "node:assert/strict";
import { test } from "node:test";
import { readParameters, textOf } from "./parameters.ts";

/** Of an address alone, as CloudStack's tests have them. */
function ofQuery(query: string) {
  return readParameters(new URLSearchParams(query), new URLSearchParams());
}

test("ApiServletTest.utf8Fixup: parameters are found by their names, and an empty one is none", () => {
  const parameters = ofQuery("foo=12345&bar=blah&baz=&param=param");

  assert.equal(textOf(parameters, "foo"), "12345");
  assert.equal(textOf(parameters, "bar"), "blah");
  assert.equal(textOf(parameters, "baz"), undefined);
});

test("ApiServletTest.utf8FixupNull, utf8FixupStrangeInputs: a query full of separators has names that are empty", () => {
  const parameters = ofQuery("&&=a&=&&a&a=a=a=a");

  assert.deepEqual([...parameters.keys()], ["", "a"]);
  assert.equal(textOf(parameters, "a"), "a=a=a");
});

test("ApiServletTest.utf8FixupUtf: names and values are UTF-8", () => {
  const [name, value] = ["防水镜钻孔机", "árvíztűrőtükörfúró"];

  const parameters = ofQuery(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`);

  assert.equal(textOf(parameters, name), value);
});
