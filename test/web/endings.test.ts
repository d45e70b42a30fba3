import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { ERRORS, type ErrorCode } from "#wire/errors.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { type Control, type Node, startControl, startNode } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";
import { endingWords, NOVNC_REFUSED, untilLive } from "../harness/stage.ts";
import { startRfbUpstream, startUpstream, type TestUpstream } from "../harness/test-upstream.ts";
import { lackingQemu, startQemu } from "../peers/qemu.ts";

const GREETING = "RFB 003.008\n";

function assertSays(said: string, ...codes: ErrorCode[]): void {
  const meanings = codes.map((code) => ERRORS[code].meaning);
  assert.ok(
    meanings.some((meaning) => said.includes(meaning)),
    `“${said}” is none of “${meanings.join("”, “")}”`,
  );
}

describe("the page says truthfully why a console is over", { skip: lackingBrowser }, () => {
  let control: Control;
  let browser: TestBrowser;
  before(async () => {
    [control, browser] = await Promise.all([startControl(), startBrowser()]);
  });
  after(async () => {
    await browser[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
  });

  let machines = 0;
  async function consoleOf(address: string): Promise<{ readonly sessionId: string; readonly url: string }> {
    const { id } = await control.api.addMachine({ name: `machine ${++machines}`, protocol: "rfb", address });
    return await control.api.openConsole(id);
  }

  function addressOf({ upstream }: TestUpstream): string {
    assert.equal(upstream.address.kind, "tcp");
    return `${upstream.address.host}:${upstream.address.port}`;
  }

  describe("when the hypervisor", () => {
    let node: Node;
    before(async () => {
      node = await startNode(control);
    });
    after(async () => await node[Symbol.asyncDispose]());

    const cases: Record<
      string,
      { serve: Parameters<typeof startUpstream>[0]; code: ErrorCode; detail?: RegExp }
    > = {
      "speaks HTTP": {
        serve: ({ socket }) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
        code: "upstream_not_rfb",
      },
      "resets the connection": {
        serve: ({ socket }) => socket.resetAndDestroy(),
        code: "upstream_lost",
      },
      "hangs up at once": {
        serve: ({ socket }) => socket.end(),
        code: "upstream_closed",
      },
      "says nothing": {
        serve: () => {},
        code: "upstream_timeout",
      },
      "offers nothing that is known": {
        serve: ({ socket }) => socket.write(`${GREETING}\x02\x05\x85`, "latin1"),
        code: "upstream_security_unsupported",
      },
      "says why it refuses": {
        serve: ({ socket }) => socket.write(`${GREETING}\x00\x00\x00\x00\x08No thank`, "latin1"),
        code: "upstream_refused",
        detail: /No thank/,
      },
      "gives a reason of four gigabytes": {
        serve: ({ socket }) => {
          socket.write(`${GREETING}\x00\xff\xff\xff\xff`, "latin1");
          const flood = () => {
            while (socket.writable && socket.write(Buffer.alloc(64 * 1024, "No! ")));
          };
          socket.on("drain", flood);
          flood();
        },
        code: "upstream_refused",
      },
    };

    for (const [name, { serve, code, detail = /./ }] of Object.entries(cases)) {
      test(name, async () => {
        await using upstream = await startUpstream(serve);
        const { sessionId, url } = await consoleOf(addressOf(upstream));
        const page = await browser.open({ expected: NOVNC_REFUSED });

        await page.goto(url);
        const said = await endingWords(page);

        assertSays(said, code);
        assert.match(said, detail);
        // Nobody has been shown this console yet, and its page knows whose it is all the same.
        const name = `machine ${machines}`;
        await page.getByRole("heading", { name, exact: true }).waitFor();
        assert.ok((await page.title()).startsWith(`${name} · `), await page.title());
        const { retryable } = ERRORS[code];
        const again = page.getByRole("button", { name: "Open again" });
        assert.equal(/primary/.test((await again.getAttribute("class")) ?? ""), retryable);
        assert.ok((await page.title()).includes(ERRORS[code].meaning.replace(/\.$/, "")), await page.title());
        assert.ok(said.includes(sessionId), "the reference is the session's id");
        await eventually(async () => {
          const { state, ending } = await control.api.session(sessionId);
          assert.deepEqual([state, ending?.code], ["ended", code]);
        });
        await assertNodeLives(node.node);
      });
    }

    test("listens no more", async () => {
      const { url } = await onFreePort((port) => consoleOf(`${LOOPBACK}:${port}`));
      const page = await browser.open({ expected: NOVNC_REFUSED });

      await page.goto(url);

      assertSays(await endingWords(page), "upstream_connection_refused");
    });

    test("shuts the machine down", { skip: lackingQemu }, async () => {
      await using qemu = await startQemu({ screen: {} });
      const page = await browser.open();
      await page.goto((await consoleOf(`${qemu.host}:${qemu.ports.screen}`)).url);
      await untilLive(page);

      await qemu.qmp("quit");

      assertSays(await endingWords(page), "upstream_closed");
      await page.getByRole("img", { name: "The last picture of the console" }).waitFor();
    });

    test("is killed", { skip: lackingQemu }, async () => {
      await using qemu = await startQemu({ screen: {} });
      const page = await browser.open();
      await page.goto((await consoleOf(`${qemu.host}:${qemu.ports.screen}`)).url);
      await untilLive(page);

      await qemu.kill();

      assertSays(await endingWords(page), "upstream_closed", "upstream_lost");
    });
  });

  async function assertNodeLives(origin: string): Promise<void> {
    const { status } = await fetch(`${origin}/healthz`).catch(() => ({ status: 0 }));
    assert.ok(status > 0, "the node answers");
  }

  describe("when the node", () => {
    test("is stopped by its operator", async () => {
      const node = await startNode(control);
      await using upstream = await startRfbUpstream(paint);
      const page = await browser.open();
      await page.goto((await consoleOf(addressOf(upstream))).url);
      await untilLive(page);

      await node[Symbol.asyncDispose]();

      assertSays(await endingWords(page), "node_stopping");
    });

    test("is killed; and its sessions are over for control when it is back", async () => {
      await using folder = scratch();
      const node = await startNode(control, { data: folder.path });
      await using upstream = await startRfbUpstream(paint);
      const { sessionId, url } = await consoleOf(addressOf(upstream));
      const page = await browser.open({ expected: /WebSocket connection to|ERR_CONNECTION_REFUSED/ });
      await page.goto(url);
      await untilLive(page);
      await eventually(async () => assert.equal((await control.api.session(sessionId)).state, "active"));

      await node.process.stop("SIGKILL");
      assertSays(await endingWords(page), "viewer_lost");
      await using _ = await startNode(control, { data: folder.path });

      await eventually(async () => {
        const { state, ending } = await control.api.session(sessionId);
        assert.deepEqual([state, ending?.code], ["ended", "node_lost"]);
      });
    });
  });
});

describe("when control is gone", { skip: lackingBrowser }, () => {
  test("an open console goes on, and a new link says who did not answer", async () => {
    await using browser = await startBrowser();
    const control = await startControl();
    await using _ = await startNode(control);
    await using upstream = await startRfbUpstream(paint);
    const { address } = upstream.upstream;
    assert.equal(address.kind, "tcp");
    const { id } = await control.api.addMachine({
      name: "machine",
      protocol: "rfb",
      address: `${address.host}:${address.port}`,
    });
    const [first, second] = [await control.api.openConsole(id), await control.api.openConsole(id)];
    const page = await browser.open();
    await page.goto(first.url);
    await untilLive(page);

    await control.process.stop("SIGKILL");
    const late = await browser.open();
    await late.goto(second.url);

    assertSays(await endingWords(late), "control_unreachable");
    const { socket, said } = await upstream.caller();
    const before = said.length;
    await page.bringToFront();
    await page.locator("canvas").focus();
    await page.keyboard.press("a");
    await eventually(() => assert.ok(said.length > before, "the key reaches the machine"));
    assert.equal(socket.destroyed, false);
    await control[Symbol.asyncDispose]();
  });
});

/** RFC 6143 §7.6.1: one raw rectangle over the whole screen, whenever a viewer has come. */
function paint({ socket }: { readonly socket: Socket }): void {
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0x02, 0x80, 0x01, 0xe0, 0, 0, 0, 0]);
  socket.write(Buffer.concat([header, Buffer.alloc(640 * 480 * 4, 0x60)]));
}
