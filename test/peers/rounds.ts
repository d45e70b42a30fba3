import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { REMOTE_PROGRAM } from "#protocols/libvirt/calls.ts";
import { type Packet, PacketReader } from "#protocols/libvirt/packet.ts";

/** Between clients and a libvirt. */
export interface Rounds extends AsyncDisposable {
  /** How often a client waited for a way there and back. */
  readonly count: number;
  /** What clients have asked. */
  readonly calls: number;
}

/**
 * A way to libvirt that takes long, without a clock: what libvirt answers is held until all that the client has said is answered, as
 * though it came back together.
 */
export async function startRounds(path: string, target: string): Promise<Rounds> {
  const sockets = new Set<Socket>();
  let count = 0;
  let calls = 0;
  const server = createServer((client) => {
    const libvirt = connect(target);
    const [asked, answered] = [counter("call"), counter("reply")];
    const held: Uint8Array[] = [];
    client.on("data", (chunk: Uint8Array) => {
      calls += asked.push(chunk);
      libvirt.write(chunk);
    });
    libvirt.on("data", (chunk: Uint8Array) => {
      const answers = answered.push(chunk);
      held.push(chunk);
      if (answered.packets < asked.packets) return;
      if (answers > 0) count += 1;
      for (const each of held.splice(0)) client.write(each);
    });
    for (const [socket, other] of [
      [client, libvirt],
      [libvirt, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => other.destroy());
    }
  }).listen(path);
  await once(server, "listening");
  return {
    get count() {
      return count;
    },
    get calls() {
      return calls;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Of what is asked and answered; whether the other is still there is neither. */
function counter(type: Packet["type"]) {
  const reader = new PacketReader();
  let packets = 0;
  return {
    /** How many of them it completes. */
    push: (chunk: Uint8Array) => {
      const before = packets;
      for (const packet of reader.push(chunk))
        if (packet.program === REMOTE_PROGRAM && packet.type === type) packets += 1;
      return packets - before;
    },
    get packets() {
      return packets;
    },
  };
}
