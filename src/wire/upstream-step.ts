import { Type } from "typebox";

/** What it takes to get to a console, in this order; without TLS, without that. */
const UPSTREAM_STEPS = ["resolve", "connect", "tls", "handshake", "authentication"] as const;
export type UpstreamStep = (typeof UPSTREAM_STEPS)[number];
export const UpstreamStep = Type.Enum([...UPSTREAM_STEPS], {
  description: "Where it failed on its way to the console",
});
