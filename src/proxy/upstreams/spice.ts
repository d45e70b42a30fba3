import { ProtocolError } from "#base/protocol-error.ts";
import { SPICE_CHANNEL, type SpiceLink, spiceLink, spiceReply } from "#protocols/spice/link.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { ALL_RIGHTS, type Rights } from "#wire/rights.ts";
import type { UpstreamStep } from "#wire/upstream-step.ts";
import { converse } from "../console/converse.ts";
import type { OpenConsole, OpeningParts } from "../console/opening.ts";
import type { ViewerFilter } from "../console/relay.ts";
import { viewerStep } from "../console/viewer-step.ts";
import { DeadlineError, withDeadline } from "../deadline.ts";
import { failedAt } from "../upstream-step.ts";

/**
 * Opens a console of SPICE for a viewer that brings its own: the bytes of both pass as they are, sign-in included, as at
 * nova-spicehtml5proxy. The session's other channels come as connections of their own (proxy/spice/channels.ts). INVARIANT: whoever may
 * not do everything gets nothing, since what is not read cannot be refused. Throws a GatewayError.
 */
export async function openSpice(parts: OpeningParts): Promise<OpenConsole> {
  if (!mayEverything(parts.grant.rights))
    throw new GatewayError("forbidden", { detail: "SPICE is passed through unread" });
  if (!parts.viewer.isBare)
    throw new GatewayError("nova_console_unfit", {
      detail: "it is one of SPICE, for a page that brings a viewer of it, such as spice-html5",
    });
  return await openSpiceChannel(parts);
}

type ChannelParts = Pick<OpeningParts, "connect" | "onStage" | "deadlines" | "signal"> & {
  readonly viewer: Pick<OpeningParts["viewer"], "conversation">;
};

/**
 * Opens one channel: hears what the viewer asks for, has `check` judge it, and hands it on. It is open once what answers is known to be a
 * SPICE server. Throws a GatewayError.
 */
export async function openSpiceChannel(
  parts: ChannelParts,
  check: (link: SpiceLink) => void = () => {},
): Promise<OpenConsole> {
  const link = await viewerStep(parts, spiceLink);
  check(link);
  parts.onStage("dialling");
  const { upstream, said } = await dial(parts, link);
  try {
    parts.viewer.conversation.requirePeer();
  } catch (error) {
    upstream.socket.destroy();
    throw error;
  }
  parts.onStage("attaching");
  return { upstream, toViewer: said, filter: (forward) => new PassedThrough(link, forward) };
}

async function dial(
  { connect, deadlines: { upstreamMs }, signal }: ChannelParts,
  link: SpiceLink,
): Promise<{ readonly upstream: OpenConsole["upstream"]; readonly said: readonly Uint8Array[] }> {
  let step: UpstreamStep = "resolve";
  const onStep = (now: UpstreamStep) => {
    step = now;
  };
  try {
    return await withDeadline(upstreamMs, signal, async (inTime) => {
      const upstream = await connect({ signal: inTime, onStep });
      onStep("handshake");
      upstream.socket.write(link.bytes);
      const { result, rest } = await converse(upstream, { upstreamMs, signal: inTime }, spiceReply);
      return { upstream, said: [result, ...rest] };
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw failedAt(step, failure(error));
  }
}

function failure(error: unknown): GatewayError {
  if (error instanceof DeadlineError) return new GatewayError("upstream_timeout", { cause: error });
  if (error instanceof ProtocolError) return new GatewayError("upstream_not_spice", { cause: error });
  return toGatewayError(error);
}

function mayEverything(rights: Rights): boolean {
  return Object.keys(ALL_RIGHTS).every((right) => rights[right as keyof Rights]);
}

/** A person's doing is what goes over the channel of what is typed and pointed at; the others tell the server what was drawn. */
class PassedThrough implements ViewerFilter {
  readonly #isInputs: boolean;
  readonly #forward: (bytes: Uint8Array) => void;
  inputs = 0;

  constructor({ channelType }: SpiceLink, forward: (bytes: Uint8Array) => void) {
    this.#isInputs = channelType === SPICE_CHANNEL.inputs;
    this.#forward = forward;
  }

  push(bytes: Uint8Array): void {
    if (this.#isInputs) this.inputs += 1;
    this.#forward(bytes);
  }
}
