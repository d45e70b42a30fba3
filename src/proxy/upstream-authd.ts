import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Sequence } from "#base/sequence.ts";
import {
  AuthdError,
  type AuthdFailure,
  authdConnect,
  authdSignIn,
  authdWelcome,
} from "#protocols/mks/authd.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream, UpstreamTls } from "#wire/grant.ts";
import { answered } from "./answered.ts";
import type { Connecting } from "./console/opening.ts";
import { ignoreError } from "./ignore-error.ts";
import { LentSocket } from "./lent-socket.ts";
import { overTls } from "./upstream-tls.ts";

type AuthdAddress = Extract<Upstream["address"], { kind: "authd" }>;

/** As long as nova-mksproxy makes it. */
const NONCE_BYTES = 12;

/**
 * Gets from an ESXi host's authd to a machine's mks (protocols/mks/authd.ts), over a connection to that host. The stream that comes out is
 * paused at the mks's first byte; it takes the socket with it. INVARIANT: nobody is told the ticket, nor the nonce, whose certificate is
 * not the one that was named. Throws a GatewayError, or the signal's reason; the socket is gone then.
 */
export async function overAuthd(
  socket: Socket,
  options: Connecting & { readonly address: AuthdAddress; readonly tls: UpstreamTls },
): Promise<TLSSocket> {
  const { address, tls, signal, onStep } = options;
  await converse(socket, signal, () => authdWelcome());
  onStep?.("tls");
  const lent = new LentSocket(socket);
  const secured = await vouched(lent, tls, signal);
  secured.on("error", ignoreError);
  onStep?.("authentication");
  const send = (bytes: Uint8Array) => void secured.write(bytes);
  await converse(secured, signal, () => authdSignIn(address.ticket, send));
  const nonce = randomBytes(NONCE_BYTES).toString("base64");
  const thumbprint = await converse(secured, signal, () =>
    authdConnect({ nonce, cfgFile: address.cfgFile }, send),
  );
  onStep?.("tls");
  const pin = `${thumbprint.length === 40 ? "sha1" : "sha256"}:${thumbprint}`;
  const machine = await vouched(lent.takeBack(), { mode: "pin", pin }, signal);
  machine.on("error", ignoreError).write(nonce);
  return machine;
}

async function converse<Result>(
  stream: Duplex,
  signal: AbortSignal,
  start: () => Sequence<Result>,
): Promise<Result> {
  return await answered(stream, { answer: start(), isWrong: wrong, signal });
}

async function vouched(stream: Duplex, tls: UpstreamTls, signal: AbortSignal): Promise<TLSSocket> {
  try {
    return await overTls(stream, { tls, kind: "x509", signal });
  } catch (error) {
    throw error instanceof GatewayError && error.code === "upstream_certificate_changed"
      ? new GatewayError("upstream_certificate_unvouched", { cause: error.cause })
      : error;
  }
}

const CODES: Readonly<Record<AuthdFailure, ErrorCode>> = {
  "not-authd": "upstream_not_authd",
  "ticket-refused": "upstream_ticket_refused",
  refused: "upstream_refused",
};

function wrong(cause: Error): GatewayError {
  const code = cause instanceof AuthdError ? CODES[cause.kind] : "upstream_protocol_error";
  return new GatewayError(code, { cause, detail: cause.message });
}
