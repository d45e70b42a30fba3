import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { SUBPROTOCOL, TICKET_ENTRY_PREFIX } from "#wire/viewer.ts";
import { eventually } from "../harness/eventually.ts";
import { type Control, startControl, startNode } from "../harness/porthole.ts";
import { lacking } from "../harness/requirements.ts";
import { startRfbUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { type FrontProxy, type FrontProxyName, startFrontProxy } from "./front-proxies.ts";

const PATH = "/cloud/console";
const OPENS = 100;
const AT_ONCE = 20;

const PROXIES: readonly { readonly name: FrontProxyName; readonly lacks: string | false }[] = [
  { name: "nginx", lacks: lacking("nginx-light") },
  { name: "haproxy", lacks: lacking("haproxy") },
  { name: "caddy", lacks: lacking("caddy") },
];

interface Installation extends AsyncDisposable {
  readonly control: Control;
  readonly machineId: string;
  readonly proxy: FrontProxy;
}

interface Options {
  readonly nodeArgs?: readonly string[];
  readonly change?: (configuration: string) => string;
  readonly path?: string;
}

async function startBehind(
  name: FrontProxyName,
  { nodeArgs = [], change, path }: Options = {},
): Promise<Installation> {
  await using opened = new AsyncDisposableStack();
  const control = opened.use(await startControl());
  const { upstream } = opened.use(await startRfbUpstream());
  assert.ok(upstream.address.kind === "tcp");
  const address = `${upstream.address.host}:${upstream.address.port}`;
  const { id: machineId } = await control.api.addMachine({ name: "guest", protocol: "rfb", address });
  // The same port as the proxy's for all, so that a node has one that is known before it listens.
  const startOne = async (publicUrl: string, listen: string): Promise<string> => {
    const args = ["--public-url", publicUrl, "--behind-proxy", "--listen", listen, ...nodeArgs];
    opened.use(await startNode(control, { args }));
    return listen;
  };
  const nodes = async (origin: string, port: number) =>
    [await startOne(origin, `127.0.0.2:${port}`), await startOne(origin, `127.0.0.3:${port}`)] as const;
  const proxy = opened.use(await startFrontProxy(name, nodes, { change, path }));
  const owned = opened.move();
  return { control, machineId, proxy, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

/** Opens a console through the proxy; resolves when the viewer is let in, or told why not. */
async function open(
  { control, machineId, proxy }: Installation,
  {
    callerAddress,
    ...from
  }: {
    readonly callerAddress?: string;
    readonly localAddress?: string;
    readonly headers?: Record<string, string>;
  } = {},
): Promise<TestViewer> {
  const bound = callerAddress === undefined ? {} : { callerAddress };
  const { url, websocket } = await control.api.openConsole(machineId, bound);
  assert.equal(new URL(url).origin, proxy.origin);
  const protocols = [SUBPROTOCOL, `${TICKET_ENTRY_PREFIX}${websocket.token}`];
  const address = `${proxy.origin.replace("https:", "wss:")}/p/x/websockify`;
  return await TestViewer.connect(address, { protocols, ca: proxy.ca, ...from });
}

async function refusal(viewer: TestViewer) {
  return await eventually(() => {
    const ending = viewer.texts.find((text) => text.type === "ending");
    assert.ok(ending?.type === "ending");
    return ending.ending;
  });
}

for (const { name, lacks } of PROXIES)
  test(`two nodes behind the ${name} of the documentation`, { skip: lacks }, async (t) => {
    await using installation = await startBehind(name, { nodeArgs: ["--trusted-proxies", "127.0.0.1"] });

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
  await using installation = await startBehind("nginx", { nodeArgs, change });

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

    await eventually(() => assert.ok(pings >= 15 || viewer.closed !== undefined));

    assert.equal(viewer.closed, undefined);
  });
});

for (const { name, lacks } of PROXIES)
  test(`two nodes under a path of the ${name} that is printed for it`, { skip: lacks }, async () => {
    const nodeArgs = ["--trusted-proxies", "127.0.0.1", "--public-path", `${PATH}/`];
    await using installation = await startBehind(name, { nodeArgs, path: PATH });
    const { control, machineId, proxy } = installation;

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
