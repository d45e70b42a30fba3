import { ProtocolError } from "#base/protocol-error.ts";
import type { Sequence } from "#base/sequence.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { OpeningParts } from "./opening.ts";

/** Runs one sequence with the viewer. Throws `viewer_timeout`, `viewer_protocol_error`, or why the viewer is gone. */
export async function viewerStep<Result>(
  {
    viewer,
    deadlines,
  }: { readonly viewer: Pick<OpeningParts["viewer"], "conversation"> } & Pick<OpeningParts, "deadlines">,
  start: () => Sequence<Result>,
): Promise<Result> {
  try {
    return await viewer.conversation.run(start, {
      deadlineMs: deadlines.viewerHandshakeMs,
      late: () => new GatewayError("viewer_timeout"),
    });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new GatewayError("viewer_protocol_error", { cause: error, detail: error.message });
  }
}
