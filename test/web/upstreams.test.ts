import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { NewMachine } from "#wire/api.ts";
import { ERRORS } from "#wire/errors.ts";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { typeKeys } from "../harness/keyboard.ts";
import { startPorthole } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";
import { endingWords, NOVNC_REFUSED, untilLive } from "../harness/stage.ts";
import { createPki, SERVER_NAME } from "../peers/pki.ts";
import { lackingPam, lackingTigerVnc, startTigerVnc } from "../peers/tigervnc.ts";
import { lackingTightVncTerminal, startTightVnc } from "../peers/tightvnc.ts";
import { lackingWebsockify, startWebsockify } from "../peers/websockify.ts";
import {
  lackingUpstreamStage,
  openTypeAndClose,
  startUpstreamStage,
  type UpstreamStage,
  verify,
  WAYS,
} from "./upstream-stage.ts";

const ACCOUNT = { name: "ute", password: "ein langes Passwort" };

describe("a console in the browser", { skip: lackingUpstreamStage }, () => {
  let on: UpstreamStage;
  before(async () => {
    on = await startUpstreamStage();
  });
  after(async () => await on[Symbol.asyncDispose]());

  for (const [title, way] of Object.entries(WAYS))
    test(`is opened, typed into and closed through ${title}`, async () => await openTypeAndClose(on, way));

  test("shows nothing where the hypervisor has another certificate, and says so", async () => {
    const { stage } = on;
    const machine = await stage.machine("x509", { tls: { ...verify(on), serverName: "kvm-8.example.com" } });
    const { sessionId, url } = await stage.porthole.api.openConsole(machine);
    const page = await stage.browser.open({ expected: NOVNC_REFUSED });
    await page.goto(url);

    assert.match(await endingWords(page), new RegExp(ERRORS.upstream_certificate_name.meaning));

    await eventually(async () => {
      const { ending } = await stage.porthole.api.session(sessionId);
      assert.equal(ending?.code, "upstream_certificate_name");
    });
  });
});

describe("TigerVNC in the browser", { skip: lackingBrowser || lackingTigerVnc || lackingPam }, () => {
  test("is opened, typed into and closed with an account within verified TLS", async () => {
    await using opened = new AsyncDisposableStack();
    const { path } = opened.use(scratch());
    const typed = join(path, "typed");
    const pki = await createPki();
    const server = opened.use(
      await startTigerVnc({
        securityTypes: ["X509Plain"],
        certificate: pki.server,
        account: ACCOUNT,
        script: keepsWhatIsTyped(typed),
      }),
    );

    await typeIntoDesktop(typed, {
      address: `${server.host}:${server.port}`,
      tls: { mode: "verify", ca: pki.authority.pem, serverName: SERVER_NAME },
      ...{ username: ACCOUNT.name, password: ACCOUNT.password },
    });
  });
});

describe("TightVNC in the browser", {
  skip: lackingBrowser || lackingTightVncTerminal || lackingWebsockify,
}, () => {
  test("is opened, typed into and closed within a WebSocket of websockify's, by verified TLS", async () => {
    await using opened = new AsyncDisposableStack();
    const { path } = opened.use(scratch());
    const typed = join(path, "typed");
    const pki = await createPki();
    const server = opened.use(await startTightVnc("s3cret!", keepsWhatIsTyped(typed)));
    const { host, port, pathOf } = opened.use(await startWebsockify({ desktop: server }, pki.server));

    await typeIntoDesktop(typed, {
      address: `wss://${host}:${port}${pathOf("desktop")}`,
      tls: { mode: "verify", ca: pki.authority.pem, serverName: SERVER_NAME },
      password: "s3cret!",
    });
  });
});

function keepsWhatIsTyped(path: string): string {
  return `read -r line; printf %s "$line" > ${path}; sleep infinity`;
}

/** A desktop in whose terminal a line is kept, opened in the browser, typed into, and closed. */
async function typeIntoDesktop(typed: string, how: Omit<NewMachine, "name" | "protocol">): Promise<void> {
  await using porthole = await startPorthole();
  await using browser = await startBrowser();
  const { id } = await porthole.api.addMachine({ name: "desktop", protocol: "rfb", ...how });
  const { sessionId, url } = await porthole.api.openConsole(id);
  const page = await browser.open();
  await page.goto(url);
  await untilLive(page);

  // Without a window manager the keyboard is the window's that the pointer is in.
  await page
    .locator("canvas")
    .first()
    .click({ position: { x: 60, y: 60 } });
  await typeKeys(page, "Typed-42\n");

  await eventually(() => assert.equal(readFileSync(typed, "utf8"), "Typed-42"));
  await page.goto("about:blank");
  await eventually(async () => {
    assert.equal((await porthole.api.session(sessionId)).ending?.code, "viewer_closed");
  });
}
