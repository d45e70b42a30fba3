import type { Server } from "node:http";

/** What both of control's listeners take of a peer before its request is whole. Options of a node:http server. */
export const arrivalLimits = {
  /** Headers must have arrived by then, from the connection's or the last answer's end. */
  headersTimeout: 10_000,
  /** So must a whole request, whose body is small. */
  requestTimeout: 15_000,
  /** How often the two above are looked at, so that they are late by no more than this. */
  connectionsCheckingInterval: 2_000,
} as const;

/**
 * Beyond so many connections the listener closes new ones at once: each takes a descriptor and some tens of
 * kilobytes, and whoever opens them by the thousand must not take control from the others.
 */
export function boundConnections(server: Pick<Server, "maxConnections">, connections: number): void {
  server.maxConnections = connections;
}
