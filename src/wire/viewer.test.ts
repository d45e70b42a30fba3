import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ALL_RIGHTS, isViewOnly, VIEW_ONLY } from "./rights.ts";
import { type NodeMessage, parseNodeMessage, parseViewerMessage, viewerLimits } from "./viewer.ts";

test("a message of the node is read as it was written", () => {
  const messages: readonly NodeMessage[] = [
    { type: "progress", stage: "dialling" },
    {
      type: "attached",
      sessionId: "s1",
      machine: { id: "m1", name: "web-1" },
      rights: ALL_RIGHTS,
      reopen: "r1",
      entrances: ["https://node-2.example.com"],
    },
    { type: "ending", ending: { kind: "failed", code: "upstream_closed", detail: "bye", reference: "s1" } },
    { type: "pong", id: 3 },
  ];

  for (const message of messages) assert.deepEqual(parseNodeMessage(JSON.stringify(message)), message);
});

test("what this version does not know is ignored, not guessed at", () => {
  for (const text of [
    "",
    "null",
    "[]",
    "{",
    '{"type":"presence"}',
    '{"type":"progress","stage":"flying"}',
    '{"type":"ending","ending":{"kind":"closed","code":"no_such_code"}}',
  ]) {
    assert.equal(parseNodeMessage(text), undefined, text);
  }
});

test("a viewer can acknowledge and ping, and nothing else", () => {
  assert.deepEqual(parseViewerMessage('{"type":"ack","bytes":5}'), { type: "ack", bytes: 5 });
  assert.deepEqual(parseViewerMessage('{"type":"ping","id":1}'), { type: "ping", id: 1 });
  for (const text of [
    '{"type":"ack","bytes":-1}',
    '{"type":"ack","bytes":1.5}',
    '{"type":"ack"}',
    '{"type":"end"}',
  ]) {
    assert.equal(parseViewerMessage(text), undefined, text);
  }
  assert.equal(
    parseViewerMessage(`${" ".repeat(viewerLimits.textCharacters)}{"type":"ping","id":1}`),
    undefined,
  );
});

test("no text makes the parsers throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      parseNodeMessage(text);
      parseViewerMessage(text);
    }),
  );
});

test("view-only is having no right at all", () => {
  assert.ok(isViewOnly(VIEW_ONLY));
  assert.ok(!isViewOnly(ALL_RIGHTS));
  for (const right of Object.keys(ALL_RIGHTS)) assert.ok(!isViewOnly({ ...VIEW_ONLY, [right]: true }), right);
});
