import { tmpdir } from "node:os";
import type { NodeSettings } from "#wire/link.ts";

/** What a node is told by a control that nobody has changed anything of, but that it may reach what tests start. */
export function nodeSettings(): NodeSettings {
  return {
    heartbeatIntervalMs: 60_000,
    upstreamAllow: `127.0.0.0/8,unix:${tmpdir()}/*`,
    allowedOrigins: ["https://portal.example.com"],
    frameAncestors: ["https://portal.example.com"],
    entrances: ["http://other-node.example.com"],
  };
}
