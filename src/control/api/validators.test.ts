import assert from "node:assert/strict";
import { test } from "node:test";
import { validatorsOnUse } from "./validators.ts";

function validatorOf(schema: object) {
  // Fastify hands it over with the route that it is of.
  return validatorsOnUse(
    { Name: { $id: "Name", type: "string" } },
    { customOptions: { coerceTypes: false } },
  )({ schema });
}

test("a validator is not compiled before something is asked", () => {
  const validate = validatorOf({ $ref: "nothing#" });

  assert.throws(() => validate("asked"), /can't resolve reference nothing#/);
});

test("a validator says what is wrong with what was asked last, and nothing when that is right", () => {
  const validate = validatorOf({ type: "object", properties: { name: { $ref: "Name#" } } });

  assert.equal(validate({ name: 1 }), false);
  assert.deepEqual(
    validate.errors?.map(({ instancePath, message }) => [instancePath, message]),
    [["/name", "must be string"]],
  );
  assert.equal(validate({ name: "one" }), true);
  assert.equal(validate.errors ?? undefined, undefined);
});
