import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { Secret } from "#base/secret.ts";
import { createVault, deriveKey, type Place } from "./vault.ts";

const vault = createVault(randomBytes(32));
const place: Place = { table: "machines", row: "m1", column: "password_sealed" };

test("whatever is sealed opens in its place", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string(), (text, row) => {
      const sealed = vault.seal(new Secret(text.toWellFormed()), { ...place, row });

      assert.equal(vault.open(sealed, { ...place, row }).expose(), text.toWellFormed());
    }),
  );
});

test("a sealed value that was moved does not open", () => {
  const sealed = vault.seal(new Secret("geheim"), place);

  for (const elsewhere of [{ row: "m2" }, { table: "api_keys" }, { column: "address" }])
    assert.throws(() => vault.open(sealed, { ...place, ...elsewhere }), /does not open/);
});

test("places that would read alike when put together are told apart", () => {
  const sealed = vault.seal(new Secret("geheim"), { table: "a", row: "b,c", column: "d" });

  assert.throws(() => vault.open(sealed, { table: "a", row: "b", column: "c,d" }));
  assert.throws(() => vault.open(sealed, { table: "a,b", row: "c", column: "d" }));
  assert.throws(() => vault.open(sealed, { table: 'a","b', row: "c", column: "d" }));
});

test("a value that was changed in one bit, cut or lengthened does not open", () => {
  const sealed = vault.seal(new Secret("geheim"), place);
  const bytes = Buffer.from(sealed.slice(3), "base64url");

  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => vault.open(`v1.${changed.toString("base64url")}`, place));
  }
  for (let length = 0; length < bytes.length; length++)
    assert.throws(() => vault.open(`v1.${bytes.subarray(0, length).toString("base64url")}`, place));
  for (const text of ["", "geheim", `v2.${sealed.slice(3)}`, `${sealed}AAAA`])
    assert.throws(() => vault.open(text, place));
});

test("another installation's key opens nothing, and its error tells nothing", () => {
  const sealed = vault.seal(new Secret("geheim"), place);

  assert.throws(
    () => createVault(randomBytes(32)).open(sealed, place),
    (error: Error) => !`${error.message} ${error.cause}`.includes("geheim"),
  );
});

test("the same secret is sealed differently each time, and never stands in what is kept", () => {
  const one = vault.seal(new Secret("geheim"), place);
  const two = vault.seal(new Secret("geheim"), place);

  assert.notEqual(one, two);
  assert.ok(!Buffer.from(one.slice(3), "base64url").includes("geheim"));
});

test("keys for different purposes differ, and so do those of different installations", () => {
  const key = randomBytes(32);
  const derived = [
    deriveKey(key, { salt: "", info: ["a"] }),
    deriveKey(key, { salt: "", info: ["a", ""] }),
    deriveKey(key, { salt: "s", info: ["a"] }),
    deriveKey(randomBytes(32), { salt: "", info: ["a"] }),
  ].map((bytes) => Buffer.from(bytes).toString("hex"));

  assert.equal(new Set(derived).size, derived.length);
  assert.equal(derived[0], Buffer.from(deriveKey(key, { salt: "", info: ["a"] })).toString("hex"));
});
