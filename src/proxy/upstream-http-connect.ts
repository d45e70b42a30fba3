import type { Duplex } from "node:stream";
import { formatHostPort } from "#base/config.ts";
import type { ProtocolError } from "#base/protocol-error.ts";
import { connectAnswer } from "#protocols/connect-answer.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import { answered } from "./answered.ts";
import { ignoreError } from "./ignore-error.ts";

type HttpConnectAddress = Extract<Upstream["address"], { kind: "http-connect" }>;

/**
 * Asks a hypervisor for a console by CONNECT, over a connection on which it is known who is there. The stream is the same, paused at the
 * console's first byte. Throws a GatewayError that says what was answered, or the signal's reason.
 */
export async function overHttpConnect<Connection extends Duplex>(
  socket: Connection,
  { address, signal }: { readonly address: HttpConnectAddress; readonly signal: AbortSignal },
): Promise<Connection> {
  socket.write(request(address));
  const { status, reason } = await answered(socket, {
    answer: connectAnswer(),
    isWrong: wrongAnswer,
    signal,
  });
  if (status === 200) return socket;
  socket.on("error", ignoreError).destroy();
  throw refusal(status, reason);
}

/** In one piece. HTTP/1.0, as XAPI's own client has it: nothing of 1.1 is meant by it. */
function request(address: HttpConnectAddress): string {
  const headers = Object.entries({ Host: formatHostPort(address), ...address.headers });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return `CONNECT ${address.path} HTTP/1.0\r\n${lines.join("")}\r\n`;
}

function wrongAnswer(cause: ProtocolError): GatewayError {
  return new GatewayError("upstream_refused", { cause, detail: cause.message });
}

const ANSWERS: Readonly<Record<number, { readonly code: ErrorCode; readonly detail: string }>> = {
  401: { code: "upstream_refused", detail: "it does not take the session that was opened for this console" },
  403: {
    code: "upstream_refused",
    detail: "the account by which it is asked may not open this console",
  },
  404: { code: "upstream_refused", detail: "there is nothing behind the machine's console" },
  500: {
    code: "upstream_refused",
    detail: "the machine does not run there any more: it was stopped, or moved to another host, just now",
  },
};

/** Of a session that could not be opened, in words. What else it says is its own affair, and not quoted: it has names of people in it. */
function refusal(status: number, reason: string): GatewayError {
  if (status === 503 && /limit/i.test(reason)) return new GatewayError("upstream_consoles_exhausted");
  const { code, detail } = ANSWERS[status] ?? {
    code: "upstream_refused" as const,
    detail: "it did not open the console",
  };
  return new GatewayError(code, { detail: `${detail} (HTTP status ${status})` });
}
