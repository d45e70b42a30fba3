import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

/** Who calls, and where. */
export interface CloudStackCaller {
  readonly control: string;
  readonly apiKey: string;
  readonly secretKey: string;
}

interface CloudStackAnswer {
  readonly status: number;
  /** The body below its one key, which is the command's name in lower case and "response". */
  readonly response: Readonly<Record<string, unknown>>;
}

/** What createConsoleEndpoint answers below `consoleendpoint`. */
export interface ConsoleEndpoint {
  readonly success: boolean;
  readonly details?: string;
  readonly url: string;
  readonly websocket: {
    readonly host: string;
    readonly port: string;
    readonly path: string;
    readonly token: string;
    readonly extra?: string;
  };
}

/**
 * A signed call as CloudStack's clients make it (documentation: "CloudStack API, Request Signing"). Written from
 * that description, not from our own code, so that both sides cannot be wrong together.
 */
async function callCloudStack(
  caller: CloudStackCaller,
  command: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<CloudStackAnswer> {
  const all = { command, response: "json", apikey: caller.apiKey, ...parameters };
  const query = new URLSearchParams({ ...all, signature: sign(all, caller.secretKey) });
  const answer = await fetch(`${caller.control}/client/api`, { method: "POST", body: query });
  const body: Record<string, Record<string, unknown>> = JSON.parse(await answer.text());
  const [response = {}] = Object.values(body);
  return { status: answer.status, response };
}

/** Sorted by name, encoded with %20 for a space, in lower case: HMAC-SHA1 of that, in base64. */
function sign(parameters: Readonly<Record<string, string>>, secretKey: string): string {
  const text = Object.entries(parameters)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&")
    .toLowerCase();
  return createHmac("sha1", secretKey).update(text).digest("base64");
}

/** Asks for a console of a machine. */
export async function createConsoleEndpoint(
  caller: CloudStackCaller,
  machineId: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<ConsoleEndpoint> {
  const { response } = await callCloudStack(caller, "createConsoleEndpoint", {
    virtualmachineid: machineId,
    ...parameters,
  });
  const endpoint = response["consoleendpoint"] as ConsoleEndpoint | undefined;
  assert.equal(endpoint?.success, true, JSON.stringify(response));
  return endpoint;
}
