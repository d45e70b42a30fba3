import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { type Control, type Node, startControl, startNode } from "../harness/porthole.ts";
import { startRfbUpstream, type TestUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";

const MEBIBYTE = 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 0x5a);

const VIEWERS = 24;
/** What is poured at each viewer's console, far beyond what the kernel holds of a connection: 1.5 GB in all. */
const FLOOD_BYTES = 64 * MEBIBYTE;

const bounds = {
  /** A few reads for each viewer, and what Node's heap grows to under any load. */
  stalledBytes: 160 * MEBIBYTE,
  /** What the third round may need more than the first: nothing, but memory is given back late. */
  roundsBytes: 48 * MEBIBYTE,
} as const;

test("stalled viewers of flooding machines cost a node little, and nothing when they are gone", async () => {
  const floods = new Set<Flood>();
  await using machine = await startRfbUpstream(({ socket }) => floods.add(new Flood(socket)));
  await using control = await startControl();
  await using node = await startNode(control);
  const open = await consoleOf(machine, control, node);
  const before = residentBytes(node);
  const rounds: number[] = [];

  for (let round = 0; round < 3; round++) {
    await using viewers = new AsyncDisposableStack();
    for (let opened = 0; opened < VIEWERS; opened++) {
      const viewer = viewers.use(await open());
      await viewer.handshake();
      viewer.webSocket.pause();
    }
    await untilStill(() => [...floods].reduce((sum, { takenBytes }) => sum + takenBytes, 0));
    for (const { isOver } of floods) assert.ok(!isOver, "a viewer that does not read stops its machine");
    rounds.push(residentBytes(node));
    floods.clear();
  }

  const [first = 0, , last = 0] = rounds;
  const told = [before, ...rounds].map((bytes) => Math.round(bytes / MEBIBYTE)).join(", ");
  assert.ok(first - before < bounds.stalledBytes, `MiB before and in each round: ${told}`);
  assert.ok(last - first < bounds.roundsBytes, `MiB before and in each round: ${told}`);
});

/** Opens a new console of the machine with each call. */
async function consoleOf(
  { upstream: { address } }: TestUpstream,
  { api }: Control,
  { node }: Node,
): Promise<() => Promise<TestViewer>> {
  assert.equal(address.kind, "tcp");
  const { id } = await api.addMachine({
    name: "machine",
    protocol: "rfb",
    address: `${address.host}:${address.port}`,
  });
  return async () => {
    const { url } = await api.openConsole(id);
    const ticket = new URLSearchParams(new URL(url).hash.slice(1)).get("token");
    assert.ok(ticket !== null);
    return await TestViewer.bare(node, ticket);
  };
}

/** Pours as fast as it is taken, up to a length. */
class Flood {
  readonly #socket: Socket;
  #left = FLOOD_BYTES;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("drain", () => this.#pour());
    this.#pour();
  }

  get isOver(): boolean {
    return this.#left <= 0 && this.#socket.writableLength === 0;
  }

  get takenBytes(): number {
    return FLOOD_BYTES - this.#left - this.#socket.writableLength;
  }

  #pour(): void {
    while (this.#left > 0) {
      this.#left -= CHUNK.length;
      if (!this.#socket.write(CHUNK)) return;
    }
  }
}

/** Waits until a number has stayed the same for many looks in a row. */
async function untilStill(look: () => number): Promise<void> {
  let last = look();
  let same = 0;
  await eventually(() => {
    const now = look();
    same = now === last ? same + 1 : 0;
    last = now;
    assert.ok(same >= 20, `still moving, at ${now}`);
  });
}

function residentBytes({ process: { pid } }: Node): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  assert.ok(kibibytes !== undefined);
  return Number(kibibytes) * 1024;
}
