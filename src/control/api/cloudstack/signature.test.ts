import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { Secret } from "#base/secret.ts";
import { type Parameters, readParameters } from "./parameters.ts";
import { canonicalForms, isCurrent, sign, signatureFits } from "./signature.ts";

const SECRET = new Secret("SK_1");
const NOW = Date.parse("2026-11-22T12:00:00Z");

type Pairs = readonly (readonly [name: string, value: string])[];

function parametersOf(pairs: Pairs): Parameters {
  return readParameters(
    new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])),
    new URLSearchParams(),
  );
}

/** A client of its own, written down from CloudStack's documentation, in one of the encodings that clients have. */
function signedBy(
  pairs: Pairs,
  encode: (value: string) => string,
  order = (name: string) => name,
): Parameters {
  const canonical = pairs
    .toSorted(([a], [b]) => (order(a) < order(b) ? -1 : 1))
    .map(([name, value]) => `${name}=${encode(value)}`)
    .join("&")
    .toLowerCase();
  const signature = createHmac("sha1", "SK_1").update(canonical).digest("base64");
  return parametersOf([...pairs, ["signature", signature]]);
}

function percentEncode(value: string, bare: RegExp): string {
  return [...value]
    .map((character) =>
      bare.test(character)
        ? character
        : [...new TextEncoder().encode(character)]
            .map((byte) => `%${byte.toString(16).padStart(2, "0").toUpperCase()}`)
            .join(""),
    )
    .join("");
}

const java = (value: string) => percentEncode(value, /[A-Za-z0-9.*_-]/);

const CLIENTS: Readonly<Record<string, (value: string) => string>> = {
  "Java's URLEncoder": java,
  "ECMAScript's encodeURIComponent": encodeURIComponent,
  "Python's quote and Go's QueryEscape": (value) => percentEncode(value, /[A-Za-z0-9._~-]/),
  'Python\'s quote(safe="*")': (value) => percentEncode(value, /[A-Za-z0-9._~*-]/),
  'Apache Libcloud\'s quote(safe="[]*")': (value) => percentEncode(value, /[A-Za-z0-9._~*[\]-]/),
  "a client that leaves brackets bare": (value) => percentEncode(value, /[A-Za-z0-9.*_[\]-]/),
  "a client that signs a space as +": (value) => java(value).replaceAll("%20", "+"),
};

const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.[\]-]{0,15}$/), {
  minLength: 1,
  maxLength: 8,
  selector: (name) => name.toLowerCase(),
});
const requests = names
  .filter((list) => list.every((name) => name.toLowerCase() !== "signature"))
  .chain((list) =>
    fc
      .array(fc.string({ unit: "grapheme", maxLength: 20 }), {
        minLength: list.length,
        maxLength: list.length,
      })
      .map((values) => list.map((name, index) => [name, (values[index] ?? "").toWellFormed()] as const)),
  );

test("the known answer of the reference is met", () => {
  const parameters = parametersOf([
    ["command", "createConsoleEndpoint"],
    ["virtualmachineid", "3c1f0b9e-0000-4000-8000-000000000001"],
    ["apikey", "AK_1"],
    ["response", "json"],
    ["signature", "PoDFvX6BhO1JQEvWB1u6klmPB+I="],
  ]);

  assert.deepEqual(
    [...canonicalForms(parameters)],
    [
      "apikey=ak_1&command=createconsoleendpoint&response=json&virtualmachineid=3c1f0b9e-0000-4000-8000-000000000001",
    ],
  );
  assert.ok(signatureFits(parameters, SECRET));
});

for (const [client, encode] of Object.entries(CLIENTS)) {
  test(`whatever is signed by ${client} is accepted`, () => {
    fc.assert(
      fc.property(requests, (pairs) => {
        assert.ok(signatureFits(signedBy(pairs, encode), SECRET));
      }),
    );
  });
}

test("names sorted in lower case are accepted as well as names sorted as they are", () => {
  const pairs: Pairs = [
    ["Zone", "1"],
    ["apiKey", "k"],
    ["command", "x"],
  ];

  assert.ok(signatureFits(signedBy(pairs, java), SECRET));
  assert.ok(
    signatureFits(
      signedBy(pairs, java, (name) => name.toLowerCase()),
      SECRET,
    ),
  );
});

test("the order on the wire is of no account", () => {
  fc.assert(
    fc.property(requests, fc.infiniteStream(fc.nat()), (pairs, keys) => {
      const signed = [...signedBy(pairs, java).values()].map(({ name, value }) => [name, value] as const);

      const shuffled = signed
        .map((pair) => ({ pair, key: keys.next().value ?? 0 }))
        .toSorted((a, b) => a.key - b.key)
        .map(({ pair }) => pair);

      assert.ok(signatureFits(parametersOf(shuffled), SECRET));
    }),
  );
});

