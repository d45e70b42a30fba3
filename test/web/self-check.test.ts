import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { BrowserContextOptions, Locator, Page } from "playwright-core";
import { PERMISSIONS } from "#web/operator/self-check/local-network.ts";
import type { SignInLink } from "#wire/api.ts";
import { FINDINGS, type Finding } from "#wire/findings.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { NativeClient } from "../harness/native-client.ts";
import { type Control, type Node, startControl, startNode } from "../harness/porthole.ts";
import { lacking } from "../harness/requirements.ts";
import { twoNodesOf } from "../peers/behind-proxy.ts";
import { type Change, type FrontProxy, startFrontProxy } from "../peers/front-proxies.ts";

interface Options extends BrowserContextOptions {
  readonly expected?: RegExp;
  /** By which the browser comes to control, in place of its own. */
  readonly host?: string;
}

describe("the self-check in control's page", { skip: lackingBrowser }, () => {
  let browser: TestBrowser;
  /** With which nothing is wrong, but that a machine is down. */
  let control: Control;
  let node: Node;
  before(async () => {
    [browser, control] = await Promise.all([startBrowser(), startControl()]);
    node = await startNode(control);
    await control.api.addMachine({ name: "down", protocol: "rfb", address: "127.0.0.1:1" });
  });
  after(async () => {
    await browser[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
  });
  const pages: Page[] = [];
  // They go on to ask control, which has gone with its test.
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
  });

  /** Signed in, at the machines. */
  async function signedIn({ api }: Pick<Control, "api">, { host, ...options }: Options = {}): Promise<Page> {
    const page = await browser.open(options);
    pages.push(page);
    const { url }: SignInLink = await api.call("POST", "me/sign-in-link");
    await page.goto(host === undefined ? url : url.replace("127.0.0.1", host));
    await page.locator("main h1").waitFor();
    return page;
  }

  async function check(control: Control, options: Options = {}): Promise<Page> {
    const page = await signedIn(control, options);
    await page.locator("nav a[href='#doctor']").click();
    await untilDone(page);
    return page;
  }

  async function untilDone(page: Page): Promise<void> {
    // Before it has begun, too, nothing is busy.
    await page.locator("section[aria-labelledby=check-browser] li").first().waitFor({ timeout: 90_000 });
    await page.locator("section[aria-busy=true]").first().waitFor({ state: "detached", timeout: 90_000 });
    await page.locator("button.check-again:enabled").waitFor({ timeout: 90_000 });
  }

  /** The line of a side that says this. */
  function line(page: Page, side: string, finding: Finding): Locator {
    return page
      .getByRole("region", { name: side })
      .getByRole("listitem")
      .filter({ hasText: FINDINGS[finding].meaning });
  }

  test("goes to every node by page and WebSocket, and says of each what is so", async () => {
    const page = await check(control);

    const here = page.getByRole("region", { name: "From this browser" });
    for (const name of ["The console's page", "The WebSocket", "What proxies on the way say"])
      await here.getByRole("listitem").filter({ hasText: name }).filter({ hasText: "ok" }).waitFor();
    assert.match((await here.textContent()) ?? "", new RegExp(node.node));
    const down = line(page, "From the nodes", "connect_refused");
    await down.getByText(FINDINGS.connect_refused.remedy).waitFor();
    assert.match((await down.textContent()) ?? "", /Failed/);
    assert.match(
      (await page.getByRole("main").getByRole("status").first().textContent()) ?? "",
      /^1 failed, 0 warnings, \d+ ok$/,
    );
  });

  test("goes to a node under the path of a front proxy by that path", async () => {
    await using control = await startControl();
    await using _node = await startNode(control, { args: ["--public-path", "/console"] });

    const page = await check(control);

    const here = page.getByRole("region", { name: "From this browser" });
    for (const name of ["The console's page", "The WebSocket"])
      await here
        .getByRole("listitem")
        .filter({ hasText: name })
        .filter({ hasText: "ok" })
        .filter({ hasText: "/console/p/" })
        .waitFor();
  });

  describe("of nodes behind an nginx", { skip: lacking("nginx-light") }, () => {
    const opened = new AsyncDisposableStack();
    let behind: Control;
    let proxy: FrontProxy;
    before(async () => {
      behind = opened.use(await startControl());
      proxy = opened.use(await startFrontProxy("nginx", twoNodesOf(behind)));
    });
    after(async () => await opened.disposeAsync());
    async function checkBehind(change: Change): Promise<Locator> {
      await proxy.change(change);
      const page = await check(behind, { ignoreHTTPSErrors: true, expected: /CORS|50\d|Failed to load/ });
      return page.getByRole("region", { name: "From this browser" });
    }

    test("says of a proxy that does not reach them that what answers is no node", async () => {
      const here = await checkBehind((configuration) =>
        configuration.replace(/server 127\.0\.0\.[23]:\d+;/g, "server 127.0.0.4:1;"),
      );

      await here.getByText(FINDINGS.page_other.meaning).waitFor();
      await here.getByText(FINDINGS.websocket_unreachable.meaning).waitFor();
    });

    test("says of a page that it may not read, where the WebSocket opens, that it may not", async () => {
      const here = await checkBehind((configuration) =>
        configuration.replace(
          "proxy_buffering off;",
          "proxy_buffering off; proxy_hide_header Access-Control-Allow-Origin;",
        ),
      );

      const page = here.getByRole("listitem").filter({ hasText: FINDINGS.page_unread.meaning });
      await page.getByText(FINDINGS.page_unread.remedy).waitFor();
      await here
        .getByRole("listitem")
        .filter({ hasText: "The WebSocket" })
        .filter({ hasText: "ok" })
        .waitFor();
    });
  });

  test("is walked by keyboard alone, and is looked at again when asked to", async () => {
    const page = await signedIn(control);
    const focused = async () => await page.evaluate<string>("document.activeElement?.textContent ?? ''");

    for (let presses = 0; (await focused()) !== "Self-check"; presses++) {
      assert.ok(presses < 20, "the navigation is reached by Tab");
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await untilDone(page);
    for (let presses = 0; (await focused()) !== "Check again"; presses++) {
      assert.ok(presses < 20, "the button is reached by Tab");
      await page.keyboard.press("Tab");
    }
    const asked = page.waitForRequest(/self-check\/nodes/);
    await page.keyboard.press("Enter");
    await asked;
    await untilDone(page);

    assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "Self-check");
    assert.deepEqual(await page.getByRole("heading", { level: 2 }).allTextContents(), [
      "From control",
      "From the nodes",
      "From this browser",
    ]);
  });

  test("says of a node that the browser does not get to that it does not, in German as well", async () => {
    await using control = await startControl();
    const nowhere = ["--public-url", "http://127.0.0.1:9", "--behind-proxy"];
    await using _node = await startNode(control, { args: nowhere });
    // Port 9 is one of those that browsers do not even try.
    const expected = /127\.0\.0\.1:9|ERR_UNSAFE_PORT|ERR_CONNECTION_REFUSED/;

    const page = await check(control, { expected });

    for (const finding of ["page_unreachable", "websocket_unreachable"] as const)
      await line(page, "From this browser", finding).getByText(FINDINGS[finding].remedy).waitFor();
    await line(page, "From the nodes", "hairpin").first().waitFor();
    const german = await check(control, { expected, locale: "de-DE" });
    await german
      .getByText("Der Browser bekommt die Seite des Knotens nicht und sagt nicht, warum.")
      .waitFor();
    await german.getByRole("region", { name: "Von diesem Browser" }).getByText("Fehler").first().waitFor();
  });

  test("asks about private addresses by names that the browser knows", async () => {
    const page = await signedIn(control);
    const stateOf = async (name: string) =>
      await page.evaluate<string>(
        `navigator.permissions.query({ name: "${name}" }).then(({ state }) => state, () => "unknown")`,
      );

    for (const [space, names] of Object.entries(PERMISSIONS))
      assert.match(await stateOf(names[0] ?? ""), /^(granted|prompt|denied)$/, space);
    assert.equal(await stateOf("nonsense"), "unknown");
  });

  test("says when a certificate ends as people read it", async () => {
    await using control = await startControl();
    await control.api.call("PUT", "settings/consoleproxy.sslEnabled", { value: "true" });
    await using _node = await startNode(control);

    const page = await check(control, { expected: /ERR_CERT_AUTHORITY_INVALID/, locale: "de-DE" });

    const end = page.getByRole("region", { name: "Von der Steuerung" }).locator("dd time");
    assert.match((await end.textContent()) ?? "", /^\d+\. \p{L}+ \d{4} um \d\d:/u);
  });

  test("opened by another name of control it says that nodes do not answer it, and where to open it", async () => {
    const page = await check(control, { host: "localhost" });

    const found = line(page, "From this browser", "skipped_other_origin");
    assert.match((await found.textContent()) ?? "", new RegExp(control.control));
  });

  test("says that its part in the browser did not start, where that is withheld", async () => {
    const page = await signedIn(control, { expected: /browser-worker|ERR_/ });
    await page.route(/browser-worker-/, async (route) => await route.abort());

    await page.locator("nav a[href='#doctor']").click();
    await untilDone(page);

    await line(page, "From this browser", "script_missing").waitFor();
  });

  test("is for administrators alone", async () => {
    const { id } = await control.api.call<{ id: string }>("POST", "accounts", {
      name: "member",
      role: "member",
      projects: [],
    });
    const keys = await control.api.call<{ apiKey: string; secretKey: string }>(
      "POST",
      `accounts/${id}/api-keys`,
    );
    const page = await signedIn({ api: new NativeClient(control.control, keys) });

    assert.equal(await page.locator("nav a[href='#doctor']").count(), 0);
    await page.evaluate("location.hash = 'doctor'");

    await eventually(async () => assert.equal(await page.title(), "Machines · Porthole"));
    await page.getByRole("heading", { level: 1, name: "Machines" }).waitFor();
  });

  test("nothing but its worker may talk to nodes", async () => {
    const page = await check(control, { expected: /Content.Security.Policy|Refused to connect/i });

    const outcome = await page.evaluate<string>(
      `fetch("${node.node}/p/x/self-check", { method: "POST" }).then(() => "reached", () => "refused")`,
    );

    assert.equal(outcome, "refused");
  });
});
