import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { SignInLink } from "#wire/api.ts";
import { ERRORS } from "#wire/errors.ts";
import { lackingBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { typeKeys } from "../harness/keyboard.ts";
import { NativeClient } from "../harness/native-client.ts";
import { type Stage, startStage, untilLive } from "../harness/stage.ts";
import { lackingGuest } from "../peers/qemu.ts";

describe("a person in front of control's page", { skip: lackingBrowser || lackingGuest }, () => {
  let stage: Stage<"screen">;
  before(async () => {
    stage = await startStage({ screen: {} });
    await stage.machine("screen", { name: "real guest" });
  });
  after(async () => await stage[Symbol.asyncDispose]());

  async function signInLink(api: NativeClient = stage.porthole.api): Promise<string> {
    const { url }: SignInLink = await api.call("POST", "me/sign-in-link");
    return url;
  }

  async function signedIn(api?: NativeClient): Promise<Page> {
    const page = await stage.browser.open();
    await page.goto(await signInLink(api));
    await page.getByRole("heading", { name: "Machines" }).waitFor();
    return page;
  }

  async function member(name: string, projects: readonly string[]): Promise<NativeClient> {
    const { api, control } = stage.porthole;
    const { id } = await api.call<{ id: string }>("POST", "accounts", { name, role: "member", projects });
    const keys = await api.call<{ apiKey: string; secretKey: string }>("POST", `accounts/${id}/api-keys`);
    return new NativeClient(control, keys);
  }

  /** What the machine's icon opens, which is a window of its own. */
  async function openConsole(page: Page, machine: string): Promise<Page> {
    const [opened] = await Promise.all([
      page.context().waitForEvent("page"),
      page.getByRole("link", { name: `Open the console of ${machine}` }).click(),
    ]);
    return opened;
  }

  test("signs in with a link, and the link is gone from the address bar", async () => {
    const link = await signInLink();
    const page = await stage.browser.open();

    await page.goto(link);

    await page.getByRole("heading", { name: "Machines" }).waitFor();
    assert.equal(new URL(page.url()).hash.includes("code"), false);
    const cookies = await page.context().cookies();
    assert.ok(cookies.length > 0);
    for (const { httpOnly, sameSite } of cookies) assert.deepEqual([httpOnly, sameSite], [true, "Strict"]);
  });

  test("who comes without a link was never signed out, and is told whom to ask", async () => {
    const page = await stage.browser.open({ expected: /401/ });

    await page.goto(stage.porthole.control);

    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.getByText("ask your administrator for a sign-in link").waitFor();
    assert.equal(await page.getByText("signed out").count(), 0);
  });

  test("who is in no project is told that, and not that projects are empty", async () => {
    const page = await signedIn(await member("newcomer", []));

    await page.getByText("You are in no project yet").waitFor();
    assert.equal(await page.getByText("Your projects").count(), 0);
  });

  test("signs in with a link that is put into the tab of the page that asks for one", async () => {
    const page = await stage.browser.open({ expected: /401/ });
    await page.goto(stage.porthole.control);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();

    await page.goto(await signInLink());

    await page.getByRole("heading", { name: "Machines" }).waitFor();
    assert.equal(new URL(page.url()).hash.includes("code"), false);
  });

  test("is told when the link was used before", async () => {
    const link = await signInLink();
    const first = await stage.browser.open();
    await first.goto(link);
    await first.getByRole("heading", { name: "Machines" }).waitFor();
    const second = await stage.browser.open({ expected: /401/ });

    await second.goto(link);

    await second.getByText(ERRORS.sign_in_code_invalid.meaning).waitFor();
  });

  test("opens a machine's console in a window of its own, and types into it", async () => {
    const page = await signedIn();

    const opened = await openConsole(page, "real guest");

    await untilLive(opened);
    assert.equal(new URL(opened.url()).origin, stage.porthole.node);
    await typeKeys(opened, "echo from-the-list > /dev/ttyS0\n", stage.guest);
    await eventually(() => assert.match(stage.guest.serial(), /from-the-list/));
    assert.equal(await page.getByRole("heading", { name: "Machines" }).count(), 1, "the list is still there");
  });

  test("sees the demo machine's console, where everything is Porthole's own", async () => {
    const page = await signedIn();
    const [demo] = stage.porthole.machines;
    assert.ok(demo !== undefined);

    const opened = await openConsole(page, demo.name);

    await untilLive(opened);
    assert.equal(await opened.title(), demo.name);
  });

  test("sees only the machines of their projects, and no addresses", async () => {
    const { id: projectId } = await stage.porthole.api.call<{ id: string }>("POST", "projects", {
      name: "theirs",
    });
    const address = `${stage.guest.host}:${stage.guest.ports.screen}`;
    await stage.porthole.api.addMachine({ name: "theirs too", protocol: "rfb", address, project: "theirs" });

    const page = await signedIn(await member("member", [projectId]));

    await page.getByText("theirs too").waitFor();
    const text = (await page.locator("body").textContent()) ?? "";
    assert.ok(!text.includes("real guest"));
    assert.ok(!text.includes(address));
    await untilLive(await openConsole(page, "theirs too"));
  });

  test("cannot be made to open a console by another site", async () => {
    const page = await signedIn();
    const [demo] = stage.porthole.machines;
    const elsewhere = stage.porthole.control.replace("127.0.0.1", "localhost");

    const { status } = await page.request
      .get(`${stage.porthole.control}/machines/${demo?.id}/console`, {
        headers: { "sec-fetch-site": "cross-site", origin: elsewhere },
        maxRedirects: 0,
      })
      .then((response) => ({ status: response.status() }));

    assert.equal(status, 403);
  });

  test("signs out, and the cookie opens nothing any more", async () => {
    const page = await signedIn();
    const cookies = await page.context().cookies();

    await page.getByRole("button", { name: "Account" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "You are signed out" }).waitFor();

    const header = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
    const { status } = await fetch(`${stage.porthole.control}/api/v1/machines`, {
      headers: { cookie: header },
    });
    assert.equal(status, 401);
  });
});
