import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import type { Page, Request } from "playwright-core";
import type { SignInLink } from "#wire/api.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { createConsoleEndpoint } from "../harness/cloudstack.ts";
import { type Control, type Node, startControl, startNode } from "../harness/porthole.ts";
import { endingWords, NOVNC_REFUSED, untilLive } from "../harness/stage.ts";
import { refusal, TestViewer, webSocketUrl } from "../harness/test-viewer.ts";
import { lackingTigerVnc, startTigerVnc, type TigerVnc } from "../peers/tigervnc.ts";

const EXTRA = "extra-token-that-nobody-logs";
const PASSWORD = "hyperv1s";

/**
 * One run through everything that carries a secret, with control and the node logging all they can. What the
 * secrets were is collected on the way, and then looked for.
 */
describe("no secret stands in a log, a request line or a referrer", {
  skip: lackingBrowser || lackingTigerVnc,
}, () => {
  const secrets = new Map<string, string>();
  const requests: Request[] = [];
  let control: Control;
  let node: Node;
  let server: TigerVnc;
  let browser: TestBrowser;
  let machine: string;

  before(async () => {
    const loud = { args: ["--log-level", "debug"] };
    [control, server, browser] = await Promise.all([
      startControl(loud),
      startTigerVnc({ password: PASSWORD }),
      startBrowser(),
    ]);
    node = await startNode(control, loud);
    const address = `${server.host}:${server.port}`;
    machine = (
      await control.api.addMachine({ name: "machine", protocol: "rfb", address, password: PASSWORD })
    ).id;
    keep("secret key", control.secretKey);
    keep("basic credentials", Buffer.from(`${control.apiKey}:${control.secretKey}`).toString("base64"));
    keep("join token", control.joinToken);
    keep("the machine's password", PASSWORD);
    keep("extra token", EXTRA);
  });
  after(async () => {
    await browser[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
  });

  function keep(name: string, value: string): void {
    assert.ok(value.length >= 8, `${name} is long enough to be looked for`);
    secrets.set(`${name} ${secrets.size}`, value);
  }

  /** A ticket's last parts are in no other ticket, and enough to tell that it leaked. */
  function keepTicket(ticket: string): void {
    for (const part of ticket
      .split(".")
      .filter((each) => each.length > 20)
      .slice(1))
      keep("ticket", part);
  }

  async function openPage(expected?: RegExp): Promise<Page> {
    const page = await browser.open(expected === undefined ? {} : { expected });
    page.on("request", (request) => requests.push(request));
    page.on("websocket", (webSocket) =>
      webSocket.on("framereceived", ({ payload }) => {
        const { reopen } = typeof payload === "string" ? JSON.parse(payload) : {};
        if (reopen !== undefined) keep("reopen credential", reopen);
      }),
    );
    return page;
  }

  test("everything that carries one is done", async () => {
    const endpoint = await createConsoleEndpoint(control, machine, { token: EXTRA });
    keepTicket(endpoint.websocket.token);
    const page = await openPage();
    await page.goto(endpoint.url);
    await untilLive(page);
    await page.reload();
    await endingWords(page);
    await page.getByRole("button", { name: "Open again" }).click();
    await untilLive(page);

    const used = await openPage(NOVNC_REFUSED);
    await used.goto(endpoint.url);
    await endingWords(used);

    const bare = await control.api.openConsole(machine, { extra: EXTRA });
    keepTicket(bare.websocket.token);
    const query = new URLSearchParams({ token: bare.websocket.token, extra: EXTRA });
    await using viewer = await TestViewer.connect(`${webSocketUrl(node.websocket)}/websockify?${query}`);
    await viewer.handshake();
    await refusal(`${webSocketUrl(node.websocket)}/websockify?${query}`);
    await refusal(`${webSocketUrl(node.websocket)}/websockify?token=${bare.websocket.token.slice(0, -4)}`);

    const { url }: SignInLink = await control.api.call("POST", "me/sign-in-link");
    keep("sign-in code", new URLSearchParams(new URL(url).hash.slice(1)).get("code") ?? "");
    const list = await openPage();
    await list.goto(url);
    await list.getByRole("heading", { name: "Machines" }).waitFor();
    for (const { value } of await list.context().cookies()) keep("cookie", value);
    const [opened] = await Promise.all([
      list.context().waitForEvent("page"),
      list.getByRole("link", { name: "Open the console of machine" }).click(),
    ]);
    await untilLive(opened);

    assert.ok([...secrets.keys()].some((name) => name.startsWith("reopen")));
    assert.ok([...secrets.keys()].some((name) => name.startsWith("cookie")));
  });

  test("the logs of control and the node hold none of them", () => {
    for (const { stdout, stderr } of [control.process, node.process]) {
      assert.equal(stderr.dropped, false);
      assert.ok(stderr.text.split("\n").length > 3, "it logged");
      assert.deepEqual(secretsIn(stdout.text + stderr.text), []);
    }
  });

  test("what the hypervisor logged holds no ticket either", () => {
    assert.deepEqual(secretsIn(server.log()), []);
  });

  test("no request that the browser made carries one in its address or its referrer", async () => {
    assert.ok(requests.length > 10);
    for (const request of requests) {
      const { referer = "" } = await request.allHeaders();
      const [address = ""] = request.url().split("#");
      assert.deepEqual(secretsIn(decodeURIComponent(`${address} ${referer}`)), [], request.url());
      if (request.url().startsWith(node.node)) assert.equal(referer, "", "a node is told no referrer at all");
    }
  });

  test("the command lines of the processes hold none of them", () => {
    const { pid } = node.process;
    assert.deepEqual(secretsIn(readFileSync(`/proc/${pid}/cmdline`, "utf8")), []);
    assert.deepEqual(secretsIn(readFileSync(`/proc/${control.process.pid}/cmdline`, "utf8")), []);
  });

  function secretsIn(text: string): string[] {
    return [...secrets].filter(([, value]) => text.includes(value)).map(([name]) => name);
  }
});
