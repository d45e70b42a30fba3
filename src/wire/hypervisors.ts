/**
 * On the way to a hypervisor, in the order in which they are taken; no way has all of them. Whatever fails says at which
 * it did.
 */
const HYPERVISOR_STEPS = [
  "dns",
  "tcp",
  "socket",
  "tls",
  "host-key",
  "credentials",
  "answer",
  "rights",
] as const;
export type HypervisorStep = (typeof HYPERVISOR_STEPS)[number];
