import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { startNode } from "../harness/porthole.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { startReplica } from "../harness/replica.ts";
import { scratch } from "../harness/scratch.ts";
import { createDatabase } from "../harness/shared-postgres.ts";
import { startRfbUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";

const MINUTE_MS = 60_000;
/** How far off what a replica takes for the time may be: it asks the database over a connection, on a busy machine. */
const TOLERANCE_MS = 20_000;

/** Loaded before all else, it makes the process believe that it is so much later. */
const clockThatIsOff = (ms: number) =>
  `data:text/javascript,${encodeURIComponent(`
    const now = Date.now;
    Date.now = () => now() + ${ms};
    globalThis.Date = new Proxy(Date, {
      construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [Date.now()] : args, self),
    });
  `)}`;

for (const minutes of [-5, 5])
  test(`a replica whose clock is ${minutes} minutes off gives out tickets that live as long as any other's`, {
    skip: lackingPostgres,
  }, async () => {
    await using database = await createDatabase();
    await using folder = scratch();
    const options = { url: database.url, keyFile: join(folder.path, "porthole.key") };
    await using right = await startReplica(options);
    const wrong = { NODE_OPTIONS: `--import=${clockThatIsOff(minutes * MINUTE_MS)}` };
    await using off = await startReplica({ ...options, env: wrong });
    const keys = right.firstKeys ?? assert.fail();
    await using machine = await startRfbUpstream();
    const { address } = machine.upstream;
    assert.ok(address.kind === "tcp");
    const screen = { protocol: "rfb", address: `${address.host}:${address.port}` } as const;
    const { id } = await right.api(keys).addMachine({ name: "machine", ...screen });
    const { token: joinToken } = await right
      .api(keys)
      .call<{ token: string }>("POST", "join-tokens", { uses: 2 });

    for (const { link } of [right, off]) {
      await using node = await startNode({ link, joinToken });
      const before = Date.now();
      const { expiresAt, sessionId, websocket } = await off.api(keys).openConsole(id);
      const after = Date.now();

      const life = Date.parse(expiresAt) - before;
      assert.ok(
        life > MINUTE_MS - TOLERANCE_MS && life < MINUTE_MS + TOLERANCE_MS + after - before,
        `${life} ms`,
      );
      await using viewer = await TestViewer.porthole(node.node, websocket.token);
      await viewer.handshake();
      assert.equal((await right.api(keys).session(sessionId)).nodeId, node.id);
    }
  });
