import type { HypervisorStep } from "./hypervisors.ts";

/** What to look at first where the way to a hypervisor failed at a step: a whole sentence for whoever runs control. */
export const STEP_REMEDIES: Readonly<Record<HypervisorStep, string>> = {
  command: "Look whether the executable is in control’s --command-drivers, and what it writes.",
  dns: "Look whether the name is spelled right, and what the name server says.",
  tcp: "Look whether it is on, and whether a firewall stands in between.",
  socket: "Look whether libvirt runs, and whether control’s user may use its socket.",
  tls: "Look whether its certificate is of the authority that is on record, and for the address’s host.",
  "host-key": "Look whether the host keys that are on record are still its own.",
  credentials: "Look whether it takes the certificate or key that control shows.",
  answer: "Look into its own log: it was reached, and did not answer rightly.",
  rights: "Look what control’s account may do there.",
};
