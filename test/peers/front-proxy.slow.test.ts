import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { lacking } from "../harness/requirements.ts";
import { open, startBehind } from "./behind-proxy.ts";

/** Of nginx' default, proxy_read_timeout 60s. */
const TIMES_AS_LONG = 5;
const NGINX_TIMEOUT_MS = 60_000;
/** By when it has to have been that long, on a machine however busy. */
const WITHIN_MS = 2 * TIMES_AS_LONG * NGINX_TIMEOUT_MS;

test("a quiet console lives on behind nginx for five times as long as that waits by default", {
  skip: lacking("nginx-light"),
}, async () => {
  await using installation = await startBehind("nginx", { nodeArgs: ["--trusted-proxies", "127.0.0.1"] });
  // It would be ended by ourselves, as nothing is to be seen in it.
  await installation.control.api.call("PUT", "settings/consoleproxy.session.timeout", { value: "3600000" });
  await using viewer = await open(installation);
  await viewer.handshake();
  const since = performance.now();
  let lastPing = since;
  viewer.webSocket.on("ping", () => {
    lastPing = performance.now();
  });

  await eventually(
    () => assert.ok(viewer.closed !== undefined || lastPing - since > TIMES_AS_LONG * NGINX_TIMEOUT_MS),
    { withinMs: WITHIN_MS },
  );

  assert.equal(viewer.closed, undefined);
});
