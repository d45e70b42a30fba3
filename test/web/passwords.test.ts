import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ERRORS } from "#wire/errors.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { createConsoleEndpoint } from "../harness/cloudstack.ts";
import { eventually } from "../harness/eventually.ts";
import { colours, consolePicture, differingPixels } from "../harness/picture.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { endingWords, NOVNC_REFUSED, untilLive } from "../harness/stage.ts";
import { lackingQemu, startQemu } from "../peers/qemu.ts";
import { lackingTigerVnc, startTigerVnc } from "../peers/tigervnc.ts";

const PASSWORD = "p4ss-w0r";

describe("a machine whose console has a password", { skip: lackingBrowser }, () => {
  let porthole: Porthole;
  let browser: TestBrowser;
  before(async () => {
    [porthole, browser] = await Promise.all([startPorthole(), startBrowser()]);
  });
  after(async () => {
    await browser[Symbol.asyncDispose]();
    await porthole[Symbol.asyncDispose]();
  });

  let machines = 0;
  async function register(address: string, password?: string): Promise<string> {
    const name = `machine ${++machines}`;
    const machine = {
      name,
      protocol: "rfb" as const,
      address,
      ...(password === undefined ? {} : { password }),
    };
    return (await porthole.api.addMachine(machine)).id;
  }

  test("QEMU: opens with the password on record, which nobody is asked for", {
    skip: lackingQemu,
  }, async () => {
    await using qemu = await startQemu({ locked: { password: PASSWORD } });
    const machine = await register(`${qemu.host}:${qemu.ports.locked}`, PASSWORD);

    const page = await browser.open();
    await page.goto((await createConsoleEndpoint(porthole, machine)).url);

    await untilLive(page);
    assert.ok(colours(await consolePicture(page)) > 1);
  });

  test("QEMU: with a wrong one on record, the page says so", { skip: lackingQemu }, async () => {
    await using qemu = await startQemu({ locked: { password: PASSWORD } });
    const machine = await register(`${qemu.host}:${qemu.ports.locked}`, "another");

    const page = await browser.open({ expected: NOVNC_REFUSED });
    await page.goto((await createConsoleEndpoint(porthole, machine)).url);

    const words = await endingWords(page);
    assert.match(words, new RegExp(ERRORS.upstream_authentication_failed.meaning));
    assert.match(words, /Authentication failed/, "the hypervisor's own words stand with it");
  });

  test("QEMU: once the password on record is put right, the page's button opens it", {
    skip: lackingQemu,
  }, async () => {
    await using qemu = await startQemu({ locked: { password: PASSWORD } });
    const machine = await register(`${qemu.host}:${qemu.ports.locked}`);
    const page = await browser.open({ expected: NOVNC_REFUSED });
    await page.goto((await createConsoleEndpoint(porthole, machine)).url);
    await endingWords(page);

    await porthole.api.call("PATCH", `machines/${machine}`, { password: PASSWORD });
    await page.getByRole("button", { name: "Open again" }).click();

    await untilLive(page);
  });

  test("TigerVNC: shows a picture that moves by itself", { skip: lackingTigerVnc }, async () => {
    await using server = await startTigerVnc({ password: PASSWORD });
    const machine = await register(`${server.host}:${server.port}`, PASSWORD);

    const page = await browser.open();
    await page.goto((await createConsoleEndpoint(porthole, machine)).url);

    await untilLive(page);
    const picture = await consolePicture(page);
    assert.deepEqual([picture.width, picture.height], [800, 600]);
    await eventually(async () => {
      const pixels = differingPixels(picture, await consolePicture(page));
      assert.ok(pixels > 300, `${pixels} pixels changed`);
    });
  });

  test("TigerVNC: shows a picture that moves, without a password", { skip: lackingTigerVnc }, async () => {
    await using server = await startTigerVnc();
    const machine = await register(`${server.host}:${server.port}`);

    const page = await browser.open();
    await page.goto((await createConsoleEndpoint(porthole, machine)).url);

    await untilLive(page);
    const picture = await consolePicture(page);
    await eventually(async () => assert.ok(differingPixels(picture, await consolePicture(page)) > 300));
  });

  test("TigerVNC: is reached on a UNIX socket, once the operator allows it", {
    skip: lackingTigerVnc,
  }, async () => {
    await using server = await startTigerVnc();
    const machine = await register(`unix:${server.path}`);
    const refused = await browser.open({ expected: NOVNC_REFUSED });
    await refused.goto((await createConsoleEndpoint(porthole, machine)).url);
    assert.match(await endingWords(refused), new RegExp(ERRORS.upstream_not_allowed.meaning));

    await porthole.api.call("PUT", "settings/upstream.allow", { value: `127.0.0.0/8,unix:${server.path}` });

    const page = await browser.open();
    await page.goto((await createConsoleEndpoint(porthole, machine)).url);
    await untilLive(page);
  });
});
