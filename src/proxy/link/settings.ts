import { type HostPort, hostPort, origin } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import type { NodeSettings } from "#wire/link.ts";
import { isPublicPath } from "#wire/public-path.ts";
import { parseUpstreamAllow, type UpstreamAllow } from "#wire/upstream-allow.ts";
import type { OwnOrigins } from "../http/origin.ts";

/** The installation's settings in the form in which the node uses them. */
export interface Obeyed {
  readonly heartbeatIntervalMs: number;
  readonly upstreamAllow: UpstreamAllow;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly frameAncestors: readonly string[];
  /** Under which names browsers find this node, where they are not those that it knows by itself. */
  readonly found: OwnOrigins | undefined;
  /** Where it is by the address that control gave it, where it has none of its own. */
  readonly given: OwnOrigins | undefined;
  /** The same two while the node serves TLS. */
  readonly secure: { readonly found: OwnOrigins | undefined; readonly given: OwnOrigins | undefined };
  readonly entrances: readonly string[];
  /** Whether tickets are accepted while no control answers. */
  readonly acceptsOffline: boolean;
  /** After how long without a byte, and without input, a session is ended, in milliseconds; 0: never. */
  readonly sessionTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Where control itself listens. */
  readonly controlPorts: readonly number[];
  /** Of the account for which challenges of an authority are answered. */
  readonly acmeThumbprint: string | undefined;
  /** Whether control is asked about tokens of the Nova that it stands in front of. */
  readonly takesNovaTokens: boolean;
  /** The other nodes of the pool, and where each takes what is handed on to it. */
  readonly peers: ReadonlyMap<string, HostPort>;
}

/**
 * Takes control's settings over. Control checks them when they are set; a value that does not hold here (an older
 * control, a newer one) is left out, which allows less and never more.
 */
export function obey(settings: NodeSettings, log: Log): Obeyed {
  return {
    heartbeatIntervalMs: settings.heartbeatIntervalMs,
    upstreamAllow: allowed(settings.upstreamAllow, log),
    allowedOrigins: new Set(origins(settings.allowedOrigins, log)),
    frameAncestors: origins(settings.frameAncestors, log),
    found: foundAt(settings.found),
    given: foundAt(settings.given),
    secure: { found: foundAt(settings.secure?.found), given: foundAt(settings.secure?.given) },
    entrances: settings.entrances.filter((entrance) => isEntrance(entrance, log)),
    acceptsOffline: settings.acceptOffline === true,
    sessionTimeoutMs: settings.sessionTimeoutMs ?? 0,
    idleTimeoutMs: settings.idleTimeoutMs ?? 0,
    controlPorts: settings.controlPorts ?? [],
    acmeThumbprint: settings.acmeThumbprint,
    takesNovaTokens: settings.novaTokens === true,
    peers: new Map((settings.peers ?? []).flatMap((peer) => peerOf(peer, log))),
  };
}

function foundAt(found: NodeSettings["found"]): OwnOrigins | undefined {
  if (found === undefined || !isOrigin(found.pageOrigin) || !isOrigin(found.webSocketOrigin))
    return undefined;
  return found;
}

function peerOf(
  { nodeId, address }: { readonly nodeId: string; readonly address: string },
  log: Log,
): [string, HostPort][] {
  try {
    return [[nodeId, hostPort(address)]];
  } catch {
    log.warn({ nodeId, address }, "Another node's address cannot be read");
    return [];
  }
}

function allowed(text: string, log: Log): UpstreamAllow {
  try {
    return parseUpstreamAllow(text);
  } catch (error) {
    log.error({ error }, "The setting upstream.allow cannot be read, so no machine can be reached");
    return { rules: [] };
  }
}

/** They are put into headers, so only what is an origin and nothing else gets there. */
function origins(values: readonly string[], log: Log): string[] {
  return values.filter((value) => {
    const good = isOrigin(value);
    if (!good) log.warn({ value }, "A setting holds something that is not an origin");
    return good;
  });
}

/** An origin, with or without a path behind it. */
function isEntrance(value: string, log: Log): boolean {
  const at = value.indexOf("/", "https://".length);
  const path = at === -1 ? "" : value.slice(at);
  const good = isOrigin(at === -1 ? value : value.slice(0, at)) && (path === "" || isPublicPath(path));
  if (!good) log.warn({ value }, "Where another node is cannot be read");
  return good;
}

function isOrigin(value: string): boolean {
  try {
    return origin(value) === value;
  } catch {
    return false;
  }
}
