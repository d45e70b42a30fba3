import assert from "node:assert/strict";
import type { ErrorCode } from "#wire/errors.ts";
import type { Upstream } from "#wire/grant.ts";
import { eventually } from "./eventually.ts";
import type { TestNode } from "./test-node.ts";
import { TestViewer } from "./test-viewer.ts";

/** Opens a console through a node, and asks for its picture; resolves to why it did not open, if it did not. */
export async function openThrough(node: TestNode, upstream: Upstream): Promise<ErrorCode | "open"> {
  const { ticket, sessionId } = await node.control.issue({ upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  try {
    const { width } = await viewer.handshake();
    assert.ok(width > 0);
    // RFC 6143 §7.5.3: what is asked for and what is answered goes through whatever was agreed on.
    viewer.send(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 16, 0, 1));
    await eventually(() => assert.equal(viewer.bytes[0], 0, "a picture"));
    return "open";
  } catch (error) {
    return await eventually(() => {
      const ending = node.control.endingOf(sessionId)?.ending;
      assert.ok(ending !== undefined, String(error));
      return ending.code as ErrorCode;
    });
  }
}
