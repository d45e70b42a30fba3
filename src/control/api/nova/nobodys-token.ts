import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { FastifyRequest } from "fastify";
import type { Log } from "#base/process/log.ts";
import { isThisMachineAlone } from "#wire/reserved-network.ts";
import { authTokenOf } from "../auth-token.ts";

/** What keystoneauth's plugin `none` sends as its token. A page of some site could not: browsers ask before they send such a header. */
const NOTHING = "notused";

/** What proxies write into requests that they hand on, and browsers into those of their pages. OpenStack's clients send none of it. */
const OF_OTHERS = [
  ...["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"],
  ...["origin", "sec-fetch-site"],
] as const;

const OTHERS_MAY_READ_OR_WRITE = 0o006;

const limits = {
  /** Of the file; a key of ours with its secret has some 80. */
  bytes: 1024,
} as const;

/** By which token a client acts that has none; `undefined` where it may not act at all. */
export type NobodysToken = (request: FastifyRequest) => string | undefined;

/**
 * Reads the file anew each time, so that it may be written, changed and taken away while control runs. Why nobody is let in is told
 * to the log: of each request that others handed on, and of the file as often as something else is wrong with it.
 */
export function nobodysTokenOf(file: string, log: Log): NobodysToken {
  let told: string | undefined;
  return (request) => {
    const { id: reference } = request;
    const sign = signOfOthers(request);
    if (sign !== undefined) {
      log.info({ sign, reference }, "Refused without a token, since it was not sent by a client here");
      return undefined;
    }
    try {
      const keys = readKeys(file);
      told = undefined;
      log.info({ reference }, "Acts without a token, with the key of --nova-token-file");
      return keys;
    } catch (error) {
      const problem = String(error);
      if (problem !== told)
        log.warn({ error }, "Refused without a token, since --nova-token-file has no key");
      told = problem;
      return undefined;
    }
  };
}

/** What was sent, or what stands in for it. */
export function tokenOrNobodys(
  request: FastifyRequest,
  nobodys: NobodysToken | undefined,
): string | undefined {
  const sent = authTokenOf(request);
  return sent === NOTHING && nobodys !== undefined ? nobodys(request) : sent;
}

/**
 * By what a request shows that no client on this machine made it. What listens on loopback is reached from elsewhere through a proxy
 * that is here, or where the system was told to route such addresses (`route_localnet`).
 */
function signOfOthers({ socket, headers }: FastifyRequest): string | undefined {
  if (!isThisMachineAlone(socket.remoteAddress ?? "")) return "its address";
  return OF_OTHERS.find((name) => headers[name] !== undefined);
}

/**
 * Throws an Error in words for the operator, without what stands in the file. It has to hold an API key and nothing else, because what
 * is none of ours would be sent to the Keystone whose tokens are good here.
 */
function readKeys(file: string): string {
  // A pipe without a writer would be waited for, by all of control.
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) throw new Error(`${file} is not a file`);
    if ((found.mode & OTHERS_MAY_READ_OR_WRITE) !== 0)
      throw new Error(`${file} can be read or written by everybody: chmod 600 it`);
    const bytes = Buffer.alloc(limits.bytes + 1);
    const text = bytes.toString("utf8", 0, readSync(descriptor, bytes)).trim();
    if (text.length > limits.bytes || !/^[^\s:]+:\S+$/.test(text))
      throw new Error(`${file} does not hold API_KEY:SECRET_KEY, and nothing else`);
    return text;
  } finally {
    closeSync(descriptor);
  }
}
