import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedSerializers } from "./serializers.ts";

const COMPONENTS = {
  Error: { $id: "Error", type: "object", properties: { code: { type: "string" } } },
  Node: { $id: "Node", type: "object", properties: { description: { type: "string" } } },
};

function compiler() {
  const compile = sharedSerializers(COMPONENTS);
  return (schema: unknown) => compile({ method: "GET", url: "/", httpStatus: "200", schema });
}

test("answers that look alike have one serializer, whatever is said of them", () => {
  const of = compiler();

  const error = of({ $ref: "Error#", description: "one" });

  assert.equal(of({ $ref: "Error#", description: "another" }), error);
  assert.equal(error({ code: "not_found", secret: "s" }), '{"code":"not_found"}');
});

test("answers that differ have one each, and a property may be called description", () => {
  const of = compiler();
  const list = (properties: unknown) => of({ type: "object", properties });

  assert.equal(of({ $ref: "Node#" })({ description: "d", code: "c" }), '{"description":"d"}');
  assert.equal(of({ $ref: "Error#" })({ description: "d", code: "c" }), '{"code":"c"}');
  assert.equal(
    list({ description: { type: "string" } })({ description: "d", code: "c" }),
    '{"description":"d"}',
  );
  assert.equal(list({ code: { type: "string" } })({ description: "d", code: "c" }), '{"code":"c"}');
});

test("what other components are called is another serializer's", () => {
  const [one, other] = [compiler(), sharedSerializers({ Error: { ...COMPONENTS.Node, $id: "Error" } })];

  const schema = { $ref: "Error#" };

  assert.equal(one(schema)({ description: "d", code: "c" }), '{"code":"c"}');
  const answer = other({ method: "GET", url: "/", httpStatus: "200", schema });
  assert.equal(answer({ description: "d", code: "c" }), '{"description":"d"}');
});

test("a serializer is not compiled before something is answered", () => {
  const answer = compiler()({ $ref: "Nothing#" });

  assert.throws(() => answer({}), /Nothing/);
});
