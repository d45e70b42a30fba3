import type { HostPort } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import type { GatewayError } from "#wire/gateway-error.ts";
import type { Deadlines } from "../deadlines.ts";
import type { LinkCredentials } from "../link/link-client.ts";
import type { NodeLink } from "../link/node-link.ts";
import { hopCredentials } from "./credentials.ts";
import { ForwardListener } from "./forward-listener.ts";
import { Forwarder } from "./forwarder.ts";
import { Peers } from "./peers.ts";

export interface ForwardingOptions {
  readonly listen: HostPort;
  readonly identity: LinkCredentials;
  readonly log: Log;
  readonly deadlines: Deadlines;
  readonly maxSessions: number;
  /** Why nothing more is handed on to others, if so. */
  readonly refusal: () => GatewayError | undefined;
  /** Asked for when it is needed: the link is told first where this listens. */
  readonly link: () => NodeLink;
}

/** Both halves of "any node is an entrance": what is handed on to other nodes, and what they hand on to this one. */
export async function openForwarding({
  listen,
  identity,
  log,
  deadlines,
  maxSessions,
  refusal,
  link,
}: ForwardingOptions) {
  const credentials = hopCredentials(identity);
  const peers = new Peers({
    known: () => link().settings?.peers ?? new Map(),
    refresh: async () => await link().refreshPeers(),
  });
  const listener = await ForwardListener.open({
    address: listen,
    credentials,
    maxSessions,
    forwardMs: deadlines.forwardMs,
    log,
    isPeer: async (nodeId) => (await peers.find(nodeId)) !== undefined,
  });
  const forwarder = new Forwarder({
    log,
    credentials,
    peers,
    deadlines,
    maximum: maxSessions,
    refusal,
    nodeId: () => link().registered?.nodeId,
  });
  return {
    address: listener.address,
    addressee: forwarder.addressee.bind(forwarder),
    upgrade: forwarder.upgrade.bind(forwarder),
    request: forwarder.request.bind(forwarder),
    serve: listener.serve.bind(listener),
    /** What passes through this node on its way to others. */
    passing: forwarder as Pick<Forwarder, "size" | "untilEmpty">,
    /** The node's certificate was renewed. */
    renew(renewed: LinkCredentials) {
      credentials.replace(renewed);
      listener.renew();
    },
    /** Cuts what was handed on, and takes nothing more; what was handed on to this node ends with its sessions. */
    stop() {
      forwarder.stop();
      listener.stopListening();
    },
    /** After `stop`: resolves when nothing is open any more. */
    closed: listener.closed.bind(listener),
  };
}
