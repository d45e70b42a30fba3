import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { Account, Machine, Page as PageOf, Project, SignInLink } from "#wire/api.ts";
import type { Hypervisor, WaitingMachine } from "#wire/hypervisors.ts";
import { outOfReach, SIZES, sideways } from "../harness/appearance.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { describedAs, tabTo, untilKeyboard } from "../harness/focus.ts";
import { NativeClient } from "../harness/native-client.ts";
import { type Control, startControl } from "../harness/porthole.ts";
import { qemuAt } from "../peers/hypervisor-stage.ts";
import { type Libvirt, lackingLibvirt, startLibvirt } from "../peers/libvirt.ts";
import { define, qemuDomain } from "../peers/libvirt-domains.ts";
import { assertNamed, stickingOut } from "./forms.ts";

const TIGHT_SIZES = {
  "a small phone": { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
  // In which tables have all their columns, and no room to spare.
  "a notebook": { viewport: { width: 1280, height: 800 } },
};

const NAMES = ["db-1", "web-1", "web-2", "web-10"];

describe("an administrator in front of the hypervisors' page", {
  skip: lackingBrowser || lackingLibvirt,
}, () => {
  let libvirt: Libvirt;
  let control: Control;
  let browser: TestBrowser;
  before(async () => {
    [libvirt, control, browser] = await Promise.all([startLibvirt(), startControl(), startBrowser()]);
    for (const name of NAMES) await define(libvirt, qemuDomain(randomUUID(), "", name));
    await control.api.call<Project>("POST", "projects", { name: "shop" });
  });
  afterEach(async () => {
    for (const { id } of await hypervisors()) await control.api.call("DELETE", `hypervisors/${id}`);
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await control?.[Symbol.asyncDispose]();
    await libvirt?.[Symbol.asyncDispose]();
  });

  async function hypervisors(): Promise<readonly Hypervisor[]> {
    return (await control.api.call<{ items: readonly Hypervisor[] }>("GET", "hypervisors")).items;
  }

  async function waiting(): Promise<readonly string[]> {
    const { items } = await control.api.call<PageOf<WaitingMachine>>("GET", "waiting-machines");
    return items.map(({ name }) => name);
  }

  async function known(name = "host7"): Promise<void> {
    await control.api.call("POST", "hypervisors", { name, platform: "libvirt", address: qemuAt(libvirt) });
    await eventually(async () => assert.deepEqual((await waiting()).length, NAMES.length));
  }

  async function onPage(
    options: Parameters<TestBrowser["open"]>[0] = {},
    api: NativeClient = control.api,
  ): Promise<Page> {
    const page = await browser.open(options);
    const { url }: SignInLink = await api.call("POST", "me/sign-in-link");
    await page.goto(url);
    await page.locator("nav a[href='#machines']").waitFor();
    return page;
  }

  async function toHypervisors(options: Parameters<TestBrowser["open"]>[0] = {}): Promise<Page> {
    const page = await onPage(options);
    await page.locator("nav a[href='#hypervisors']").click();
    await page.locator("main h1").waitFor();
    return page;
  }

  test("adds one with a rule; it is tried at once, followed, and its machines come by the rule or wait", async () => {
    const page = await toHypervisors();
    await page.getByRole("button", { name: "Add a hypervisor" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a hypervisor" });
    await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("host7");
    // The address says by itself which way it is.
    await dialog.getByLabel("Address").fill(qemuAt(libvirt));
    assert.ok(await dialog.getByRole("radio", { name: "UNIX socket" }).isChecked());
    await dialog.getByRole("button", { name: "Add a rule" }).click();
    await untilKeyboard(dialog.getByLabel("Rule 1: name of machines"));
    await page.keyboard.type("web-*");
    await dialog.getByLabel("Rule 1: project").selectOption("shop");

    await dialog.getByRole("button", { name: "Add", exact: true }).click();

    await dialog.waitFor({ state: "detached" });
    await page.getByRole("status").getByText("host7 answers, and has 4 machines.").waitFor();
    const row = page.getByRole("table", { name: "Known hypervisors" }).getByRole("row", { name: "host7" });
    await row.getByText("Reachable").waitFor();
    await row.getByRole("cell", { name: "3, and 1 that waits" }).waitFor();
    await row.getByText("web-*").waitFor();
    await page.getByRole("checkbox", { name: "db-1" }).waitFor();
    const [made] = await hypervisors();
    assert.deepEqual(made?.rules, [{ name: "web-*", project: "shop" }]);
  });

  test("says of one whose serial lines nodes may not open what lets them, in both languages", async () => {
    await control.api.call("POST", "hypervisors", {
      ...{ name: "host7", platform: "libvirt", address: qemuAt(libvirt), serialStreams: true },
    });
    await control.api.call("PUT", "settings/upstream.allow", { value: "127.0.0.0/8" });
    for (const { locale, button, says } of [
      {
        locale: "en-GB",
        button: "Test the way to host7",
        says: "Nodes may not sign in to it for serial lines",
      },
      {
        locale: "de-DE",
        button: "Den Weg zu host7 prüfen",
        says: "Knoten dürfen sich für serielle Leitungen nicht",
      },
    ])
      for (const options of Object.values(TIGHT_SIZES)) {
        const page = await toHypervisors({ ...options, locale });
        await page.getByRole("button", { name: button }).click();

        const said = page.getByRole("status").filter({ hasText: says });
        await said.getByText(`setting add upstream.allow unix:${libvirt.socket}`).waitFor();

        assert.deepEqual([await sideways(page), await outOfReach(page)], [[], []], locale);
        await page.close();
      }
  });

  test("what is wrong is said where it is, by the keyboard's way, and nothing that was written is lost", async () => {
    await known();
    const page = await toHypervisors({ expected: /40[09]/ });
    await page.getByRole("button", { name: "Add a hypervisor" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a hypervisor" });
    const name = dialog.getByRole("textbox", { name: "Name", exact: true });
    const address = dialog.getByLabel("Address");
    const add = dialog.getByRole("button", { name: "Add", exact: true });
    const key = dialog.getByLabel("Its private key", { exact: true });

    await add.click();
    await untilKeyboard(name);
    assert.match(await describedAs(name), /Say what it is called/);

    await name.fill("HOST7");
    await address.fill("http://kvm-7.example.com/");
    await key.fill("KEY");
    await add.click();
    await untilKeyboard(address);
    assert.equal(await key.inputValue(), "KEY");
    assert.equal(await address.getAttribute("aria-invalid"), "true");

    await address.fill(qemuAt(libvirt));
    await add.click();
    await untilKeyboard(name);
    assert.match(await describedAs(name), /Another hypervisor has this name/);
    assert.equal((await hypervisors()).length, 1);
  });

  test("one that cannot be reached says since when and why, and a test names the step that fails", async () => {
    await control.api.call("POST", "hypervisors", {
      ...{ name: "gone", platform: "libvirt", address: "qemu:///session?socket=/nowhere/libvirt-sock" },
    });
    const page = await toHypervisors();
    const row = page.getByRole("row", { name: "gone" });
    await row.getByText("Unreachable").waitFor();
    await row.getByText("At the socket:").waitFor();
    assert.ok(await row.locator("time[datetime]").isVisible());

    const test = page.getByRole("button", { name: "Test the way to gone" });
    await tabTo(page, test);
    await page.keyboard.press("Enter");

    const told = page.getByRole("status").filter({ hasText: "The way to gone fails at the socket:" });
    await told.waitFor();
    await told.getByText("Look whether libvirt runs").waitFor();
    await untilKeyboard(test);
  });

  test("is changed in all that can be, and what nobody touched is not said again", async () => {
    const { id } = await control.api.call<Hypervisor>("POST", "hypervisors", {
      ...{ name: "host7", platform: "libvirt", address: qemuAt(libvirt) },
      rules: [{ name: "web-1", project: "shop" }],
    });
    const page = await toHypervisors();
    const change = page.getByRole("button", { name: "Change host7" });
    await change.click();
    const dialog = page.getByRole("dialog", { name: "Change host7" });
    const name = dialog.getByRole("textbox", { name: "Name", exact: true });
    assert.equal(await name.inputValue(), "host7");
    assert.equal(await dialog.getByLabel("Address").inputValue(), qemuAt(libvirt));
    assert.equal(await dialog.getByLabel("Rule 1: name of machines").inputValue(), "web-1");
    assert.equal(await dialog.getByLabel("Platform").count(), 0, "it stays what it is");
    await name.fill("kvm7");
    await dialog.getByRole("button", { name: "Add a rule" }).click();
    await untilKeyboard(dialog.getByLabel("Rule 2: name of machines"));
    await page.keyboard.type("db-*");
    await dialog.getByLabel("Rule 2: project").selectOption("shop");
    await dialog.getByLabel("All others").selectOption("default");
    const sent = page.waitForRequest((request) => request.method() === "PATCH");

    await dialog.getByRole("button", { name: "Save" }).click();

    await dialog.waitFor({ state: "detached" });
    await page.getByRole("status").getByText("kvm7 answers, and has 4 machines.").waitFor();
    assert.deepEqual(Object.keys((await sent).postDataJSON()), ["name", "rules"]);
    const [made] = await hypervisors();
    assert.deepEqual([made?.id, made?.name], [id, "kvm7"]);
    assert.deepEqual(made?.rules, [
      { name: "web-1", project: "shop" },
      { name: "db-*", project: "shop" },
      { name: "*", project: "default" },
    ]);
    await page.getByRole("cell", { name: "4", exact: true }).waitFor();
  });

  test("another way to it forgets what opened the one before, and its consoles' TLS is kept or taken away", async () => {
    const { id } = await control.api.call<Hypervisor>("POST", "hypervisors", {
      ...{ name: "host7", platform: "libvirt", address: "qemu+ssh://root@127.0.0.1:1/system" },
      credentials: { sshKey: "KEY", sshKnownHosts: "HOSTS" },
      consoleTls: { mode: "verify", serverName: "kvm-7" },
    });
    const page = await toHypervisors();
    await page.getByRole("button", { name: "Change host7" }).click();
    const dialog = page.getByRole("dialog", { name: "Change host7" });
    await dialog.getByText("What is left empty here stays as it is.").waitFor();
    assert.equal(await dialog.getByLabel("Name in the certificate").inputValue(), "kvm-7");
    await dialog.getByLabel("Address").fill(qemuAt(libvirt));
    assert.equal(await dialog.getByLabel("SSH key", { exact: true }).count(), 0);

    await dialog.getByRole("button", { name: "Save" }).click();

    await page.getByRole("status").getByText("host7 answers, and has 4 machines.").waitFor();
    const moved = (await hypervisors()).find((each) => each.id === id);
    assert.deepEqual(moved?.consoleTls, { mode: "verify", serverName: "kvm-7" });
    await page.getByRole("button", { name: "Change host7" }).click();
    await dialog.locator("input[value=none]").check();
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await eventually(async () => assert.equal((await hypervisors())[0]?.consoleTls, undefined));
  });

  test("machines that wait are found, chosen by the keyboard, and put into a project together", async () => {
    await known();
    const page = await toHypervisors();
    await page.getByRole("searchbox", { name: "Filter by name or hypervisor" }).fill("web");
    await page.getByRole("status").getByText("3 of 4 machines").waitFor();
    const assign = page.getByRole("button", { name: /into a project…$/ });
    assert.ok(await assign.isDisabled());

    await page.keyboard.press("ArrowDown");
    await untilKeyboard(page.getByRole("checkbox", { name: "web-1", exact: true }));
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowDown");
    await untilKeyboard(page.getByRole("checkbox", { name: "web-2" }));
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Put 2 into a project…" }).click();
    const dialog = page.getByRole("dialog", { name: "Put 2 machines into a project" });
    await dialog.getByText("web-1, web-2").waitFor();
    await dialog.getByText("open their consoles").waitFor();
    await dialog.getByRole("button", { name: "Put into the project" }).click();
    await untilKeyboard(dialog.getByLabel("Project"));
    assert.match(await describedAs(dialog.getByLabel("Project")), /Choose the project/);
    await dialog.getByLabel("Project").selectOption("shop");
    await dialog.getByRole("button", { name: "Put into the project" }).click();

    await dialog.waitFor({ state: "detached" });
    await page.getByRole("status").getByText("2 machines are in the project shop now.").waitFor();
    await untilKeyboard(page.getByRole("heading", { name: "Machines that wait for a project" }));
    await eventually(async () => assert.deepEqual([...(await waiting())].sort(), ["db-1", "web-10"]));
    const { items } = await control.api.call<PageOf<Machine>>("GET", "machines");
    assert.deepEqual(
      items.map(({ name, project }) => `${name} ${project}`),
      ["web-1 shop", "web-2 shop"],
    );
  });

  test("one that is gone when it is assigned is said, with those before it, and the others go on waiting", async () => {
    await known();
    const page = await toHypervisors({ expected: /404/ });
    await page.getByLabel("Choose all 4").check();
    await page.getByRole("button", { name: "Put 4 into a project…" }).click();
    const dialog = page.getByRole("dialog", { name: "Put 4 machines into a project" });
    await dialog.getByLabel("Project").selectOption("shop");
    for (const { id } of await hypervisors()) await control.api.call("DELETE", `hypervisors/${id}`);

    await dialog.getByRole("button", { name: "Put into the project" }).click();

    await dialog.getByText("db-1 could not be put into it.").waitFor();
    await dialog.getByRole("alert").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("None waits").waitFor();
  });

  test("is removed when it was asked once more, in words that say what ends, and the keyboard stays on the page", async () => {
    await known();
    const { items } = await control.api.call<PageOf<WaitingMachine>>("GET", "waiting-machines");
    for (const { id } of items.slice(0, 3))
      await control.api.call("PUT", `machines/${id}/project`, { project: "shop" });
    const page = await toHypervisors();
    const remove = page.getByRole("button", { name: "Remove host7" });

    await remove.click();
    const dialog = page.getByRole("dialog", { name: "Remove host7?" });
    await dialog.getByText("3 that have a project, and 1 that waits").waitFor();
    await dialog.getByText("None of their consoles is open now.").waitFor();
    await dialog.getByText("themselves run on").waitFor();
    await page.keyboard.press("Escape");
    await untilKeyboard(remove);
    assert.equal((await hypervisors()).length, 1);
    await remove.click();
    await dialog.getByRole("button", { name: "Remove" }).click();

    await page.getByRole("status").getByText("host7 is forgotten").waitFor();
    await untilKeyboard(page.getByRole("button", { name: "Add a hypervisor" }));
    assert.deepEqual(await hypervisors(), []);
  });

  test("members are not shown it, not even by its address", async () => {
    const { id } = await control.api.call<Account>("POST", "accounts", { name: "member", role: "member" });
    const keys = await control.api.call<{ apiKey: string; secretKey: string }>(
      "POST",
      `accounts/${id}/api-keys`,
    );
    const page = await onPage({}, new NativeClient(control.control, keys));

    await page.goto(`${control.control}/#hypervisors`);

    await page.getByRole("heading", { name: "Machines", exact: true }).waitFor();
    assert.equal(await page.locator("nav a[href='#hypervisors']").count(), 0);
  });

  for (const [size, options] of Object.entries({ ...SIZES, ...TIGHT_SIZES })) {
    const isPhone = size.endsWith("phone");
    // A theme moves nothing, so each is looked at in some of the sizes. German words are longer.
    const colorScheme = isPhone ? "dark" : "light";
    for (const locale of isPhone ? ["en-GB", "de-DE"] : ["en-GB"]) {
      test(`everything fits ${size}, ${colorScheme}, ${locale}`, async () => {
        await known("a-hypervisor-with-quite-a-long-name.of-a-company.example");
        const page = await toHypervisors({ ...options, colorScheme, locale });
        await page.getByRole("checkbox").nth(NAMES.length).waitFor();

        await assertFits(page);
        await page.locator(".page-head > .button.primary").click();
        const dialog = page.getByRole("dialog");
        const platform = dialog.locator("select:has(option[value=proxmox])");
        for (const each of ["xenserver", "vsphere", "kubevirt", "command", "libvirt"]) {
          await platform.selectOption(each);
          assert.deepEqual(await stickingOut(dialog), [], each);
        }
        for (const way of ["socket", "ssh", "tls"]) await dialog.locator(`input[value=${way}]`).check();
        for (const mode of ["verify", "pin"]) await dialog.locator(`input[value=${mode}]`).check();
        await dialog.locator(".add-rule").click();
        await assertFits(page);
        await assertNamed(dialog);
        await page.keyboard.press("Escape");
        await page.locator(".row-actions button").nth(1).click();
        await dialog.locator(".add-rule").click();
        await assertFits(page);
        await assertNamed(dialog);
      });
    }
  }
});

async function assertFits(page: Page): Promise<void> {
  assert.deepEqual(await sideways(page), [], "nothing stands out sideways");
  assert.deepEqual(await outOfReach(page), [], "every control is on the page, named, and large enough");
}
