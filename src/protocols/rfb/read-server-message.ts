import { ProtocolError } from "#base/protocol-error.ts";
import type { Sequence } from "#base/sequence.ts";
import { readCutText } from "./cut-text.ts";
import { type Rectangle, readFramebufferUpdate } from "./framebuffer-update.ts";
import { SERVER_MESSAGE } from "./messages.ts";

/** What a server says to a viewer that asked for no encodings but Raw and CopyRect, in true colour. */
export type ServerMessage =
  | { readonly type: "framebuffer-update"; readonly rectangles: readonly Rectangle[] }
  | { readonly type: "bell" }
  | { readonly type: "server-cut-text"; readonly text: string };

/** RFC 6143 §7.6, as a viewer reads it: one message. Throws a ProtocolError for any other. */
export function* readServerMessage(bytesPerPixel: number): Sequence<ServerMessage> {
  const [type] = yield { bytes: 1 };
  switch (type) {
    case SERVER_MESSAGE.framebufferUpdate:
      return { type: "framebuffer-update", rectangles: yield* readFramebufferUpdate(bytesPerPixel) };
    case SERVER_MESSAGE.bell:
      return { type: "bell" };
    case SERVER_MESSAGE.serverCutText:
      return { type: "server-cut-text", text: yield* readCutText() };
    default:
      throw new ProtocolError("unknown server message", type);
  }
}
