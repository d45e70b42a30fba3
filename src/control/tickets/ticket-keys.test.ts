import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { openTicket, sealTicket } from "#wire/ticket.ts";
import { deriveKey } from "../vault/vault.ts";
import { createTicketKeys, extract, type Generation } from "./ticket-keys.ts";

const first: Generation = { generation: 1, secret: randomBytes(32) };
const second: Generation = { generation: 2, secret: randomBytes(32) };
const keys = createTicketKeys();

test("a start of a node has one key of each generation, always the same", () => {
  assert.deepEqual(keys(second, "node", "start"), keys(second, "node", "start"));
  assert.equal(keys(second, "node", "start").key.length, 32);
});

test("other nodes, other starts and other generations have other keys and key ids", () => {
  const all = [
    keys(first, "node", "start"),
    keys(second, "node", "start"),
    keys(first, "node", "start2"),
    keys(first, "node2", "start"),
    keys(first, 'node","start', ""),
  ];

  assert.equal(new Set(all.map(({ key }) => Buffer.from(key).toString("hex"))).size, all.length);
  assert.equal(new Set(all.map(({ kid }) => kid)).size, all.length);
});

test("the first generation's keys are those that were derived of the installation key before there were generations", () => {
  const installationKey = randomBytes(32);
  const before = deriveKey(installationKey, {
    salt: "installation",
    info: ["porthole", "ticket", "node", "start"],
  });

  const secret = extract("installation", installationKey);

  const { key } = createTicketKeys()({ generation: 1, secret }, "node", "start");
  assert.deepEqual(Buffer.from(key), Buffer.from(before));
});

test("what one node can open another cannot, even if it claims the same key id", async () => {
  const mine = keys(first, "node", "start");
  const claims = {
    sessionId: "s",
    attachment: 1,
    nodeId: "node",
    incarnation: "start",
    issuedAt: 1,
    expiresAt: 2,
  };
  const ticket = await sealTicket(claims, mine);

  assert.deepEqual(await openTicket(ticket, keys(second, "node", "start"), mine), claims);
  await assert.rejects(openTicket(ticket, keys(first, "node2", "start")), { code: "ticket_foreign" });
  await assert.rejects(openTicket(ticket, { ...keys(first, "node2", "start"), kid: mine.kid }), {
    code: "ticket_invalid",
  });
});
