import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "#base/protocol-error.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { type ConnectAnswer, connectAnswer } from "./connect-answer.ts";

test("an answer's head is read to its last byte, however it comes, and the console's bytes stay", () => {
  const said = Buffer.from("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nRFB 003.008\n");
  for (const size of [1, 2, 7, said.length]) {
    const driver = new SequenceDriver(connectAnswer());
    for (let at = 0; at < said.length; at += size) driver.push(said.subarray(at, at + size));

    assert.deepEqual(driver.result, { status: 200, reason: "OK" });
    assert.equal(Buffer.from(driver.rest).toString(), "RFB 003.008\n");
  }
});

test("lines may end as they like, and a reason may be absent", () => {
  const answers: Readonly<Record<string, ConnectAnswer>> = {
    "HTTP/1.0 503 Connection Limit Exceeded\nX: y\n\n": { status: 503, reason: "Connection Limit Exceeded" },
    "HTTP/1.1 404\r\n\r\n": { status: 404, reason: "" },
    "HTTP/1.1 401 \r\n\r\n": { status: 401, reason: "" },
  };
  for (const [said, answer] of Object.entries(answers)) assert.deepEqual(read(said), answer);
});

test("what is no answer, and a head without end, are refused", () => {
  const wrong = [
    "RFB 003.008\n\n",
    "\r\n",
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.1 99 OK\r\n\r\n",
    "HTTP/1.1 200 \u0007\r\n\r\n",
    "X".repeat(9_000),
    `HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(2_000)}`,
  ];
  for (const said of wrong) assert.throws(() => read(said), ProtocolError, said.slice(0, 40));
});

function read(said: string): ConnectAnswer {
  const driver = new SequenceDriver(connectAnswer());
  driver.push(Buffer.from(said, "latin1"));
  return driver.result;
}
