import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { HostPort } from "#base/config.ts";
import { answer, type Transport } from "./answer.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { Outcome } from "./tally.ts";
import type { Zone } from "./zone.ts";

const limits = {
  /** What the kernel keeps of questions that come while others are answered; it may give less. */
  receiveBytes: 4 * 1024 * 1024,
  /** Answers that the kernel has not taken yet; what comes beyond is dropped, as a network would. */
  unsentBytes: 1024 * 1024,
} as const;

/** What servers answer from, and whom they tell. */
export interface Answering {
  /** As they are now. */
  readonly zones: () => readonly Zone[];
  readonly rateLimit: RateLimit;
  /** Called for each message. */
  readonly onOutcome: (transport: Transport, outcome: Outcome) => void;
}

/** Answers datagrams at an address. Rejects with the error of the system. */
export async function serveUdp(at: HostPort, answering: Answering): Promise<AsyncDisposable> {
  const isSix = at.host.includes(":");
  const socket = createSocket({
    type: isSix ? "udp6" : "udp4",
    ipv6Only: isSix,
    recvBufferSize: limits.receiveBytes,
    // There are addresses only, and Node would look each up as if it were a name.
    lookup: (address, _options, done) => done(null, address, isSix ? 6 : 4),
  });
  const listening = once(socket, "listening");
  socket.bind({ port: at.port, address: at.host });
  try {
    await listening;
  } catch (error) {
    socket.close();
    throw error;
  }
  // Of single datagrams that could not be sent; the socket goes on.
  socket.on("error", () => {});
  socket.on("message", (message, from) => reply(socket, { message, from, answering }));
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

function reply(
  socket: Socket,
  { message, from, answering }: { message: Buffer; from: RemoteInfo; answering: Answering },
): void {
  const made = from.port === 0 ? undefined : answer(message, answering.zones(), "udp");
  if (made === undefined) {
    answering.onOutcome("udp", "ignored");
    return;
  }
  const verdict = answering.rateLimit.judge(from.address, made.subject, performance.now());
  const bytes = verdict === "answer" ? made.bytes : verdict === "truncate" ? made.truncated?.() : undefined;
  answering.onOutcome("udp", verdict === "answer" ? made.rcode : "limited");
  if (bytes === undefined || socket.getSendQueueSize() > limits.unsentBytes) return;
  socket.send(bytes, 0, bytes.length, from.port, from.address, ignoreError);
}

/** An asker that is gone, or has written down an address that nobody can be sent to. */
function ignoreError(): void {}
