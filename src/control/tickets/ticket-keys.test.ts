import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { openTicket, sealTicket } from "#wire/ticket.ts";
import { createTicketKeys } from "./ticket-keys.ts";

const keys = createTicketKeys(randomBytes(32), "installation");

test("a start of a node has one key, always the same", () => {
  assert.deepEqual(keys("node", "start"), keys("node", "start"));
  assert.equal(keys("node", "start").key.length, 32);
});

test("other nodes, other starts and other installations have other keys and key ids", () => {
  const all = [
    keys("node", "start"),
    keys("node", "start2"),
    keys("node2", "start"),
    keys('node","start', ""),
    createTicketKeys(randomBytes(32), "installation")("node", "start"),
  ];

  assert.equal(new Set(all.map(({ key }) => Buffer.from(key).toString("hex"))).size, all.length);
  assert.equal(new Set(all.slice(0, 4).map(({ kid }) => kid)).size, 4);
});

test("what one node can open another cannot, even if it claims the same key id", async () => {
  const mine = keys("node", "start");
  const claims = {
    sessionId: "s",
    attachment: 1,
    nodeId: "node",
    incarnation: "start",
    issuedAt: 1,
    expiresAt: 2,
  };
  const ticket = await sealTicket(claims, mine);

  assert.deepEqual(await openTicket(ticket, mine), claims);
  await assert.rejects(openTicket(ticket, keys("node2", "start")), { code: "ticket_foreign" });
  await assert.rejects(openTicket(ticket, { ...keys("node2", "start"), kid: mine.kid }), {
    code: "ticket_invalid",
  });
});
