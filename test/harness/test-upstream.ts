import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Sequence } from "#base/sequence.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { encodeServerInit } from "#protocols/rfb/server-init.ts";
import { encodeVersion, type RfbVersion, readVersion } from "#protocols/rfb/version.ts";
import { acceptViewer } from "#protocols/rfb/viewer-handshake.ts";
import type { Grant } from "#wire/grant.ts";
import { eventually } from "./eventually.ts";

/** What connected to a test's upstream. */
export interface Caller {
  readonly socket: Socket;
  /** All that it has said; for an RFB server, what it said behind its ClientInit. */
  readonly said: Buffer[];
}

export interface TestUpstream extends AsyncDisposable {
  readonly upstream: Grant["upstream"];
  readonly callers: readonly Caller[];
  /** Waits for somebody to call. */
  caller(): Promise<Caller>;
}

const PIXEL_FORMAT = Uint8Array.of(32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0);

/** A TCP server that does with each connection what the test says. Port 0, loopback, or the path of a UNIX socket. */
export async function startUpstream(
  serve: (caller: Caller) => void,
  { path }: { readonly path?: string } = {},
): Promise<TestUpstream> {
  const callers: Caller[] = [];
  const server = createServer((socket) => {
    const caller = { socket, said: [] };
    callers.push(caller);
    socket.on("error", () => {}); // Resets are part of what is tested.
    serve(caller);
  });
  if (path === undefined) server.listen(0, "127.0.0.1");
  else server.listen(path);
  await once(server, "listening");
  const address =
    path === undefined
      ? { kind: "tcp" as const, host: "127.0.0.1", port: (server.address() as AddressInfo).port }
      : { kind: "unix" as const, path };
  return {
    upstream: { address },
    callers,
    caller: async () =>
      await eventually(() => {
        const [first] = callers;
        if (first === undefined) throw new Error("nobody has called");
        return first;
      }),
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const { socket } of callers) socket.destroy();
      await once(server, "close");
    },
  };
}

interface RfbUpstreamOptions {
  readonly path?: string;
  /** The highest version that it speaks. */
  readonly version?: RfbVersion;
}

/** An RFB server without a password that then does with each viewer what the test says. */
export async function startRfbUpstream(
  serve: (caller: Caller) => void = () => {},
  options: RfbUpstreamOptions = {},
): Promise<TestUpstream> {
  return await startUpstream((caller) => {
    const driver = new SequenceDriver(serverHandshake(caller.socket, options));
    let ready = false;
    caller.socket.on("data", (chunk) => {
      if (ready) {
        caller.said.push(chunk);
        return;
      }
      driver.push(chunk);
      ready = driver.done;
      if (!ready) return;
      if (driver.rest.length > 0) caller.said.push(Buffer.from(driver.rest));
      serve(caller);
    });
  }, options);
}

function* serverHandshake(socket: Socket, { version = "3.8" }: RfbUpstreamOptions): Sequence<void> {
  const send = (bytes: Uint8Array) => socket.write(bytes);
  send(encodeVersion(version));
  yield* acceptViewer(yield* readVersion(), send);
  send(encodeServerInit({ width: 640, height: 480, pixelFormat: PIXEL_FORMAT, name: "QEMU (guest)" }));
}
