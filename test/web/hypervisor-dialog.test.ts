import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { SignInLink } from "#wire/api.ts";
import type { Hypervisor } from "#wire/hypervisors.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { describedAs, untilKeyboard } from "../harness/focus.ts";
import { type Control, startControl } from "../harness/porthole.ts";

const NOWHERE = "qemu:///session?socket=/nowhere/libvirt-sock";

describe("an administrator in front of the dialog for a hypervisor", { skip: lackingBrowser }, () => {
  let control: Control;
  let browser: TestBrowser;
  before(async () => {
    [control, browser] = await Promise.all([startControl(), startBrowser()]);
  });
  afterEach(async () => {
    for (const { id } of await hypervisors()) await control.api.call("DELETE", `hypervisors/${id}`);
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await control?.[Symbol.asyncDispose]();
  });

  async function hypervisors(): Promise<readonly Hypervisor[]> {
    return (await control.api.call<{ items: readonly Hypervisor[] }>("GET", "hypervisors")).items;
  }

  async function toHypervisors(): Promise<Page> {
    const page = await browser.open();
    const { url }: SignInLink = await control.api.call("POST", "me/sign-in-link");
    await page.goto(url);
    await page.locator("nav a[href='#hypervisors']").click();
    await page.locator("main h1").waitFor();
    return page;
  }

  test("another platform is asked for what opens it, and tried at once", async () => {
    const page = await toHypervisors();
    await page.getByRole("button", { name: "Add a hypervisor" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a hypervisor" });
    await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("pve");
    await dialog.getByLabel("Platform").selectOption("XenServer, XCP-ng");
    await dialog.getByText("By TLS, and known by the same certificate as its API.").waitFor();
    await dialog.getByLabel("Platform").selectOption("Proxmox VE");
    await dialog.getByLabel("Address").fill("https://127.0.0.1:1");
    await dialog.getByLabel("API token").fill("porthole@pve!console");
    await dialog.getByLabel("Secret of the token", { exact: true }).fill("geheim\n");
    assert.equal(await dialog.getByRole("radio", { name: "SSH" }).count(), 0);
    assert.equal(await dialog.getByText("TLS from nodes to its consoles").count(), 0);

    await dialog.getByRole("button", { name: "Add", exact: true }).click();

    await dialog.waitFor({ state: "detached" });
    await page.getByRole("status").filter({ hasText: "The way to pve fails at the connection:" }).waitFor();
    const made = (await hypervisors()).find(({ name }) => name === "pve");
    assert.equal(made?.platform, "proxmox");
  });

  test("names the pool whose nodes carry its consoles, says of one that no node is in it, and of one that cannot be", async () => {
    const page = await toHypervisors();
    await page.getByRole("button", { name: "Add a hypervisor" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a hypervisor" });
    await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("host7");
    await dialog.getByLabel("Address").fill(NOWHERE);
    const pool = dialog.getByLabel("Pool of nodes");
    const add = dialog.getByRole("button", { name: "Add", exact: true });
    assert.equal(await pool.inputValue(), "default");

    await pool.fill("-north");
    await add.click();
    await untilKeyboard(pool);
    assert.match(await describedAs(pool), /no hyphen at either end/);
    await pool.fill("north");
    await eventually(async () => assert.match(await describedAs(pool), /No node is in the pool north/));
    await add.click();

    await dialog.waitFor({ state: "detached" });
    const row = page.getByRole("table", { name: "Known hypervisors" }).getByRole("row", { name: "host7" });
    await row.getByText("libvirt · pool north").waitFor();
    assert.equal((await hypervisors())[0]?.pool, "north");
    await page.getByRole("button", { name: "Change host7" }).click();
    const change = page.getByRole("dialog", { name: "Change host7" });
    await change.getByLabel("Pool of nodes").fill("");
    await change.getByRole("button", { name: "Save" }).click();
    await change.waitFor({ state: "detached" });
    assert.equal((await hypervisors())[0]?.pool, "default");
  });

  test("boxes are named by what they are, and say what ticking them means for the way that is taken", async () => {
    const page = await toHypervisors();
    await page.getByRole("button", { name: "Add a hypervisor" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a hypervisor" });
    const box = (name: string) => dialog.getByRole("checkbox", { name, exact: true });

    assert.match(await describedAs(box("Serial lines by libvirt")), /by TLS with the certificate of control/);
    await dialog.getByRole("radio", { name: "UNIX socket" }).check();
    const described = await describedAs(box("Serial lines by libvirt"));
    assert.match(described, /at its socket/);
    assert.doesNotMatch(described, /certificate/);
    await box("Only look").check();
    assert.equal(await box("Serial lines by libvirt").count(), 0);
    assert.equal(await box("A VNC password for each session").count(), 0);
  });

  test("by which way vSphere opens consoles is chosen, unless nothing can be set there", async () => {
    const page = await toHypervisors();
    await page.getByRole("button", { name: "Add a hypervisor" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a hypervisor" });
    const ways = dialog.getByRole("group", { name: "Consoles by" });
    assert.equal(await ways.count(), 0);
    await dialog.getByLabel("Platform").selectOption("VMware vSphere");
    await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("vcenter");
    await dialog.getByLabel("Address").fill("https://127.0.0.1:1");
    await dialog.getByLabel("Account").fill("console@vsphere.local");
    await dialog.getByLabel("Password", { exact: true }).fill("geheim");
    await dialog.getByRole("checkbox", { name: "Only look" }).check();
    assert.equal(await ways.count(), 0);
    await dialog.getByRole("checkbox", { name: "Only look" }).uncheck();
    assert.ok(await ways.getByRole("radio", { name: "WebMKS" }).isChecked());

    await ways.getByRole("radio", { name: "VNC" }).check();
    await dialog.getByText("Of hosts before 7.0, and not encrypted.").waitFor();
    await dialog.getByRole("button", { name: "Add", exact: true }).click();

    await dialog.waitFor({ state: "detached" });
    const made = (await hypervisors()).find(({ name }) => name === "vcenter");
    assert.equal(made?.consoles, "vnc");
  });
});
