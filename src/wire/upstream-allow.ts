import { contains, isSingle, isWithin, type Network, parseNetwork } from "./network.ts";
import { type ReservedKind, reservedNetworkOf } from "./reserved-network.ts";

/** A network, and the ports on it that may be dialled. */
interface NetworkRule {
  readonly kind: "network";
  readonly network: Network;
  readonly firstPort: number;
  readonly lastPort: number;
}

/** One UNIX socket, or everything below a folder: then `path` ends with a slash. */
interface PathRule {
  readonly kind: "path";
  readonly path: string;
}

/**
 * The setting `upstream.allow`: which addresses a console node may dial. Without rules: none. Control checks what
 * an operator writes, a node obeys it.
 */
export interface UpstreamAllow {
  readonly rules: readonly (NetworkRule | PathRule)[];
}

const limits = {
  /** More items than anybody writes by hand; each costs a comparison per console opened. */
  items: 256,
  /** The largest TCP port. */
  port: 65_535,
} as const;

/**
 * Reads a comma list of networks or addresses, with `:PORT` or `:FIRST-LAST` behind them where not every port is
 * meant (IPv6 then stands in brackets), and of `unix:/path` or `unix:/folder/*`, which means everything below it.
 * Throws an Error that names the item and what is wrong with it.
 */
export function parseUpstreamAllow(text: string): UpstreamAllow {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  if (items.length > limits.items) throw new Error(`more than ${limits.items} items`);
  return { rules: items.map(parseItem) };
}

/** What is to be said of an address: it may be dialled; it is in none of the networks; or it is, and is reserved. */
export type AddressJudgement = "allowed" | "outside" | ReservedKind;

/**
 * Whether a node may dial this numeric address. Names are never judged: they are resolved first, and the address
 * that was judged is the one that is dialled. An IPv4-mapped IPv6 address counts as the IPv4 address that it is. What is
 * reserved is allowed by a rule that means it, and not by one that is merely wide: 127.0.0.0/8 does, 0.0.0.0/0 does not.
 */
export function judgeAddress(allow: UpstreamAllow, address: string, port: number): AddressJudgement {
  const rules = rulesFor(allow, address, port);
  if (rules.length === 0) return "outside";
  const reserved = reservedNetworkOf(address);
  if (reserved === undefined || rules.some(({ network }) => isWithin(network, reserved.network)))
    return "allowed";
  return reserved.kind;
}

/** Whether a rule means this address and this port and nothing else. */
export function namesAddress(allow: UpstreamAllow, address: string, port: number): boolean {
  return rulesFor(allow, address, port).some(
    ({ network, firstPort, lastPort }) => isSingle(network) && firstPort === lastPort,
  );
}

function rulesFor({ rules }: UpstreamAllow, address: string, port: number): readonly NetworkRule[] {
  return rules
    .filter((rule) => rule.kind === "network")
    .filter(({ firstPort, lastPort }) => firstPort <= port && port <= lastPort)
    .filter(({ network }) => contains(network, address));
}

/** Whether a node may dial this UNIX socket. `path` is what is left after every symbolic link was followed. */
export function allowsPath({ rules }: UpstreamAllow, path: string): boolean {
  if (pathProblem(path) !== undefined) return false;
  return rules.some(
    (rule) =>
      rule.kind === "path" && (rule.path.endsWith("/") ? path.startsWith(rule.path) : path === rule.path),
  );
}

function parseItem(item: string): NetworkRule | PathRule {
  try {
    return item.startsWith("unix:") ? parsePath(item.slice("unix:".length)) : parseNetworkRule(item);
  } catch (cause) {
    throw new Error(`“${item}”: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function parsePath(pattern: string): PathRule {
  const path = pattern.endsWith("/*") ? pattern.slice(0, -1) : pattern;
  const problem = pathProblem(path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path);
  if (problem !== undefined) throw new Error(problem);
  if (path.includes("*")) throw new Error("a * stands only at the end, after a slash: unix:/folder/*");
  if (path.endsWith("/") && path === pattern)
    throw new Error("a folder ends with /*, a socket with its name");
  return { kind: "path", path };
}

function pathProblem(path: string): string | undefined {
  if (!path.startsWith("/")) return "a path begins with a slash";
  if (path.includes("\0")) return "a path has no NUL";
  const segments = path.slice(1).split("/");
  if (path.length > 1 && segments.some((segment) => segment === "" || segment === "." || segment === ".."))
    return "a path has no empty, “.” or “..” parts";
  return undefined;
}

function parseNetworkRule(item: string): NetworkRule {
  const { network, ports } = splitPorts(item);
  const [firstPort, lastPort] = parsePorts(ports);
  return { kind: "network", network: parseNetwork(network), firstPort, lastPort };
}

/** More than one colon outside brackets is an IPv6 address, which without brackets has no port. */
function splitPorts(item: string): { network: string; ports: string | undefined } {
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/.exec(item);
  if (bracketed !== null) return { network: bracketed[1] ?? "", ports: bracketed[2] };
  if (item.split(":").length > 2) return { network: item, ports: undefined };
  const [network = "", ports] = item.split(":");
  return { network, ports };
}

function parsePorts(ports: string | undefined): [number, number] {
  if (ports === undefined) return [1, limits.port];
  const [first = "", last = first, ...more] = ports.split("-");
  const firstPort = parseNumber(first, limits.port);
  const lastPort = parseNumber(last, limits.port);
  if (!firstPort || !lastPort || more.length > 0)
    throw new Error(`the port must be PORT or FIRST-LAST, from 1 to ${limits.port}`);
  if (firstPort > lastPort) throw new Error("the first port is larger than the last");
  return [firstPort, lastPort];
}

function parseNumber(text: string, maximum: number): number | undefined {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return number <= maximum ? number : undefined;
}
