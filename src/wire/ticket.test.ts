import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { CompactEncrypt, UnsecuredJWT } from "jose";
import { GatewayError } from "./gateway-error.ts";
import { openTicket, sealTicket, type TicketClaims, type TicketKey } from "./ticket.ts";

const KEY: TicketKey = { kid: "k1", key: randomBytes(32) };
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
  const other: TicketKey = { kid: "k2", key: randomBytes(32) };

  await assert.rejects(openTicket(await sealTicket(CLAIMS, other), KEY), refusedAs("ticket_foreign"));
});

test("the right key id with the wrong key opens nothing", async () => {
  const forged = await sealTicket(CLAIMS, { kid: KEY.kid, key: randomBytes(32) });

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
