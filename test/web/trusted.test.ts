import assert from "node:assert/strict";
import { test } from "node:test";
import { hostPort } from "#base/config.ts";
import type { Acme } from "#wire/acme.ts";
import { lackingTrustingBrowser, startBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { startControl, startNode } from "../harness/porthole.ts";
import { untilLive } from "../harness/stage.ts";
import { lackingPebble, startPebble } from "../peers/pebble.ts";
import { lackingTigerVnc, startTigerVnc } from "../peers/tigervnc.ts";
import { lackingUnbound, startUnbound } from "../peers/unbound.ts";

const DOMAIN = "console.example";

test("a browser that believes the authority opens a console at https://203-0-113-7.console.example, and another one does not", {
  skip: lackingTrustingBrowser || lackingPebble || lackingUnbound || lackingTigerVnc,
}, async () => {
  await using server = await startTigerVnc();
  await using control = await startControl({ args: ["--dns-listen", "127.0.0.1:0"] });
  const { api } = control;
  const set = async (name: string, value: string) => await api.call("PUT", `settings/${name}`, { value });
  await set("consoleproxy.loadscan.interval", "1000");
  await using _node = await startNode(control, { args: ["--public-address", "203.0.113.7"] });
  const address = `${server.host}:${server.port}`;
  const { id } = await api.addMachine({ name: "machine", protocol: "rfb", address });

  // As docs/operations/acme.md has it, from nothing.
  await set("consoleproxy.url.domain", `*.${DOMAIN}`);
  await using unbound = await startUnbound(DOMAIN, hostPort(control.dns?.[0] ?? ""));
  await using pebble = await startPebble({ resolver: `127.0.0.1:${unbound.port}` });
  const { directory, roots } = pebble;
  await api.call("PATCH", "acme", { directory, roots, agreesToTerms: true });
  await eventually(async () => assert.equal((await api.call<Acme>("GET", "acme")).state, "ready"));
  await set("consoleproxy.sslEnabled", "true");
  const url = await eventually(async () => {
    const console = await api.openConsole(id);
    assert.match(console.url, /^https:\/\/203-0-113-7\.console\.example:\d+\/p\//);
    return console.url;
  });

  await using believing = await startBrowser({ roots, here: `*.${DOMAIN}` });
  await using doubting = await startBrowser({ here: `*.${DOMAIN}` });
  const refused = await doubting.open();
  await assert.rejects(refused.goto(url), /ERR_CERT_AUTHORITY_INVALID/);
  const page = await believing.open();
  const response = await page.goto(url);
  await untilLive(page);

  const details = await response?.securityDetails();
  assert.match(details?.issuer ?? "", /^Pebble Intermediate CA/);
  assert.equal(details?.protocol, "TLS 1.3");
  assert.equal(await page.evaluate<boolean>("isSecureContext"), true);
});
