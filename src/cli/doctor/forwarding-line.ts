import { connectTo, hostOf } from "#base/process/probe/connection.ts";
import { ask } from "#base/process/probe/exchange.ts";
import type { ProbeOptions } from "#base/process/probe/probe-entrance.ts";
import { ProbeFailure } from "#base/process/probe/probe-failure.ts";
import {
  type CheckedEntrance,
  type CheckName,
  forwardingFinding,
  placesOf,
  type Seen,
  seenIn,
} from "#wire/self-check.ts";

/** What the node makes of a request from here: whose it takes it for, and what proxies on the way say. */
export async function forwardingLine(
  { token, ...entrance }: CheckedEntrance & { readonly token: string },
  { resolve, trust, signal, stepMs }: Pick<ProbeOptions, "resolve" | "trust" | "signal" | "stepMs">,
): Promise<Seen<CheckName>> {
  const { pageOrigin } = entrance;
  const url = placesOf(entrance).seen;
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(stepMs)]);
  const line = (finding: string, facts: Readonly<Record<string, string>> = {}): Seen<CheckName> => ({
    check: "client.forwarding",
    subject: pageOrigin,
    finding,
    facts,
  });
  try {
    const addresses = await resolve(hostOf(url), inTime);
    const connected = await connectTo({ url, addresses }, trust, inTime);
    const headers = { "content-type": "text/plain" };
    const { status, body } = await ask(url, connected, { signal: inTime, headers, body: token });
    const seen = seenIn(parsed(body));
    if (seen === undefined) return line("forwarding_unknown", { status: String(status) });
    if (typeof seen === "string") return line(seen);
    return line(forwardingFinding(seen, pageOrigin), { "sees you at": seen.address, from: seen.peer });
  } catch (error) {
    if (!(error instanceof ProbeFailure)) throw error;
    return line("forwarding_unknown", error.facts);
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
