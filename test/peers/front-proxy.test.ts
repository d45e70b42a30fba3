import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { type Control, startControl } from "../harness/porthole.ts";
import { lacking } from "../harness/requirements.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { type Installation, open, startBehind } from "./behind-proxy.ts";
import type { FrontProxyName } from "./front-proxies.ts";

const PATH = "/cloud/console";
const OPENS = 100;
const AT_ONCE = 20;

const PROXIES: readonly { readonly name: FrontProxyName; readonly lacks: string | false }[] = [
  { name: "nginx", lacks: lacking("nginx-light") },
  { name: "haproxy", lacks: lacking("haproxy") },
  { name: "caddy", lacks: lacking("caddy") },
];

async function refusal(viewer: TestViewer) {
  return await eventually(() => {
    const ending = viewer.texts.find((text) => text.type === "ending");
    assert.ok(ending?.type === "ending");
    return ending.ending;
  });
}

/** For all of them, of which one is there at a time. */
let control: Control;
before(async () => {
  control = await startControl();
});
after(async () => await control[Symbol.asyncDispose]());

for (const { name, lacks } of PROXIES)
  test(`two nodes behind the ${name} of the documentation`, { skip: lacks }, async (t) => {
    await using installation = await startBehind(name, {
      control,
      nodeArgs: ["--trusted-proxies", "127.0.0.1"],
    });

    await t.test(`${OPENS} of ${OPENS} consoles open`, async () => {
      for (let begun = 0; begun < OPENS; begun += AT_ONCE)
        await Promise.all(Array.from({ length: AT_ONCE }, () => openAndLeave(installation)));
    });

    await t.test("a link that is bound to an address opens from there, and from nowhere else", async () => {
      const bound = { callerAddress: "127.0.0.9" };

      await using there = await open(installation, { ...bound, localAddress: "127.0.0.9" });
      await there.handshake();
      await using elsewhere = await open(installation, { ...bound, localAddress: "127.0.0.8" });
      assert.equal((await refusal(elsewhere)).code, "caller_address_mismatch");
      const headers = { "x-forwarded-for": "127.0.0.9" };
      await using forger = await open(installation, { ...bound, localAddress: "127.0.0.8", headers });
      assert.equal((await refusal(forger)).code, "caller_address_mismatch");
    });
  });

test("two nodes behind an nginx that says nothing, and cuts who says nothing", {
  skip: lacking("nginx-light"),
}, async (t) => {
  const change = (configuration: string) =>
    configuration
      .replace(/^.*X-Forwarded-For \$remote_addr.*$/m, "")
      .replace("proxy_buffering off;", "proxy_buffering off; proxy_read_timeout 3s;");
  const nodeArgs = ["--trusted-proxies", "127.0.0.1", "--ping-interval", "1"];
  await using installation = await startBehind("nginx", { control, nodeArgs, change });

  await t.test("the reason of a refusal names the header that is missing", async () => {
    // Of several, some come in at the node that carries the console, and some at the other one.
    for (let time = 0; time < 4; time += 1) {
      await using viewer = await open(installation, { callerAddress: "127.0.0.9" });

      const { code, detail } = await refusal(viewer);
      assert.equal(code, "caller_address_mismatch");
      assert.match(detail ?? "", /X-Forwarded-For/);
    }
  });

  await t.test("a quiet console lives on", async () => {
    await using viewer = await open(installation);
    await viewer.handshake();
    let pings = 0;
    viewer.webSocket.on("ping", () => {
      pings += 1;
    });

    // Pings come each second, and whoever says nothing is cut after three seconds: five times as long.
    await eventually(() => assert.ok(pings >= 15 || viewer.closed !== undefined));

    assert.equal(viewer.closed, undefined);
  });
});

for (const { name, lacks } of PROXIES)
  test(`two nodes under a path of the ${name} that is printed for it`, { skip: lacks }, async () => {
    const nodeArgs = ["--trusted-proxies", "127.0.0.1", "--public-path", `${PATH}/`];
    await using installation = await startBehind(name, { control, nodeArgs, path: PATH });
    const { machineId, proxy } = installation;

    for (let time = 0; time < 6; time += 1) {
      const { url, websocket } = await control.api.openConsole(machineId);
      assert.ok(url.startsWith(`${proxy.origin}${PATH}/p/`), url);
      const page = await get(url, proxy.ca);
      assert.match(page.text, /<script[^>]* src="\.\//, "what it loads stands beside it");
      const [, script = ""] = /<script[^>]* src="([^"]+)"/.exec(page.text) ?? [];
      assert.equal((await get(new URL(script, url).href, proxy.ca)).status, 200);
      assert.equal(websocket.path, `${PATH.slice(1)}/websockify`);
      const address = `${proxy.origin.replace("https:", "wss:")}/${websocket.path}?token=${websocket.token}`;
      await using viewer = await TestViewer.connect(address, { protocols: ["binary"], ca: proxy.ca });
      await viewer.handshake();
    }
    assert.equal((await get(`${proxy.origin}/p/x/console.html`, proxy.ca)).text.includes("<script"), false);
  });

async function openAndLeave(installation: Installation): Promise<void> {
  await using viewer = await open(installation);
  await viewer.handshake();
}

async function get(
  url: string,
  ca: string,
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  const asked = request(url.replace(/#.*/, ""), { ca, agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return { status: response.statusCode, text: await text(response) };
}
