import { Check } from "typebox/value";
import { connectTo, hostOf } from "#base/process/probe/connection.ts";
import { ask } from "#base/process/probe/exchange.ts";
import type { ProbeOptions } from "#base/process/probe/probe-entrance.ts";
import { ProbeFailure } from "#base/process/probe/probe-failure.ts";
import { type CheckName, forwardingFinding, NODE_SPEECH, type Seen, SeenRequest } from "#wire/self-check.ts";

/** What the node makes of a request from here: whose it takes it for, and what proxies on the way say. */
export async function forwardingLine(
  { pageOrigin, token }: { readonly pageOrigin: string; readonly token: string },
  { resolve, trust, signal, stepMs }: Pick<ProbeOptions, "resolve" | "trust" | "signal" | "stepMs">,
): Promise<Seen<CheckName>> {
  const url = new URL(NODE_SPEECH.seenPath, pageOrigin);
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
    const seen = parsed(body);
    if (status !== 200 || seen === undefined) return line("forwarding_unknown", { status: String(status) });
    return line(forwardingFinding(seen, pageOrigin), { "sees you at": seen.address, from: seen.peer });
  } catch (error) {
    if (!(error instanceof ProbeFailure)) throw error;
    return line("forwarding_unknown", error.facts);
  }
}

function parsed(body: string): SeenRequest | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return Check(SeenRequest, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