test("the letter case of a name is of no account where it does not change the order", () => {
  const signed = signedBy([["apikey", "AK_1"]], java);

  const renamed = [...signed.values()].map(({ name, value }) => [name.toUpperCase(), value] as const);

  assert.ok(signatureFits(parametersOf(renamed), SECRET));
});

test("any changed character of any value makes the signature fail", () => {
  fc.assert(
    fc.property(
      requests,
      fc.nat(),
      fc.nat(),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
      (pairs, which, where, replacement) => {
        const index = which % pairs.length;
        const [name, value] = pairs[index] ?? ["", ""];
        const at = where % (value.length + 1);
        const changed = (value.slice(0, at) + replacement + value.slice(at + 1)).toWellFormed();
        // Both are signed in lower case once they are encoded, so these are one and the same to CloudStack.
        fc.pre(java(changed).toLowerCase() !== java(value).toLowerCase());
        const signature = signedBy(pairs, java).get("signature")?.value ?? "";

        const forged = parametersOf([...pairs.with(index, [name, changed]), ["signature", signature]]);

        assert.ok(!signatureFits(forged, SECRET));
      },
    ),
  );
});

test("a parameter added or left out makes the signature fail", () => {
  fc.assert(
    fc.property(requests, (pairs) => {
      const signature = signedBy(pairs, java).get("signature")?.value ?? "";

      const more = parametersOf([...pairs, ["zzz-added", "1"], ["signature", signature]]);
      const less = parametersOf([...pairs.slice(1), ["signature", signature]]);

      assert.ok(!signatureFits(more, SECRET));
      assert.ok(!signatureFits(less, SECRET));
    }),
  );
});

test("any changed character of the signature, and any other secret key, fails", () => {
  const pairs: Pairs = [["command", "x"]];
  const signature = signedBy(pairs, java).get("signature")?.value ?? "";

  for (let index = 0; index < signature.length; index += 1) {
    const other = signature[index] === "A" ? "B" : "A";
    const changed = signature.slice(0, index) + other + signature.slice(index + 1);
    assert.ok(!signatureFits(parametersOf([...pairs, ["signature", changed]]), SECRET), `position ${index}`);
  }
  assert.ok(!signatureFits(parametersOf([...pairs, ["signature", ""]]), SECRET));
  assert.ok(!signatureFits(parametersOf(pairs), SECRET));
  assert.ok(!signatureFits(signedBy(pairs, java), new Secret("SK_2")));
});

test("a parameter's name cannot pass for several parameters", () => {
  const expiring = signedBy(
    [
      ["apikey", "k"],
      ["expires", "2020-01-01T00:00:00+0000"],
      ["signatureversion", "3"],
    ],
    java,
  );
  const signature = expiring.get("signature")?.value ?? "";
  // Both have the same canonical text, and this one has no signature version, so it would never expire.
  const disguised = parametersOf([
    ["apikey=k&expires=2020-01-01t00%3a00%3a00%2b0000&signatureversion", "3"],
    ["signature", signature],
  ]);

  assert.equal(sign("apikey=k&expires=2020-01-01t00%3a00%3a00%2b0000&signatureversion=3", SECRET), signature);
  assert.ok(!signatureFits(disguised, SECRET));
});

test("of a doubled parameter the last one is verified and used, the query's after the body's", () => {
  const parameters = readParameters(
    new URLSearchParams("id=2&ID=3"),
    new URLSearchParams("id=1&only=body&only=last"),
  );

  assert.deepEqual(
    [...parameters],
    [
      ["id", { name: "ID", value: "3" }],
      ["only", { name: "only", value: "last" }],
    ],
  );
});

test("a request of signature version 3 holds until it expires, in every way that clients write the time", () => {
  const at = (expires: string) =>
    isCurrent(
      parametersOf([
        ["signatureVersion", "3"],
        ["expires", expires],
      ]),
      NOW,
    );

  for (const expires of [
    "2026-11-22T12:00:01+0000",
    "2026-11-22T12:00:01Z",
    "2026-11-22T12:00:01+00:00",
    "2026-11-22T12:00:00.001Z",
    "2026-11-22T12:00:00.123456+0000",
    "2026-11-22T12:00:01Z+0000",
    "2026-11-22T14:00:01+0200",
    "2026-11-22T07:00:01-05:00",
  ])
    assert.ok(at(expires), expires);

  for (const expires of [
    "2026-11-22T12:00:00+0000",
    "2026-11-22T11:59:59Z",
    "2026-11-22T13:00:00+0200",
    "2026-11-22T12:00:01",
    "2026-11-22T12:00:01 0000",
    "2026-13-22T12:00:01+0000",
    "2126-11-22",
    "4102444800",
    "never",
    "",
  ])
    assert.ok(!at(expires), expires);
});

test("without signature version 3 there is no expiry, with it there must be one", () => {
  assert.ok(isCurrent(parametersOf([["expires", "2020-01-01T00:00:00+0000"]]), NOW));
  assert.ok(!isCurrent(parametersOf([["signatureversion", "3"]]), NOW));
});
