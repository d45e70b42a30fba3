import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { Session, SignInLink } from "#wire/api.ts";
import { ERRORS } from "#wire/errors.ts";
import { outOfReach, SIZES, sideways, THEMES } from "../harness/appearance.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { untilKeyboard } from "../harness/focus.ts";
import { NativeClient } from "../harness/native-client.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { endingWords, untilLive } from "../harness/stage.ts";
import { startUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";

interface Keys {
  readonly apiKey: string;
  readonly secretKey: string;
}

describe("the list of sessions", { skip: lackingBrowser }, () => {
  let porthole: Porthole;
  let browser: TestBrowser;
  before(async () => {
    [porthole, browser] = await Promise.all([startPorthole(), startBrowser()]);
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await porthole?.[Symbol.asyncDispose]();
  });

  async function onPage(options: Parameters<TestBrowser["open"]>[0] = {}): Promise<Page> {
    const page = await browser.open(options);
    const link: SignInLink = await porthole.api.call("POST", "me/sign-in-link");
    await page.goto(link.url);
    await page.locator("nav a[href='#sessions']").click();
    await page.locator("main table").waitFor();
    return page;
  }

  /** Of a machine whose server does this with whoever calls. */
  async function lost(name: string, address: string): Promise<Session> {
    const { id } = await porthole.api.addMachine({ name, protocol: "rfb", address });
    const { url, websocket, sessionId } = await porthole.api.openConsole(id);
    await using viewer = await TestViewer.bare(new URL(url).origin, websocket.token);
    await assert.rejects(viewer.handshake());
    return await eventually(async () => {
      const session = await porthole.api.session(sessionId);
      assert.equal(session.state, "ended");
      return session;
    });
  }

  test("says of one that found no way to its console that it failed, and at which step, once, at every size", async () => {
    await using upstream = await startUpstream(({ socket }) => socket.end());
    const { address } = upstream.upstream;
    assert.equal(address.kind, "tcp");
    const { id, ending } = await lost("hangs up", `${address.host}:${address.port}`);
    assert.deepEqual([ending?.code, ending?.step], ["upstream_closed", "handshake"]);

    for (const options of Object.values(SIZES))
      for (const colorScheme of THEMES)
        for (const { locale, failed, said } of [
          { locale: "en-GB", failed: "Failed", said: "It failed in the protocol’s handshake." },
          { locale: "de-DE", failed: "Gescheitert", said: "Es scheiterte im Handschlag des Protokolls." },
        ]) {
          const page = await onPage({ ...options, colorScheme, locale });
          const row = page.getByRole("row", { name: "hangs up" });

          await row.getByText(said).filter({ visible: true }).waitFor();
          await row.getByText(failed, { exact: true }).waitFor();
          assert.equal(await row.getByText("RFB", { exact: false }).filter({ visible: true }).count(), 0);
          assert.equal(
            await row.getByText(id).filter({ visible: true }).count(),
            0,
            "an id takes no half of it",
          );
          assert.deepEqual([await sideways(page), await outOfReach(page)], [[], []]);
          await page.close();
        }
  });

  test("says no step where the reason is one", async () => {
    const { ending } = await lost("nameless", "no-such-host.invalid:5900");
    assert.equal(ending?.code, "upstream_name_unresolved");
    const page = await onPage();

    const row = page.getByRole("row", { name: "nameless" });

    await row.getByText(ERRORS.upstream_name_unresolved.meaning).filter({ visible: true }).waitFor();
    assert.equal(await row.getByText("It failed as").count(), 0);
  });

  test("has one ended that is open, once that was asked, and the viewer says so", async () => {
    const [demo] = porthole.machines;
    const viewer = await browser.open();
    await viewer.goto((await porthole.api.openConsole(demo?.id ?? "")).url);
    await untilLive(viewer);
    const page = await onPage({ viewport: { width: 1024, height: 768 } });
    const row = page.getByRole("row", { name: demo?.name ?? "" });
    const end = row.getByRole("button", { name: `End the console of ${demo?.name}, opened by admin` });
    assert.deepEqual([await sideways(page), await outOfReach(page)], [[], []]);

    await end.click();
    const dialog = page.getByRole("dialog", { name: `End the console of ${demo?.name}?` });
    await dialog.getByText("You opened it.").waitFor();
    await page.keyboard.press("Escape");
    await untilKeyboard(end);
    assert.equal(await viewer.locator("[data-phase=live]").count(), 1, "nothing was ended yet");
    await end.click();
    await dialog.getByRole("button", { name: "End it" }).click();

    assert.match(await endingWords(viewer), new RegExp(ERRORS.session_ended.meaning));
    await dialog.waitFor({ state: "detached" });
    await row.getByText("Ended", { exact: true }).waitFor();
    await end.waitFor({ state: "detached" });
    await untilKeyboard(page.getByRole("heading", { name: "Sessions" }));
  });

  test("says whose it is that an administrator ends, and of a link that nobody has used yet that it opens nothing then", async () => {
    const [demo] = porthole.machines;
    const { id: account } = await porthole.api.call<{ id: string }>("POST", "accounts", {
      ...{ name: "ida", role: "member", projects: ["default"] },
    });
    const keys = await porthole.api.call<Keys>("POST", `accounts/${account}/api-keys`);
    const ida = new NativeClient(porthole.control, keys);
    const viewer = await browser.open();
    await viewer.goto((await ida.openConsole(demo?.id ?? "")).url);
    await untilLive(viewer);
    const { url } = await ida.openConsole(demo?.id ?? "");
    const page = await onPage();
    const ended = async (state: string, means: string) => {
      const row = page.getByRole("row", { name: "ida" }).filter({ hasText: state });
      await row.getByRole("button", { name: `End the console of ${demo?.name}, opened by ida` }).click();
      const dialog = page.getByRole("dialog", { name: `End the console of ${demo?.name}?` });
      await dialog.getByText(means).waitFor();
      await dialog.getByRole("button", { name: "End it" }).click();
      await dialog.waitFor({ state: "detached" });
    };

    await ended("Pending", "ida has not used its link yet, which opens nothing then.");
    await ended("Active", "It is open for one person, ida, who is told that admin ended it.");

    assert.match(await endingWords(viewer), /by admin/);
    const rows = page.getByRole("row", { name: "ida" });
    await eventually(async () => assert.equal(await rows.getByText("Ended", { exact: true }).count(), 2));
    assert.equal(await rows.getByText("Failed", { exact: true }).count(), 0, "somebody wanted it so");
    const late = await browser.open();
    await late.goto(url);
    assert.match(await endingWords(late), new RegExp(ERRORS.session_ended.meaning));
  });
});
