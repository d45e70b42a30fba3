import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Readable } from "node:stream";
import { concat } from "#base/bytes.ts";
import { type Sequence, SequenceDriver } from "#base/sequence.ts";
import type { SecurityPolicy } from "#protocols/rfb/security-policy.ts";
import type { ScreenSize } from "#protocols/rfb/snapshot.ts";
import { takeSnapshot } from "#protocols/rfb/snapshot.ts";
import { agreeOnSecurity, enterAsAgreed } from "#protocols/rfb/upstream-handshake.ts";
import { encryptDes } from "#proxy/des.ts";
import { overTls } from "#proxy/upstream-tls.ts";
import { repeatable, upstreamOptions } from "../targets/rfb-handshake.ts";

const limits = {
  /** Without a word from the server. */
  silentMs: 10_000,
} as const;

export interface RfbServer {
  readonly host: string;
  readonly port: number;
}

/** What a server says to the end of its handshake, and of one picture of a screen of that size; within TLS, what was within. */
export async function recordRfb(
  { host, port }: RfbServer,
  policy: SecurityPolicy,
  screen: ScreenSize,
): Promise<{ readonly handshake: Uint8Array; readonly picture: Uint8Array }> {
  const signal = silence();
  let socket: Socket = connect({ host, port });
  await once(socket, "connect", { signal });
  try {
    const options = {
      ...upstreamOptions(policy, repeatable, (bytes) => void socket.write(bytes)),
      encryptDes,
    };
    const before = await heard(socket, () => agreeOnSecurity(options), signal);
    const { result: agreed } = before;
    if (agreed === undefined) return { handshake: before.said, picture: new Uint8Array(0) };
    if (agreed.tls !== undefined)
      socket = await overTls(socket, { tls: { mode: "insecure" }, kind: agreed.tls, signal });
    const entered = await heard(socket, () => enterAsAgreed(agreed, options), signal);
    const handshake = concat([before.said, entered.said]);
    if (entered.result === undefined) return { handshake, picture: new Uint8Array(0) };
    const send = (bytes: Uint8Array) => void socket.write(bytes);
    const picture = await heard(socket, () => takeSnapshot(screen, { send, paint: () => {} }), signal);
    return { handshake, picture: picture.said };
  } finally {
    socket.destroy();
  }
}

/** When a server that is recorded has said nothing for too long. */
export function silence(): AbortSignal {
  return AbortSignal.timeout(limits.silentMs);
}

/** All that is said until the sequence is over, one way or the other, or the server hangs up. */
export async function heard<Result>(
  socket: Readable,
  start: () => Sequence<Result>,
  signal: AbortSignal,
): Promise<{ readonly said: Uint8Array; readonly result?: Result }> {
  const said: Uint8Array[] = [];
  const driver = new SequenceDriver(start());
  while (!driver.done) {
    // One byte at a time, so that nothing is taken of what comes behind.
    const byte: Uint8Array | null = socket.read(1);
    if (byte === null) {
      if (socket.readableEnded || socket.destroyed) return { said: concat(said) };
      await moved(socket, signal);
      continue;
    }
    said.push(byte);
    try {
      driver.push(byte);
    } catch {
      return { said: concat(said) };
    }
  }
  return { said: concat(said), result: driver.result };
}

async function moved(socket: Readable, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = { signal: AbortSignal.any([signal, over.signal]) };
  try {
    await Promise.race(["readable", "end", "close"].map((event) => once(socket, event, either)));
  } finally {
    over.abort();
  }
}
