import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { fromGranted, type Upstream } from "#wire/grant.ts";
import type { SerialViewerMessage } from "#wire/serial.ts";
import { serialLimits } from "#wire/serial.ts";
import type { UpstreamStep } from "#wire/upstream-step.ts";
import type { OpenConsole, OpeningParts } from "../console/opening.ts";
import type { ViewerFilter } from "../console/relay.ts";
import { UpstreamLeg } from "../console/upstream-leg.ts";
import { DeadlineError } from "../deadline.ts";
import type { LineOptions } from "../serial/line.ts";
import { failedAt } from "../upstream-step.ts";

/**
 * Opens a serial line, or joins those who have it open on this node: it bears one connection. Nobody signs in to a line, and there is no
 * handshake with its viewers: the first byte is the machine's. Throws a GatewayError.
 */
export async function openSerial(parts: OpeningParts): Promise<OpenConsole> {
  const { grant, viewer, connect, onStage, lines, deadlines, signal } = parts;
  const upstream = fromGranted(grant.upstream);
  let step: UpstreamStep = "resolve";
  onStage("dialling");
  const joining = {
    connect: (connecting: Parameters<typeof connect>[0]) =>
      connect({
        ...connecting,
        onStep: (reached) => {
          step = reached;
        },
      }),
    speaks: spokenAt(upstream),
    meantBySilence: upstream.address.kind === "http-connect" ? NOTHING_BEHIND : undefined,
    upstreamMs: deadlines.upstreamMs,
    signal,
  } as const;
  const { line, tap } = await lines.join(grant.machine.id, joining).catch((error: unknown) => {
    throw signal.aborted ? signal.reason : failure(error, step);
  });
  onStage("attaching");
  const mayWrite = grant.rights.input;
  let hear: ((message: SerialViewerMessage) => void) | undefined;
  return {
    upstream: UpstreamLeg.over(tap),
    toViewer: [],
    filter: (forward) => new SerialFilter(mayWrite, forward),
    unacknowledgedBytes: serialLimits.unacknowledgedBytes,
    serial: { takesBreak: line.takesBreak, takesSize: line.takesSize },
    onAttached: () => {
      const tell = viewer.tell;
      hear = line.enter(tap, { name: grant.account, mayWrite, isBare: viewer.isBare, tell });
    },
    hear: (message) => hear?.(message),
  };
}

function spokenAt({ address, telnet }: Pick<Upstream, "address" | "telnet">): LineOptions["speaks"] {
  if (address.kind === "websocket" && address.termproxy !== undefined) return "termproxy";
  return telnet === true ? "telnet" : "bytes";
}

/** XAPI has answered 200 before it looks for what is behind. */
const NOTHING_BEHIND =
  "it opened the line and closed it without a word: there is nothing behind the machine's console";

/** A line's bytes have no messages: whoever may type sends them all. */
class SerialFilter implements ViewerFilter {
  readonly #mayWrite: boolean;
  readonly #forward: (bytes: Uint8Array) => void;
  #inputs = 0;

  constructor(mayWrite: boolean, forward: (bytes: Uint8Array) => void) {
    this.#mayWrite = mayWrite;
    this.#forward = forward;
  }

  get inputs(): number {
    return this.#inputs;
  }

  push(bytes: Uint8Array): void {
    if (!this.#mayWrite || bytes.length === 0) return;
    this.#inputs += 1;
    this.#forward(bytes);
  }
}

const NOT_OF_THE_WAY: ReadonlySet<ErrorCode> = new Set(["line_full"]);

function failure(error: unknown, step: UpstreamStep): GatewayError {
  if (error instanceof DeadlineError)
    return failedAt(step, new GatewayError("upstream_timeout", { cause: error }));
  const known = toGatewayError(error);
  return NOT_OF_THE_WAY.has(known.code) ? known : failedAt(step, known);
}
