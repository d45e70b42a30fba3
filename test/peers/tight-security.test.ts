import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startBetween } from "../harness/between.ts";
import { openThrough } from "../harness/open-through.ts";
import { startTestNode, type TestNode } from "../harness/test-node.ts";
import { lackingTightVnc, startTightVnc, type TightVnc } from "./tightvnc.ts";

const PASSWORD = "s3cret!";

describe("TightVNC's server", { skip: lackingTightVnc }, () => {
  let node: TestNode;
  let open: TightVnc;
  let locked: TightVnc;
  before(async () => {
    [node, open, locked] = await Promise.all([startTestNode(), startTightVnc(), startTightVnc(PASSWORD)]);
  });
  after(async () => {
    for (const server of [open, locked]) await server[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
  });
  const addressOf = ({ host, port }: TightVnc) => ({ kind: "tcp" as const, host, port });

  test("is opened as it comes, with a password and without", async () => {
    assert.equal(await openThrough(node, { address: addressOf(open) }), "open");
    assert.equal(await openThrough(node, { address: addressOf(locked), password: PASSWORD }), "open");
  });

  // It offers None, or VNC authentication, beside Tight; of Tight alone it is what it would be without them.
  for (const [title, server, beside, password, outcome] of [
    ["None within Tight", () => open, 1, undefined, "open"],
    ["VNC authentication within Tight", () => locked, 2, PASSWORD, "open"],
    ["another password within Tight", () => locked, 2, "guess", "upstream_authentication_failed"],
    [
      "no password within Tight, where one is on record",
      () => open,
      1,
      PASSWORD,
      "upstream_password_not_asked",
    ],
    [
      "a password within Tight, where none is on record",
      () => locked,
      2,
      undefined,
      "upstream_password_missing",
    ],
  ] as const) {
    test(`${title}: ${outcome}`, async () => {
      await using between = await startBetween(addressOf(server()), (chunk) =>
        chunk.equals(Buffer.of(2, beside, 16)) ? Buffer.of(1, 16) : chunk,
      );
      const { address } = between;

      assert.equal(
        await openThrough(node, password === undefined ? { address } : { address, password }),
        outcome,
      );
      assert.equal(between.changed, 1);
    });
  }
});
