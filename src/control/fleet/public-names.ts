import { isIP } from "node:net";
import { dashed } from "#dns/dashed-name.ts";

const limits = {
  /** RFC 1035 §2.3.4, as text. */
  nameCharacters: 253,
} as const;

/** Where browsers find a node. */
export interface Entrance {
  readonly pageOrigin: string;
  readonly webSocketOrigin: string;
  /** What a front proxy has put before its paths, such as `/console`. */
  readonly publicPath?: string;
  /** The domain that its certificate is for, which stays that of its links until it serves one for the next. */
  readonly certifiedDomain?: string;
}

/**
 * A node under the name that `consoleproxy.url.domain` gives it, if it is known by an address: of `*.example.com` it is
 * `203-0-113-7.example.com`, a plain name is the one name of all nodes. A node that has a name of its own keeps it.
 */
export function publicNames<Node extends Entrance>(node: Node, current: string): Node {
  const { pageOrigin, webSocketOrigin, certifiedDomain: domain = current } = node;
  if (domain === "") return node;
  return {
    ...node,
    pageOrigin: named(pageOrigin, domain),
    webSocketOrigin: named(webSocketOrigin, domain),
  };
}

function named(origin: string, domain: string): string {
  const url = new URL(origin);
  const address = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(address) === 0) return origin;
  url.hostname = domain.startsWith("*") ? dashed(address) + domain.slice(1) : domain;
  return url.origin;
}

/** What its pages' paths come behind. */
export function pageBase({ pageOrigin, publicPath = "" }: Entrance): string {
  return pageOrigin + publicPath;
}

/** The names and addresses that browsers find it by, without repetition. IPv6 without brackets. */
export function hostsOf(...entrances: readonly Entrance[]): readonly string[] {
  const origins = entrances.flatMap(({ pageOrigin, webSocketOrigin }) => [pageOrigin, webSocketOrigin]);
  return [...new Set(origins.map((origin) => new URL(origin).hostname.replace(/^\[|\]$/g, "")))];
}

/** Of the setting: a name, `*.` and a name, or nothing. Throws an Error that says what is wrong. */
export function consoleDomain(text: string): string {
  const name = text.toLowerCase();
  if (
    name !== "" &&
    !/^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
  )
    throw new Error("must be a domain name, such as console.example.com, or *.example.com");
  if (isIP(name) !== 0) throw new Error("must be a name, not an address");
  const longest = name.startsWith("*") ? dashed(LONGEST_ADDRESS) + name.slice(1) : name;
  if (longest.length > limits.nameCharacters) throw new Error("must be a shorter name, as DNS has room for");
  if (name !== "" && !isHost(longest)) throw new Error("must be a domain name that browsers take for one");
  return name;
}

const LONGEST_ADDRESS = "1111:1111:1111:1111:1111:1111:1111:1111";

/** Browsers read a number at the end as an address, or as none. */
function isHost(name: string): boolean {
  return URL.canParse(`http://${name}`) && new URL(`http://${name}`).hostname === name;
}
