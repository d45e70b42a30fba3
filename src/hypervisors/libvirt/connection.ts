import type { Duplex } from "node:stream";
import { ByteQueue } from "#base/byte-queue.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { type Call, REMOTE_PROGRAM, REMOTE_VERSION } from "#protocols/libvirt/calls.ts";
import { encodeKeepalive, isPing, KEEPALIVE_PROGRAM } from "#protocols/libvirt/keepalive.ts";
import { LIFECYCLE_PROCEDURE, type Lifecycle, readLifecycle } from "#protocols/libvirt/lifecycle.ts";
import { encodePacket, type Packet, PacketReader } from "#protocols/libvirt/packet.ts";
import { readRemoteError } from "#protocols/libvirt/remote-error.ts";
import { XdrReader } from "#protocols/libvirt/xdr.ts";
import { HypervisorError } from "../hypervisor-error.ts";

export const limits = {
  /**
   * libvirtd works on five calls of a client at once (its max_client_requests), and reads nothing more of it meanwhile, not
   * even whether it is still there: so one less.
   */
  callsInFlight: 4,
  /**
   * Of those that are answered from memory, beside them. libvirtd leaves what is too much for it on the wire, and takes it up without a
   * way there and back in between: of thousands of machines each is asked about, and 64 of them wait for that way together.
   */
  quickCallsInFlight: 64,
  /** Calls that wait for their turn. */
  callsWaiting: 256,
  /** From when a call is made to its answer, its waiting included. */
  callMs: 15_000,
  /** Of silence, until libvirt is asked whether it is there. */
  keepaliveMs: 5_000,
  /** Of silence, until it is not. */
  silentMs: 20_000,
  /**
   * From when a call goes out: unanswered by then, and given up by its caller, it is one that libvirt hangs in. libvirt itself waits half of
   * that for a machine that is busy, and answers.
   */
  hungMs: 60_000,
  /** What libvirt may leave unread before its questions are not answered any more. */
  unreadBytes: 64 * 1024,
} as const;

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly withinMs?: number;
}

/** A stream towards us. Its first pieces, and even its end, may come before the call is answered. */
interface Download {
  readonly bytes: ByteQueue;
  readonly maxBytes: number;
  isAnswered: boolean;
  result?: unknown;
  isAtEnd: boolean;
  failure?: Error;
  /** From our side: said once. */
  isEnded: boolean;
}

/** A call that waits or is in flight. Given up by its caller, it keeps its place until libvirt has answered. */
interface Pending {
  readonly call: Call<unknown>;
  readonly download?: Download;
  readonly done: (outcome: Outcome) => void;
  isGivenUp: boolean;
  /** When it went out; what waits has not. */
  sentAt: number;
}

type Outcome = { readonly value: unknown } | { readonly error: Error };

/** One connection to a libvirt: calls go out without waiting for each other's answers, in bounded number. */
export class LibvirtConnection {
  readonly #stream: Duplex;
  readonly #onLifecycle: (event: Lifecycle) => void;
  readonly #packets = new PacketReader();
  readonly #inFlight = new Map<number, Pending>();
  readonly #waiting: Pending[] = [];
  readonly #ended = Promise.withResolvers<Error>();
  readonly #timer: NodeJS.Timeout;
  readonly #silentMs: number;
  readonly #hungMs: number;
  #serial = 0;
  #heardAt = performance.now();
  #end: Error | undefined;

