import { type RemoteDomain, readDomain } from "./domain.ts";
import { XdrReader } from "./xdr.ts";

/** libvirt: virDomainEventType. */
const LIFECYCLE_EVENTS = [
  "defined",
  "undefined",
  "started",
  "suspended",
  "resumed",
  "stopped",
  "shutdown",
  "suspended-by-guest",
  "crashed",
] as const;

/** That something became of a domain. */
export interface Lifecycle {
  readonly domain: RemoteDomain;
  /** "other" is what a newer libvirt knows. */
  readonly event: (typeof LIFECYCLE_EVENTS)[number] | "other";
}

/** REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE: libvirt sends it unasked, once the callback is registered. */
export const LIFECYCLE_PROCEDURE = 318;

export function readLifecycle(body: Uint8Array): Lifecycle {
  const reader = new XdrReader(body);
  reader.int();
  const domain = readDomain(reader);
  const event = LIFECYCLE_EVENTS[reader.int()] ?? "other";
  reader.int();
  reader.end();
  return { domain, event };
}
