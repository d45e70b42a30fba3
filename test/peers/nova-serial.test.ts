import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { refusal, TestViewer } from "../harness/test-viewer.ts";
import { lackingNovaClients, runNova, runOpenStack } from "./nova-clients.ts";
import { type NovaWorld, startNovaWorld, waysOf } from "./nova-world.ts";
import { lackingGuest, type QemuGuest, serialPort, startQemuGuest } from "./qemu.ts";

/** Clients of Nova's serial proxy know nothing but its URL: they connect there, and what they send is typed. */
describe("a guest's serial line by the URL that Nova's clients print", {
  skip: lackingNovaClients || lackingGuest,
}, () => {
  const opened = new AsyncDisposableStack();
  let world: NovaWorld;
  let guest: QemuGuest<never>;
  let server: string;
  before(async () => {
    guest = opened.use(await startQemuGuest({}, { line: true }));
    world = opened.use(await startNovaWorld());
    const address = `${guest.host}:${await serialPort(guest, "line")}`;
    const line = { name: "line", protocol: "serial", address, project: world.projectId } as const;
    server = (await world.api.addMachine(line)).id;
  });
  after(async () => await opened.disposeAsync());

  async function printed(): Promise<string> {
    const args = ["console", "url", "show", "-f", "json", "--serial", server];
    const outcome = await runOpenStack([...waysOf(world).token, ...args]);
    const { url } = outcome.json as { readonly url?: string };
    assert.ok(url !== undefined, JSON.stringify(outcome));
    return url;
  }

  async function isTyped(viewer: TestViewer, word: string, send: (text: string) => void): Promise<void> {
    send(`echo ${word}-$((40 + 2))\r`);
    await eventually(() => assert.match(viewer.bytes.toString("latin1"), new RegExp(`${word}-42`)));
    assert.match(guest.serial(), new RegExp(`${word}-42`));
  }

  test("is typed into by binary frames, with the sub-protocol of Nova's proxy", async () => {
    await using viewer = await TestViewer.connect(await printed(), { protocols: ["binary"] });

    assert.equal(viewer.webSocket.protocol, "binary");
    await isTyped(viewer, "binary", (text) => viewer.send(Buffer.from(text)));
  });

  test("is typed into by text frames, without a sub-protocol, as novaconsole does", async () => {
    await using viewer = await TestViewer.connect(await printed());

    assert.equal(viewer.webSocket.protocol, "");
    await isTyped(viewer, "text", (text) => viewer.webSocket.send(text));
  });

  test("is opened by its ticket as a cookie, at any path", async () => {
    const { origin, searchParams } = new URL(await printed());
    const headers = { cookie: `other=1; token=${searchParams.get("token")}` };

    await using viewer = await TestViewer.connect(`${origin}/any/path`, { headers });

    await isTyped(viewer, "cookie", (text) => viewer.send(Buffer.from(text)));
  });

  test("is opened once: who comes again is refused before the WebSocket opens, with a reason", async () => {
    const url = await printed();
    const viewer = await TestViewer.connect(url);
    await viewer[Symbol.asyncDispose]();

    const { status, body } = await refusal(url);

    assert.deepEqual([status, JSON.parse(body).error.code], [410, "ticket_used"]);
  });

  test("has its log shown by openstack and by nova, all of it or the last lines, while somebody has it open", async () => {
    const log = ["console", "log", "show"];
    const viewer = await TestViewer.connect(await printed());
    await isTyped(viewer, "logged", (text) => viewer.send(Buffer.from(text)));

    const all = await runOpenStack([...waysOf(world).token, ...log, server]);
    const some = await runOpenStack([...waysOf(world).token, ...log, "--lines", "2", server]);
    const byNova = await runNova([...waysOf(world).password, "console-log", server]);
    const lastByNova = await runNova([...waysOf(world).password, "console-log", "--length", "2", server]);

    for (const { stdout, stderr } of [all, byNova])
      assert.match(stdout, /logged-\$\(\(40 \+ 2\)\)\nlogged-42\n/, stderr);
    for (const { stdout, stderr } of [some, lastByNova]) {
      assert.match(stdout, /^logged-42\n/, stderr);
      assert.equal(stdout.trimEnd().split("\n").length, 2, stdout);
    }
    await viewer[Symbol.asyncDispose]();
    await eventually(
      async () => {
        const { stderr } = await runOpenStack([...waysOf(world).token, ...log, server]);
        assert.match(stderr, /409: .*Nobody has this serial line open/);
      },
      { withinMs: 60_000 },
    );
    const { stderr } = await runNova([...waysOf(world).password, "console-log", server]);
    assert.match(stderr, /Nobody has this serial line open.*\(HTTP 409\)/);
  });

  test("is the one that nova prints, too, which two share", async () => {
    const { stdout } = await runNova([...waysOf(world).password, "get-serial-console", server]);
    const [url = ""] = /ws:\/\/\S+/.exec(stdout) ?? [];
    await using first = await TestViewer.connect(url);
    await using second = await TestViewer.connect(await printed());

    await isTyped(first, "shared", (text) => first.send(Buffer.from(text)));

    await eventually(() => assert.match(second.bytes.toString("latin1"), /shared-42/));
  });
});
