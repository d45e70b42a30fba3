import { Type } from "typebox";

/** What it takes to get to a console, in this order; without TLS, without that. */
const UPSTREAM_STEPS = ["resolve", "connect", "tls", "handshake", "authentication"] as const;
export type UpstreamStep = (typeof UPSTREAM_STEPS)[number];
export const UpstreamStep = Type.Enum([...UPSTREAM_STEPS], {
  description: "Where it failed on its way to the console",
});

/** The same in an error's detail, where the code leaves open in which step it was. */
export const STEP_DETAILS: Readonly<Record<UpstreamStep, string>> = {
  resolve: "while its name was being resolved",
  connect: "while connecting",
  tls: "while agreeing on TLS",
  handshake: "in RFB's handshake",
  authentication: "while signing in",
};