  constructor(
    stream: Duplex,
    {
      onLifecycle = () => {},
      keepaliveMs = limits.keepaliveMs,
      silentMs = limits.silentMs,
      hungMs = limits.hungMs,
    }: {
      readonly onLifecycle?: (event: Lifecycle) => void;
      readonly keepaliveMs?: number;
      readonly silentMs?: number;
      readonly hungMs?: number;
    } = {},
  ) {
    this.#stream = stream;
    this.#onLifecycle = onLifecycle;
    this.#silentMs = silentMs;
    this.#hungMs = hungMs;
    stream.on("data", (chunk: Uint8Array) => this.#take(chunk));
    stream.on("error", (cause) => this.#finish(new HypervisorError("answer", cause.message, { cause })));
    stream.on("close", () => this.#finish(new HypervisorError("answer", "libvirt closed the connection")));
    stream.on("end", () => this.#finish(new HypervisorError("answer", "libvirt closed the connection")));
    this.#timer = setInterval(() => this.#keepAlive(keepaliveMs), keepaliveMs);
  }

  /** Why it ended, once it has. */
  get ended(): Promise<Error> {
    return this.#ended.promise;
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Throws a RemoteError that libvirt answered, a HypervisorError, or the signal's reason. */
  async call<Result>(call: Call<Result>, options: CallOptions = {}): Promise<Result> {
    return (await this.#exchange({ call }, options)) as Result;
  }

  /** A call that libvirt answers with a stream towards us; whoever sends more than `maxBytes` has it ended. */
  async download<Result>(
    call: Call<Result>,
    { maxBytes, ...options }: CallOptions & { readonly maxBytes: number },
  ): Promise<{ readonly result: Result; readonly bytes: Uint8Array }> {
    const download: Download = {
      ...{ bytes: new ByteQueue(), maxBytes },
      ...{ isAnswered: false, isAtEnd: false, isEnded: false },
    };
    await this.#exchange({ call, download }, options);
    return { result: download.result as Result, bytes: download.bytes.take(download.bytes.length) };
  }

  close(): void {
    this.#finish(new HypervisorError("answer", "the connection to libvirt was closed from here"));
  }

  #exchange(
    what: Pick<Pending, "call" | "download">,
    { signal, withinMs = limits.callMs }: CallOptions,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) return reject(this.#end);
      if (signal?.aborted === true) return reject(signal.reason);
      if (this.#waiting.length >= limits.callsWaiting)
        return reject(new HypervisorError("answer", "too many calls wait for libvirt's answers"));
      const done = (outcome: Outcome) => {
        clearTimeout(deadline);
        signal?.removeEventListener("abort", abort);
        if ("error" in outcome) reject(outcome.error);
        else resolve(outcome.value);
      };
      const pending: Pending = { ...what, done, isGivenUp: false, sentAt: Infinity };
      const late = new HypervisorError("answer", `libvirt has not answered within ${withinMs / 1000} s`);
      const deadline = setTimeout(() => this.#giveUp(pending, late), withinMs);
      const abort = () => this.#giveUp(pending, signal?.reason);
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.push(pending);
      this.#send();
    });
  }

  #send(): void {
    for (;;) {
      const next = this.#waiting.findIndex(({ call }) => this.#mayGo(call));
      const [pending] = next < 0 ? [] : this.#waiting.splice(next, 1);
      if (pending === undefined) return;
      do this.#serial = (this.#serial + 1) >>> 0;
      while (this.#inFlight.has(this.#serial));
      this.#inFlight.set(this.#serial, pending);
      pending.sentAt = performance.now();
      const { procedure, args: body } = pending.call;
      this.#write({ procedure, type: "call", serial: this.#serial, status: "ok", body });
    }
  }

  #mayGo({ isQuick = false }: Call<unknown>): boolean {
    const most = isQuick ? limits.quickCallsInFlight : limits.callsInFlight;
    return this.#inFlightOf(isQuick).length < most;
  }

  #inFlightOf(isQuick: boolean): readonly Pending[] {
    return [...this.#inFlight.values()].filter(({ call }) => (call.isQuick ?? false) === isQuick);
  }

  #write(packet: Omit<Packet, "program" | "version">): void {
    this.#stream.write(encodePacket({ program: REMOTE_PROGRAM, version: REMOTE_VERSION, ...packet }));
  }

  #giveUp(pending: Pending, error: Error): void {
    const index = this.#waiting.indexOf(pending);
    if (index >= 0) this.#waiting.splice(index, 1);
    pending.isGivenUp = true;
    pending.done({ error });
    const { download } = pending;
    if (download === undefined) return;
    for (const [serial, each] of this.#inFlight)
      if (each === pending) this.#endStream(serial, pending, download);
  }

  #take(chunk: Uint8Array): void {
    if (this.#end !== undefined) return;
    this.#heardAt = performance.now();
    try {
      for (const packet of this.#packets.push(chunk)) {
        this.#dispatch(packet);
        // Whoever was told of an event may have closed it.
        if (!this.isOpen) return;
      }
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause;
      this.#finish(
        new HypervisorError("answer", `this is not libvirt's protocol: ${cause.message}`, { cause }),
      );
    }
  }

  #dispatch(packet: Packet): void {
    if (packet.program === KEEPALIVE_PROGRAM) {
      this.#answerPing(packet);
      return;
    }
    if (packet.program !== REMOTE_PROGRAM) throw new ProtocolError("unknown program", packet.program);
    switch (packet.type) {
      case "message":
        if (packet.procedure === LIFECYCLE_PROCEDURE) this.#onLifecycle(readLifecycle(packet.body));
        return;
      case "reply":
        this.#takeReply(packet, this.#pendingOf(packet));
        return;
      case "stream":
        this.#takeStream(packet, this.#pendingOf(packet));
        return;
      case "call":
        throw new ProtocolError("a call from libvirt");
      default:
        packet.type satisfies never;
    }
  }

  #pendingOf({ serial, procedure }: Packet): Pending {
    const pending = this.#inFlight.get(serial);
    if (pending?.call.procedure !== procedure) throw new ProtocolError("an answer to nothing", serial);
    return pending;
  }

