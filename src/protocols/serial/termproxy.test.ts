import assert from "node:assert/strict";
import { test } from "node:test";
import { SequenceDriver } from "#base/sequence.ts";
import { TERMPROXY_PING, termproxyAnswer, termproxyInput, termproxyLogin } from "./termproxy.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

test("messages are as Proxmox VE's own page sends them, with lengths in bytes", () => {
  assert.equal(text(termproxyLogin("root@pam:PVEVNC:1::x=")), "root@pam:PVEVNC:1::x=\n");
  assert.equal(text(termproxyInput(Buffer.from("ls\r"))), "0:3:ls\r");
  assert.deepEqual([...termproxyInput(Buffer.from("ä"))], [...Buffer.from("0:2:"), 0xc3, 0xa4]);
  assert.equal(text(TERMPROXY_PING), "2");
});

test("what stands behind its OK is the line's, and anything else is no termproxy", () => {
  const driver = new SequenceDriver(termproxyAnswer());
  for (const byte of Buffer.from("OK$ ")) driver.push(Uint8Array.of(byte));

  assert.ok(driver.done);
  assert.equal(text(driver.rest), "$ ");
  assert.throws(() => new SequenceDriver(termproxyAnswer()).push(Buffer.from("KO")), /no termproxy/);
});
