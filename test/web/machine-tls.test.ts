import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { SignInLink } from "#wire/api.ts";
import { SIZES, sideways } from "../harness/appearance.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { NativeClient } from "../harness/native-client.ts";
import { type Control, startControl } from "../harness/porthole.ts";
import { testCertificate } from "../harness/test-certificates.ts";

describe("the list of machines", { skip: lackingBrowser }, () => {
  let control: Control;
  let browser: TestBrowser;
  before(async () => {
    [control, browser] = await Promise.all([startControl(), startBrowser()]);
    const ca = (await testCertificate({ commonName: "hypervisors" })).pem;
    const machine = { protocol: "rfb", address: "kvm-7.example.com:5901" } as const;
    await control.api.addMachine({ ...machine, name: "verified", tls: { mode: "verify", ca } });
    const pin = `sha256:${"4f".repeat(32)}`;
    await control.api.addMachine({ ...machine, name: "pinned", tls: { mode: "pin", pin } });
    await control.api.addMachine({ ...machine, name: "lab", tls: { mode: "insecure" } });
    await control.api.addMachine({ ...machine, name: "in the clear" });
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await control?.[Symbol.asyncDispose]();
  });

  async function listed(api: NativeClient, options: Parameters<TestBrowser["open"]>[0] = {}) {
    const page = await browser.open({ ...options });
    const { url }: SignInLink = await api.call("POST", "me/sign-in-link");
    await page.goto(url);
    await page.getByRole("row", { name: "in the clear" }).waitFor();
    return page;
  }

  test("says to administrators how each hypervisor's certificate is judged", async () => {
    const page = await listed(control.api);

    for (const [name, word] of [
      ["verified", "Verified"],
      ["pinned", "Pinned"],
      ["lab", "Not verified"],
      ["in the clear", "None"],
    ] as const)
      await page.getByRole("row", { name }).getByRole("cell", { name: word, exact: true }).waitFor();
    await page.getByRole("button", { name: "TLS" }).click();
    assert.match((await page.locator("tbody tr").first().textContent()) ?? "", /^in the clear.*None/);
  });

  test("says it below the name on a telephone, and nothing stands out", async () => {
    const page = await listed(control.api, SIZES["a phone"]);

    await page.getByRole("row", { name: "lab" }).getByText("TLS: Not verified").waitFor();
    assert.deepEqual(await sideways(page), []);
  });

  test("says nothing of it to members, who are told no addresses either", async () => {
    const { id } = await control.api.call<{ id: string }>("POST", "accounts", {
      ...{ name: "member", role: "member", projects: ["default"] },
    });
    const keys = await control.api.call<{ apiKey: string; secretKey: string }>(
      "POST",
      `accounts/${id}/api-keys`,
    );

    const page = await listed(new NativeClient(control.control, keys));

    assert.equal(await page.getByText("TLS").count(), 0);
  });
});
