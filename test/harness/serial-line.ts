import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { ConsoleOptions } from "./console-options.ts";
import { eventually } from "./eventually.ts";
import type { TestNode } from "./test-node.ts";
import { type Caller, startUpstream, type TestUpstream } from "./test-upstream.ts";
import { TestViewer, webSocketUrl } from "./test-viewer.ts";

/** A machine's serial line, and viewers of it at one node. */
export interface SerialLine extends AsyncDisposable {
  readonly upstream: TestUpstream;
  /** Waits for the node to call. */
  caller(): Promise<Caller>;
  open(options?: ConsoleOptions): Promise<TestViewer>;
  openBare(protocols: readonly string[], options?: ConsoleOptions): Promise<TestViewer>;
}

interface SerialLineOptions {
  readonly telnet?: true;
  /** What it does with each connection; it keeps what is typed if absent. */
  readonly serve?: (caller: Caller) => void;
}

/** A server that takes one line. */
export async function startSerialLine(
  node: TestNode,
  { telnet, serve = keepWhatIsSaid }: SerialLineOptions = {},
): Promise<SerialLine> {
  const upstream = await startUpstream(serve);
  const machineId = randomUUID();
  const issue = async (options: ConsoleOptions) =>
    await node.control.issue({
      protocol: "serial",
      machineId,
      upstream: { ...upstream.upstream, ...(telnet === undefined ? {} : { telnet }) },
      ...options,
    });
  return {
    upstream,
    caller: upstream.caller,
    open: async (options = {}) => await TestViewer.porthole(node.origin, (await issue(options)).ticket),
    openBare: async (protocols, options = {}) => {
      const url = `${webSocketUrl(node.origin)}/?token=${(await issue(options)).ticket}`;
      return await TestViewer.connect(url, { protocols });
    },
    [Symbol.asyncDispose]: async () => await upstream[Symbol.asyncDispose](),
  };
}

export function keepWhatIsSaid({ socket, said }: Caller): void {
  socket.on("data", (chunk) => said.push(chunk));
}

/** All that was typed into it so far. */
export function saidTo({ said }: Caller): string {
  return Buffer.concat(said).toString("latin1");
}

/** A number that does not change any more, and is one by then. */
export async function steady(read: () => number): Promise<number> {
  let last = -1;
  let since = 0;
  return await eventually(() => {
    const now = read();
    since = now === last ? since + 1 : 0;
    last = now;
    assert.ok(since > 20 && now > 0, `${now}`);
    return now;
  });
}
