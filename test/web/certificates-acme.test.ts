import assert from "node:assert/strict";
import { test } from "node:test";
import type { Acme, AcmeChange } from "#wire/acme.ts";
import type { SignInLink } from "#wire/api.ts";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { openDialog } from "../harness/certificate-stage.ts";
import { eventually } from "../harness/eventually.ts";
import { startControl } from "../harness/porthole.ts";
import { lackingPebble, startPebble } from "../peers/pebble.ts";

test("a certificate that comes by ACME is shown as such, and neither removed nor replaced while ACME is on", {
  skip: lackingBrowser || lackingPebble,
}, async () => {
  await using pebble = await startPebble({ believesAll: true });
  await using control = await startControl();
  const { api } = control;
  await api.call("PUT", "settings/consoleproxy.url.domain", { value: "*.console.example" });
  const { directory, roots } = pebble;
  const change: AcmeChange = { directory, roots, agreesToTerms: true };
  await api.call("PATCH", "acme", change);
  await eventually(async () => assert.equal((await api.call<Acme>("GET", "acme")).state, "ready"));
  await using browser = await startBrowser();
  const page = await browser.open();
  const { url }: SignInLink = await api.call("POST", "me/sign-in-link");
  await page.goto(url);

  await page.getByRole("link", { name: "Certificates" }).click();
  const row = page.getByRole("table", { name: "Uploaded or issued" }).getByRole("row").nth(1);

  await row.getByText("Renewed by ACME").waitFor();
  await row.getByText("*.console.example, console.example", { exact: true }).waitFor();
  assert.equal(await row.getByRole("button", { name: /^Remove/ }).count(), 0);
  const dialog = await openDialog(page);
  await dialog.getByText("That of all pools comes by ACME").waitFor();
  assert.equal(await dialog.getByText("Takes the place of").count(), 0);
  await dialog.getByLabel("Pool").fill("north");
  await dialog.getByText("That of all pools comes by ACME").waitFor({ state: "detached" });

  await page.keyboard.press("Escape");
  await api.call("DELETE", "acme");
  await row.getByRole("button", { name: "Remove the certificate of *.console.example" }).waitFor();
});
