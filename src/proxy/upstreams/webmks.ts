import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { fromGranted, type Upstream } from "#wire/grant.ts";
import { ALL_RIGHTS, type Rights } from "#wire/rights.ts";
import type { UpstreamStep } from "#wire/upstream-step.ts";
import type { OpenConsole, OpeningParts } from "../console/opening.ts";
import type { ViewerFilter } from "../console/relay.ts";
import type { UpstreamLeg } from "../console/upstream-leg.ts";
import { DeadlineError, withDeadline } from "../deadline.ts";
import { failedAt } from "../upstream-step.ts";

/**
 * Opens a console of WebMKS for a viewer that brings VMware's own library: the bytes of both pass as they are, handshake included, for
 * nobody but VMware knows all that is said there. INVARIANT: whoever may not do everything gets nothing, since what is not read cannot be
 * refused. Throws a GatewayError.
 */
export async function openWebMks(parts: OpeningParts): Promise<OpenConsole> {
  const { grant, onStage } = parts;
  if (!mayEverything(grant.rights))
    throw new GatewayError("forbidden", { detail: "WebMKS is passed through unread" });
  // By VNC there is a password to be said, which the viewer is not to know.
  if (!WAYS.has(fromGranted(grant.upstream).address.kind))
    throw new GatewayError("upstream_refused", { detail: "the console is not one of WebMKS" });
  onStage("dialling");
  const upstream = await dial(parts);
  onStage("attaching");
  return { upstream, toViewer: [], filter: (forward) => new PassedThrough(forward) };
}

/** Of a vCenter's machines, and of those of a Nova. */
const WAYS: ReadonlySet<Upstream["address"]["kind"]> = new Set(["websocket", "authd"]);

function mayEverything(rights: Rights): boolean {
  return Object.keys(ALL_RIGHTS).every((right) => rights[right as keyof Rights]);
}

async function dial({ connect, deadlines: { upstreamMs }, signal }: OpeningParts): Promise<UpstreamLeg> {
  let step: UpstreamStep = "resolve";
  const onStep = (now: UpstreamStep) => {
    step = now;
  };
  try {
    return await withDeadline(
      upstreamMs,
      signal,
      async (inTime) => await connect({ signal: inTime, onStep }),
    );
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const late = error instanceof DeadlineError ? "upstream_timeout" : undefined;
    throw failedAt(
      step,
      late === undefined ? toGatewayError(error) : new GatewayError(late, { cause: error }),
    );
  }
}

/** What of it a person has caused nobody knows, so all of it counts: such a console is never idle while its viewer is there. */
class PassedThrough implements ViewerFilter {
  readonly #forward: (bytes: Uint8Array) => void;
  inputs = 0;

  constructor(forward: (bytes: Uint8Array) => void) {
    this.#forward = forward;
  }

  push(bytes: Uint8Array): void {
    this.inputs += 1;
    this.#forward(bytes);
  }
}
