import type { Duplex } from "node:stream";
import { termproxyAnswer, termproxyLogin } from "#protocols/serial/termproxy.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { answered } from "./answered.ts";

/** It says nothing to whom it does not take, and so not why. */
const NOT_TAKEN =
  "it hung up before it had let us in: Proxmox VE takes API tokens for serial lines from qemu-server 9.1.7 on, and no ticket twice or late";

/**
 * Signs in at Proxmox VE's termproxy, over a connection to it, which is paused at the line's first byte then. Throws a GatewayError, or the
 * signal's reason.
 */
export async function enterTermproxy(
  stream: Duplex,
  { login, signal }: { readonly login: string; readonly signal: AbortSignal },
): Promise<void> {
  stream.write(termproxyLogin(login));
  const isWrong = (cause: Error) => new GatewayError("upstream_refused", { cause, detail: cause.message });
  try {
    await answered(stream, { answer: termproxyAnswer(), isWrong, signal });
  } catch (error) {
    const isHungUp = error instanceof GatewayError && HUNG_UP.has(error.code);
    throw isHungUp ? new GatewayError("upstream_ticket_refused", { cause: error, detail: NOT_TAKEN }) : error;
  }
}

const HUNG_UP: ReadonlySet<string> = new Set(["upstream_closed", "upstream_lost"]);
