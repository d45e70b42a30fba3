import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeAddress } from "#wire/upstream-allow.ts";
import { captureLog } from "../../../test/harness/test-node.ts";
import { obey } from "./settings.ts";

const SETTINGS = {
  heartbeatIntervalMs: 5_000,
  upstreamAllow: "10.0.0.0/8",
  allowedOrigins: ["https://portal.example.com"],
  frameAncestors: ["https://portal.example.com"],
  entrances: ["http://node-2.example.com"],
};

test("settings are taken over as they are used", () => {
  const obeyed = obey(SETTINGS, captureLog().logger);

  assert.equal(judgeAddress(obeyed.upstreamAllow, "10.1.2.3", 5900), "allowed");
  assert.deepEqual([...obeyed.allowedOrigins], ["https://portal.example.com"]);
  assert.deepEqual(obeyed.entrances, ["http://node-2.example.com"]);
});

test("the names under which the node is found are taken over whole, or not at all", () => {
  const found = {
    pageOrigin: "http://1-2-3-4.example.com",
    webSocketOrigin: "http://1-2-3-4.example.com:81",
  };
  const odd = { ...found, webSocketOrigin: "ws://1-2-3-4.example.com; script-src *" };

  assert.equal(obey(SETTINGS, captureLog().logger).found, undefined);
  assert.deepEqual(obey({ ...SETTINGS, found }, captureLog().logger).found, found);
  assert.equal(obey({ ...SETTINGS, found: odd }, captureLog().logger).found, undefined);
});

test("upstream.allow that cannot be read allows nothing, and the operator is told", () => {
  const log = captureLog();

  const obeyed = obey({ ...SETTINGS, upstreamAllow: "10.0.0.0/8, everything" }, log.logger);

  assert.equal(judgeAddress(obeyed.upstreamAllow, "10.1.2.3", 5900), "outside");
  assert.match(log.text(), /upstream\.allow cannot be read/);
});

test("what is no origin is left out", () => {
  const odd = ["*", "null", "https://a.example/", "https://A.example", "'self'", "https://b.example"];

  const obeyed = obey({ ...SETTINGS, allowedOrigins: odd, frameAncestors: odd }, captureLog().logger);

  assert.deepEqual([...obeyed.allowedOrigins], ["https://b.example"]);
  assert.deepEqual(obeyed.frameAncestors, ["https://b.example"]);
});