  #takeReply({ serial, status, body }: Packet, pending: Pending): void {
    const reader = new XdrReader(body);
    const { download } = pending;
    if (download?.isAnswered === true) throw new ProtocolError("a second answer", serial);
    const outcome: Outcome =
      status === "ok" ? { value: pending.call.read(reader) } : { error: readRemoteError(reader) };
    if (download === undefined || "error" in outcome) {
      this.#release(serial, pending, outcome);
      return;
    }
    download.isAnswered = true;
    download.result = outcome.value;
    if (download.failure === undefined) this.#endStream(serial, pending, download);
    else this.#release(serial, pending, { error: download.failure });
  }

  #takeStream({ serial, status, body }: Packet, pending: Pending): void {
    const { download } = pending;
    if (download === undefined) throw new ProtocolError("a stream of nothing", serial);
    switch (status) {
      case "ok":
        if (!download.isEnded) throw new ProtocolError("an end of a stream that goes on", serial);
        this.#release(serial, pending, { value: undefined });
        return;
      case "error":
        download.failure = readRemoteError(new XdrReader(body));
        if (download.isAnswered) this.#release(serial, pending, { error: download.failure });
        return;
      case "continue":
        if (body.length > 0) this.#takePiece(pending, download, body);
        else download.isAtEnd = true;
        this.#endStream(serial, pending, download);
        return;
      default:
        status satisfies never;
    }
  }

  #takePiece(pending: Pending, download: Download, piece: Uint8Array): void {
    if (pending.isGivenUp) return;
    const { bytes, maxBytes } = download;
    if (bytes.length + piece.length <= maxBytes) bytes.push(piece);
    else this.#giveUp(pending, new HypervisorError("answer", `libvirt sends more than ${maxBytes} bytes`));
  }

  /** Says that it is over, once it is and may be said; libvirt answers in kind, and only then the call is over too. */
  #endStream(serial: number, { call, isGivenUp }: Pending, download: Download): void {
    if (!download.isAnswered || download.isEnded || !(isGivenUp || download.isAtEnd)) return;
    download.isEnded = true;
    const status = isGivenUp ? "error" : "ok";
    this.#write({ procedure: call.procedure, type: "stream", serial, status, body: new Uint8Array(0) });
  }

  #release(serial: number, pending: Pending, outcome: Outcome): void {
    this.#inFlight.delete(serial);
    if (!pending.isGivenUp) pending.done(outcome);
    this.#send();
  }

  #answerPing(packet: Packet): void {
    if (isPing(packet) && this.#stream.writableLength < limits.unreadBytes)
      this.#stream.write(encodeKeepalive("pong"));
  }

  #keepAlive(keepaliveMs: number): void {
    const silentMs = performance.now() - this.#heardAt;
    if (silentMs >= this.#silentMs)
      this.#finish(new HypervisorError("answer", "libvirt does not answer any more"));
    else if (this.#isHung())
      this.#finish(new HypervisorError("answer", "libvirt hangs in all that it was asked last"));
    else if (silentMs >= keepaliveMs / 2 && this.#stream.writableLength < limits.unreadBytes)
      this.#stream.write(encodeKeepalive("ping"));
  }

  /** Every place is taken by a call that libvirt hangs in, as of a machine whose QEMU does: a new connection has places again. */
  #isHung(): boolean {
    const now = performance.now();
    const slow = this.#inFlightOf(false);
    return (
      slow.length >= limits.callsInFlight &&
      slow.every(({ isGivenUp, sentAt }) => isGivenUp && now - sentAt >= this.#hungMs)
    );
  }

  #finish(end: Error): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    clearInterval(this.#timer);
    this.#stream.destroy();
    const left = [...this.#inFlight.values(), ...this.#waiting.splice(0)];
    this.#inFlight.clear();
    for (const pending of left) if (!pending.isGivenUp) pending.done({ error: end });
    this.#ended.resolve(end);
  }
}
