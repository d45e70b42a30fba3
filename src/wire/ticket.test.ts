import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { CompactEncrypt, compactDecrypt, UnsecuredJWT } from "jose";
import { aes256Gcm } from "#base/process/aes-256-gcm.ts";
import { GatewayError } from "./gateway-error.ts";
import { openTicket, sealTicket, type TicketClaims, type TicketKey, ticketNode } from "./ticket.ts";

const KEY = newKey("k1");
const CLAIMS: TicketClaims = {
  sessionId: "3c1f0b9e-0000-4000-8000-000000000001",
  attachment: 1,
  nodeId: "node-1",
  incarnation: "incarnation-1",
  issuedAt: 1_700_000_000_000,
  expiresAt: 1_700_000_060_000,
  extraHash: "x".repeat(43),
  callerAddress: "203.0.113.7",
};

function newKey(kid: string): TicketKey & { readonly key: Uint8Array } {
  const key = randomBytes(32);
  return { kid, key, aead: aes256Gcm(key) };
}

function refusedAs(code: string): (error: unknown) => boolean {
  return (error) => error instanceof GatewayError && error.code === code;
}

test("an opened ticket says what was sealed", async () => {
  assert.deepEqual(await openTicket(await sealTicket(CLAIMS, KEY), KEY), CLAIMS);
});

test("a ticket is short, fit for a URL and a sub-protocol entry, and shows nothing but its key and node", async () => {
  const ticket = await sealTicket(CLAIMS, KEY);
  const [header = ""] = ticket.split(".");

  assert.match(ticket, /^[A-Za-z0-9_.-]+$/);
  assert.ok(ticket.length < 700, `${ticket.length} characters`);
  assert.deepEqual(JSON.parse(Buffer.from(header, "base64url").toString()), {
    alg: "dir",
    enc: "A256GCM",
    kid: "k1",
    node: "node-1",
  });
});

test("a ticket is a JWE as others read and write them", async () => {
  const plaintext = new TextEncoder().encode(JSON.stringify(CLAIMS));
  const theirs = await new CompactEncrypt(plaintext)
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: KEY.kid })
    .encrypt(KEY.key);
  const { plaintext: read, protectedHeader } = await compactDecrypt(await sealTicket(CLAIMS, KEY), KEY.key);

  assert.deepEqual(await openTicket(theirs, KEY), CLAIMS);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(read)), CLAIMS);
  assert.equal(protectedHeader.kid, KEY.kid);
});

test("an extension that must be understood and is not makes a ticket invalid", async () => {
  const [, ...rest] = (await sealTicket(CLAIMS, KEY)).split(".");
  const header = { alg: "dir", enc: "A256GCM", kid: KEY.kid, crit: ["x"], x: 1 };
  const extended = [Buffer.from(JSON.stringify(header)).toString("base64url"), ...rest].join(".");

  await assert.rejects(openTicket(extended, KEY), refusedAs("ticket_invalid"));
});

test("parts of another length or number make a ticket invalid", async () => {
  const [header, , iv, ciphertext, tag] = (await sealTicket(CLAIMS, KEY)).split(".");
  const variants = [
    [header, "AAAA", iv, ciphertext, tag],
    [header, "", "AAAA", ciphertext, tag],
    [header, "", iv, ciphertext, "AAAA"],
    [header, "", iv, ciphertext, ""],
    [header, "", iv, ciphertext, tag, ""],
    [header, "", iv, ciphertext],
  ];

  for (const parts of variants)
    await assert.rejects(openTicket(parts.join("."), KEY), refusedAs("ticket_invalid"), parts.join("."));
});

test("two tickets for the same claims are different", async () => {
  assert.notEqual(await sealTicket(CLAIMS, KEY), await sealTicket(CLAIMS, KEY));
});

test("changing any one character makes a ticket invalid or foreign", async () => {
  const ticket = await sealTicket(CLAIMS, KEY);
  const alphabet = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."];
  const index = fc.nat(ticket.length - 1);

  await fc.assert(
    fc.asyncProperty(index, fc.constantFrom(...alphabet), async (at, character) => {
      // The last character of a base64url part can hold spare bits; changing only those changes no byte.
      fc.pre(ticket[at] !== character && ticket[at + 1] !== "." && at !== ticket.length - 1);
      const changed = ticket.slice(0, at) + character + ticket.slice(at + 1);
      await assert.rejects(openTicket(changed, KEY), (error) => error instanceof GatewayError);
    }),
  );
});

test("a ticket for another key is foreign", async () => {
  const other = newKey("k2");

  await assert.rejects(openTicket(await sealTicket(CLAIMS, other), KEY), refusedAs("ticket_foreign"));
});

test("the right key id with the wrong key opens nothing", async () => {
  const forged = await sealTicket(CLAIMS, newKey(KEY.kid));

  await assert.rejects(openTicket(forged, KEY), refusedAs("ticket_invalid"));
});

test("no other algorithm is taken, however it is named", async () => {
  const unsigned = new UnsecuredJWT({ ...CLAIMS }).encode();
  const plaintext = new TextEncoder().encode(JSON.stringify(CLAIMS));
  const weaker = await new CompactEncrypt(plaintext)
    .setProtectedHeader({ alg: "dir", enc: "A128CBC-HS256", kid: KEY.kid })
    .encrypt(KEY.key);

  await assert.rejects(openTicket(unsigned, KEY));
  await assert.rejects(openTicket(weaker, KEY), refusedAs("ticket_invalid"));
});

test("claims that lack something are refused even under the right key", async () => {
  const { expiresAt: _, ...endless } = CLAIMS;
  const sealed = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(endless)))
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: KEY.kid })
    .encrypt(KEY.key);

  await assert.rejects(openTicket(sealed, KEY), refusedAs("ticket_invalid"));
});

test("garbage of any length is an invalid or foreign ticket, never another error", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 6000, unit: "binary" }), async (garbage) => {
      await assert.rejects(openTicket(garbage, KEY), (error) => error instanceof GatewayError);
    }),
  );
});

test("a ticket says in the clear which node it is for, and what is no ticket says nothing", async () => {
  const header = (fields: object) => Buffer.from(JSON.stringify(fields)).toString("base64url");

  assert.equal(ticketNode(`${header({ alg: "dir", enc: "A256GCM", node: "node-7" })}..a.b.c`), "node-7");
  for (const text of [
    "",
    "nonsense",
    `${header({})}....`,
    `${header({ node: 7 })}....`,
    `${header({ node: "a b" })}....`,
    `${header({ node: "n".repeat(65) })}....`,
    "x".repeat(100_000),
  ])
    assert.equal(ticketNode(text), undefined);
});
