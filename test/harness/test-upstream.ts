import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { ByteWriter } from "#base/bytes.ts";
import type { Sequence } from "#base/sequence.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { encodeReason } from "#protocols/rfb/reason.ts";
import { SECURITY_RESULT, SECURITY_TYPE } from "#protocols/rfb/security.ts";
import { encodeServerInit } from "#protocols/rfb/server-init.ts";
import { encodeVersion, type RfbVersion, readVersion } from "#protocols/rfb/version.ts";
import { acceptViewer } from "#protocols/rfb/viewer-handshake.ts";
import { CHALLENGE_BYTES, vncAuthenticationKey } from "#protocols/rfb/vnc-authentication.ts";
import { encryptDes } from "#proxy/des.ts";
import type { PlainAddress, Upstream } from "#wire/grant.ts";
import { eventually } from "./eventually.ts";

/** What connected to a test's upstream. */
export interface Caller {
  readonly socket: Socket;
  /** All that it has said; for an RFB server, what it said behind its ClientInit. */
  readonly said: Buffer[];
}

export interface TestUpstream extends AsyncDisposable {
  readonly upstream: Upstream & { readonly address: PlainAddress };
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
  /** Asked for by VNC authentication; without one, the server asks for none. */
  readonly password?: string;
}

/** An RFB server that then does with each viewer what the test says. */
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

function* serverHandshake(socket: Socket, { version = "3.8", password }: RfbUpstreamOptions): Sequence<void> {
  const send = (bytes: Uint8Array) => socket.write(bytes);
  send(encodeVersion(version));
  const spoken = yield* readVersion();
  if (password === undefined) yield* acceptViewer(spoken, send);
  else yield* authenticate(socket, spoken, password);
  send(encodeServerInit({ width: 640, height: 480, pixelFormat: PIXEL_FORMAT, name: "QEMU (guest)" }));
}

/** RFC 6143 §7.1.2, §7.2.2 and §7.1.3 as a server with a password. Who does not know it is hung up on. */
function* authenticate(socket: Socket, version: RfbVersion, password: string): Sequence<void> {
  const type = SECURITY_TYPE.vncAuthentication;
  socket.write(version === "3.3" ? new ByteWriter().u32(type).finish() : Uint8Array.of(1, type));
  if (version !== "3.3") yield { bytes: 1 }; // security-type
  const challenge = randomBytes(CHALLENGE_BYTES);
  socket.write(challenge);
  const response = yield { bytes: CHALLENGE_BYTES };
  const knows = encryptDes(vncAuthenticationKey(password), challenge);
  if (Buffer.compare(response, knows) === 0) socket.write(new ByteWriter().u32(SECURITY_RESULT.ok).finish());
  else socket.end(passwordNotAccepted(version));
  yield { bytes: 1 }; // shared-flag
}

/** Only 3.8 gives a reason. */
function passwordNotAccepted(version: RfbVersion): Uint8Array {
  const failed = new ByteWriter().u32(SECURITY_RESULT.failed);
  return (version === "3.8" ? failed.bytes(encodeReason("password not accepted")) : failed).finish();
}
