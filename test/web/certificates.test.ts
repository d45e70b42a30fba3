import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Locator, Page } from "playwright-core";
import type { SignInLink } from "#wire/api.ts";
import { SIZES, sideways } from "../harness/appearance.ts";
import { lackingBrowser } from "../harness/browser.ts";
import {
  type CertificateStage,
  openDialog,
  shownBy,
  startCertificateStage,
} from "../harness/certificate-stage.ts";
import { drop } from "../harness/drop.ts";
import { eventually } from "../harness/eventually.ts";
import { describedAs, tabTo, untilKeyboard } from "../harness/focus.ts";
import { NativeClient } from "../harness/native-client.ts";
import { lacking } from "../harness/requirements.ts";
import { idOf } from "../harness/serving-certificate.ts";
import { HOUR_MS, testCertificate } from "../harness/test-certificates.ts";

const PASSPHRASE = "a pass phrase & more";
/** What the browser writes to its console of a request that control refuses. */
const REFUSED = /400 \(Bad Request\)/;

describe("an administrator in front of the certificates' page", {
  skip: lackingBrowser || lacking("openssl"),
}, () => {
  let at: CertificateStage;
  before(async () => {
    at = await startCertificateStage();
  });
  after(async () => await at?.[Symbol.asyncDispose]());
  beforeEach(async () => await at.reset());

  test("a key with a passphrase: a wrong one is said beside it, nothing typed is lost, and the right one is followed to each node", async () => {
    at.certificate("locked");
    at.openssl(
      `pkcs8 -topk8 -in locked.key -out locked.pkcs8 -passout file:${at.written("passphrase", PASSPHRASE)}`,
    );
    const page = await at.onPage({ expected: REFUSED });
    const dialog = await openDialog(page);
    const passphrase = dialog.getByLabel("Passphrase");

    await dialog.getByLabel("Certificate: Choose a file").setInputFiles(at.path("locked.pem"));
    await dialog.getByLabel("Private key: Choose a file").setInputFiles(at.path("locked.pkcs8"));
    await passphrase.fill("wrong");
    await submit(dialog);
    await dialog.getByRole("alert").waitFor();

    assert.match(
      await describedAs(passphrase),
      /^The passphrase of the private key is wrong, or the key is damaged\./,
    );
    assert.equal(await passphrase.getAttribute("aria-invalid"), "true");
    await untilKeyboard(passphrase);
    assert.equal(await passphrase.inputValue(), "wrong");
    for (const name of ["locked.pem", "locked.pkcs8"])
      await dialog.getByText(name, { exact: true }).waitFor();
    assert.deepEqual(await at.uploaded(), []);

    await passphrase.fill(PASSPHRASE);
    await submit(dialog);
    await dialog.waitFor({ state: "hidden" });
    await page.getByRole("status").getByText("The certificate of 127.0.0.1 is uploaded.").waitFor();
    await page.getByRole("status").getByText("All 3 nodes serve it").waitFor();

    const [made] = await at.uploaded();
    for (const node of at.nodes) assert.equal(await shownBy(node), made?.fingerprint);
    const rows = page.getByRole("table", { name: "Nodes" }).getByRole("row");
    assert.equal(await rows.filter({ hasText: "Confirmed" }).count(), 3);
    assert.doesNotMatch(await keptBy(page), /PRIVATE KEY|pass phrase/);
    const again = await openDialog(page);
    assert.equal(await again.getByLabel("Passphrase").inputValue(), "");
    assert.equal(await again.getByText("locked.pkcs8").count(), 0);
  });

  test("everything that is wrong is said in one refusal, each beside what it is about", async () => {
    const { pem } = await testCertificate({ names: ["127.0.0.1"], notAfter: Date.now() - HOUR_MS / 2 });
    at.certificate("other");
    const page = await at.onPage({ expected: REFUSED });
    const dialog = await openDialog(page);
    await dialog.getByLabel("Certificate", { exact: true }).fill(pem);
    await dialog.getByLabel("Private key", { exact: true }).fill(at.read("other.key"));
    await dialog.getByLabel("Domain").fill("company.com");

    await submit(dialog);
    await dialog.getByRole("alert").waitFor();

    await untilKeyboard(dialog.getByLabel("Certificate", { exact: true }));
    const said = async (name: string) => await describedAs(dialog.getByLabel(name, { exact: true }));
    assert.match(await said("Private key"), /^The private key does not fit the certificate “127\.0\.0\.1”\./);
    assert.match(await said("Certificate"), /^The certificate “127\.0\.0\.1” expired on \d{4}-\d\d-\d\d\./);
    assert.match(await said("Domain"), /^The certificate is not for \*\.company\.com or company\.com/);
    assert.match(await said("Domain"), /becomes \*\.company\.com where the certificate is for that/);
    assert.equal(await dialog.getByLabel("Private key", { exact: true }).inputValue(), at.read("other.key"));
    assert.deepEqual(await at.uploaded(), []);
  });

  test("in German it is said in German", async () => {
    at.certificate("fremd");
    const page = await at.browser.open({ expected: REFUSED, locale: "de-DE" });
    const { url }: SignInLink = await at.control.api.call("POST", "me/sign-in-link");
    await page.goto(url);
    await page.getByRole("link", { name: "Zertifikate" }).click();
    await page.getByRole("button", { name: "Zertifikat hochladen" }).click();
    const dialog = page.getByRole("dialog", { name: "Zertifikat hochladen" });
    await dialog.getByLabel("Zertifikat", { exact: true }).fill(at.read("fremd.pem"));

    await dialog.getByRole("button", { name: "Hochladen", exact: true }).click();

    await dialog.getByText("Der private Schlüssel fehlt.").waitFor();
  });

  test("a file of 5 MB is said to be no certificate, and never sent", async () => {
    writeFileSync(at.path("film.pem"), Buffer.alloc(5 << 20, "x"));
    const page = await at.onPage();
    const sent: string[] = [];
    page.on("request", (request) => {
      if (request.method() === "POST") sent.push(request.url());
    });
    const dialog = await openDialog(page);

    await dialog.getByLabel("Certificate: Choose a file").setInputFiles(at.path("film.pem"));

    await dialog.getByText("film.pem has 5.2 MB, and a certificate has a few kB: it is not sent.").waitFor();
    await submit(dialog);
    await dialog.getByText("Bring a certificate: choose a file").waitFor();
    await dialog.getByLabel("Certificate", { exact: true }).fill("x".repeat(100_000));
    await submit(dialog);
    await dialog.getByText("All together is too large: at most 65.5 kB are taken.").waitFor();
    assert.deepEqual(sent, []);
  });

  test("files that are dropped are sorted by what is in them, a PKCS#12 too, and sent as they are", async () => {
    at.certificate("dropped", { names: "DNS:*.company.com,DNS:company.com,IP:127.0.0.1" });
    at.openssl(`pkcs12 -export -inkey dropped.key -in dropped.pem -out dropped.p12 -passout pass:secret`);
    const page = await at.onPage();
    const dialog = await openDialog(page);

    // The names say the opposite of what the files are.
    await drop(page, [
      { name: "certificate.pem", content: readFileSync(at.path("dropped.key")) },
      { name: "key.pem", content: readFileSync(at.path("dropped.pem")) },
    ]);
    await dialog.getByRole("button", { name: "Take key.pem out" }).waitFor();
    await drop(page, [{ name: "all", content: readFileSync(at.path("dropped.p12")) }]);
    await dialog.getByRole("radio", { name: "PKCS#12" }).and(dialog.locator(":checked")).waitFor();
    await drop(page, [{ name: "picture.png", content: Buffer.from("not a certificate") }]);
    await dialog.getByText("picture.png is neither PEM nor PKCS#12.").waitFor();
    await dialog.getByLabel("Passphrase").fill("secret");
    await dialog.getByLabel("Domain").fill("company.com");
    await submit(dialog);

    const status = page.getByRole("status");
    await status.getByText("consoleproxy.url.domain is *.company.com now.").waitFor();
    assert.deepEqual((await at.uploaded())[0]?.names, ["*.company.com", "company.com", "127.0.0.1"]);
  });

  test("a certificate that ends in 5 days is told of on every page, until a better one is uploaded", async () => {
    at.certificate("short", { days: 5 });
    at.certificate("long", { days: 200 });
    await at.upload("short");
    const page = await at.signedIn();
    const notice = page.getByRole("status", { name: "Notices" });
    await notice.getByText(/^The certificate of 127\.0\.0\.1 \(All pools\) ends in 5 days, on /).waitFor();

    await notice.getByRole("link", { name: "Certificates" }).click();
    await page.getByRole("cell", { name: "in 5 days Soon" }).first().waitFor();
    const dialog = await openDialog(page);
    await dialog.getByText("Takes the place of the certificate of 127.0.0.1.").waitFor();
    await dialog
      .getByLabel("Certificate: Choose a file")
      .setInputFiles([at.path("long.pem"), at.path("long.key")]);
    await submit(dialog);

    await page.getByRole("status").getByText("All 3 nodes serve it").waitFor();
    assert.equal(await notice.textContent(), "");
    await page.getByRole("link", { name: "Sessions" }).click();
    await page.getByRole("heading", { level: 1, name: "Sessions" }).waitFor();
    assert.equal(await notice.textContent(), "");
  });

  test("a node that cannot load it is named with its reason, and the others go on", async () => {
    at.openssl(
      "req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.pem -subj /CN=rsa -addext subjectAltName=IP:127.0.0.1 -days 90",
    );
    at.certificate("better");
    const page = await at.onPage();
    const dialog = await openDialog(page);
    await dialog
      .getByLabel("Certificate: Choose a file")
      .setInputFiles([at.path("rsa.pem"), at.path("rsa.key")]);
    await submit(dialog);

    await page.getByRole("status").getByText("2 of 3 nodes serve it").waitFor();
    await page.getByRole("status").getByText("1 node cannot load it").waitFor();
    const row = page.getByRole("table", { name: "Nodes" }).getByRole("row").filter({ hasText: "strict" });
    await row.getByText("Cannot load it").waitFor();
    await row.getByText(/key too small/).waitFor();
    const notice = page.getByRole("status", { name: "Notices" });
    await notice.getByText(/^A node cannot load the certificate that it is to serve/).waitFor();

    for (const { viewport } of Object.values(SIZES)) {
      await page.setViewportSize(viewport);
      assert.deepEqual(await sideways(page), [], "nothing stands out sideways");
    }

    const better = await openDialog(page);
    await better
      .getByLabel("Certificate: Choose a file")
      .setInputFiles([at.path("better.pem"), at.path("better.key")]);
    await submit(better);
    await page.getByRole("status").getByText("All 3 nodes serve it").waitFor();
    assert.equal(await notice.textContent(), "");
  });

  test("who removes one is told what takes its place, and may think better of it", async () => {
    at.certificate("all");
    at.certificate("north");
    await at.upload("all");
    await at.upload("north", "north");
    const page = await at.onPage();
    const table = page.getByRole("table", { name: "Uploaded or issued" });
    const removeOf = (pool: string) =>
      table
        .getByRole("row")
        .filter({ hasText: pool })
        .getByRole("button", { name: "Remove the certificate of 127.0.0.1" });
    await table.getByText("The node serves it").filter({ visible: true }).waitFor();

    await removeOf("north").click();
    const dialog = page.getByRole("dialog", { name: "Remove the certificate of 127.0.0.1?" });
    await dialog
      .getByText("1 node shows it now. In its place comes that of all pools, of 127.0.0.1.")
      .waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    assert.equal((await at.uploaded()).length, 2);

    await removeOf("north").click();
    await dialog.getByRole("button", { name: "Remove" }).click();
    await page.getByRole("status").getByText("The certificate of 127.0.0.1 is removed.").waitFor();
    assert.deepEqual(
      (await at.uploaded()).map(({ pool }) => pool),
      [undefined],
    );
    await removeOf("All pools").click();
    await dialog.getByText(/In its place come certificates of the installation's own CA/).waitFor();
    await dialog.getByRole("button", { name: "Remove" }).click();
    await page.getByText("No certificate was uploaded. Nodes show one").waitFor();
    await untilKeyboard(page.getByRole("button", { name: "Upload a certificate" }));
    await eventually(async () => assert.equal(await page.getByRole("cell", { name: "Own CA" }).count(), 3));
  });

  test("all of it is done by keyboard alone", async () => {
    at.certificate("typed");
    const page = await at.onPage();
    await page.getByRole("button", { name: "Upload a certificate" }).waitFor();
    await tabTo(page, page.getByRole("button", { name: "Upload a certificate" }));
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Upload a certificate" });
    await tabTo(page, dialog.getByLabel("Certificate: Choose a file"));
    await tabTo(page, dialog.getByLabel("Certificate", { exact: true }));
    await page.keyboard.insertText(at.read("typed.pem"));
    await tabTo(page, dialog.getByLabel("Private key", { exact: true }));
    await page.keyboard.insertText(at.read("typed.key"));
    await tabTo(page, dialog.getByRole("button", { name: "Upload", exact: true }));
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });

    const opener = page.getByRole("button", { name: "Upload a certificate" });
    await untilKeyboard(opener);
    const remove = page.getByRole("button", { name: "Remove the certificate of 127.0.0.1" });
    await remove.waitFor();
    await tabTo(page, remove);
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Remove the certificate of 127.0.0.1?" }).waitFor();
    await page.keyboard.press("Escape");
    await untilKeyboard(remove);
  });

  test("who chooses files, or takes one out again, by keyboard keeps it, and hears what was made of them", async () => {
    at.certificate("chosen");
    const page = await at.onPage();
    const dialog = await openDialog(page);
    const files = [at.path("chosen.pem"), at.path("chosen.key")];
    const chooser = dialog.getByLabel("Certificate: Choose");

    await chooser.focus();
    await chooser.setInputFiles([...files, at.path("strict.cnf")]);
    await untilKeyboard(dialog.getByLabel("Certificate: Choose another"));
    assert.match(await describedAs(chooser), /^strict\.cnf is neither PEM nor PKCS#12\./);
    const heard = dialog.locator("[aria-live=polite]");
    assert.match((await heard.allTextContents()).join(), /chosen\.pem.*strict\.cnf.*chosen\.key/);
    await dialog.getByRole("button", { name: "Take chosen.pem out" }).focus();
    await page.keyboard.press("Enter");

    await untilKeyboard(dialog.getByLabel("Certificate: Choose a file"));
    await dialog.getByRole("button", { name: "Take chosen.key out" }).focus();
    await page.keyboard.press("Enter");
    await untilKeyboard(dialog.getByLabel("Private key: Choose a file"));
  });

  test("the CA is saved as the file that the command line prints, and fingerprints are there to be copied", async () => {
    at.certificate("copied");
    const { fingerprint } = await at.upload("copied");
    const page = await at.onPage({ permissions: ["clipboard-read", "clipboard-write"] });

    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download the CA" }).click(),
    ]);
    await page.getByRole("button", { name: "Copy the SHA-256 fingerprint of 127.0.0.1" }).click();
    await page.getByText("Copied", { exact: true }).waitFor();

    const { certificate: ca } = await at.control.api.call<{ certificate: string }>(
      "GET",
      "certificates/authority",
    );
    assert.equal(download.suggestedFilename(), "porthole-ca.pem");
    assert.equal(readFileSync(await download.path(), "utf8"), ca);
    assert.ok(await page.getByText(idOf(ca)).isVisible(), "as browsers show it");
    assert.equal(await page.evaluate<string>("navigator.clipboard.readText()"), fingerprint);
  });

  test("who would send a key in the clear is told so", async () => {
    const page = await at.onPage();
    const warning = "This page came without encryption";
    assert.equal(
      await (await openDialog(page)).getByText(warning).count(),
      0,
      "nobody listens on the way to oneself",
    );

    await page.keyboard.press("Escape");
    await page.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })");

    await (await openDialog(page)).getByText(warning).waitFor();
  });

  test("parts of the page have headings, and every field a label", async () => {
    const page = await at.onPage();

    for (const name of ["Uploaded or issued", "Nodes", "The installation's own CA"]) {
      await page.getByRole("heading", { level: 2, name, exact: true }).waitFor();
      assert.equal(await page.getByRole("region", { name, exact: true }).count(), 1);
    }
    const dialog = await openDialog(page);
    assert.deepEqual(
      await Promise.all((await dialog.getByRole("textbox").all()).map(async (each) => await labelOf(each))),
      ["Certificate", "Private key", "Passphrase", "Domain"],
    );
    assert.equal(await labelOf(dialog.getByRole("combobox")), "Pool");
  });

  test("it is there for administrators alone", async () => {
    const account = await at.control.api.call<{ id: string }>("POST", "accounts", {
      name: "member",
      role: "member",
    });
    const keys = await at.control.api.call<{ apiKey: string; secretKey: string }>(
      "POST",
      `accounts/${account.id}/api-keys`,
    );
    const page = await at.signedIn(new NativeClient(at.control.control, keys));

    assert.equal(await page.getByRole("link", { name: "Certificates" }).count(), 0);
    await page.goto(`${at.control.control}/#certificates`);
    await page.getByRole("heading", { level: 1, name: "Machines" }).waitFor();
  });
});

async function submit(dialog: Locator): Promise<void> {
  await dialog.getByRole("button", { name: "Upload", exact: true }).click();
}

/** What the page keeps beyond itself. */
async function keptBy(page: Page): Promise<string> {
  const kept = await page.evaluate<string>(
    "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state])",
  );
  return `${kept} ${page.url()}`;
}

async function labelOf(control: Locator): Promise<string> {
  const id = await control.getAttribute("id");
  return (await control.page().locator(`label[for="${id}"]`).textContent()) ?? "";
}
