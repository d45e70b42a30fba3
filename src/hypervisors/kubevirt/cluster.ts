import { isIP } from "node:net";
import type { Secret } from "#base/secret.ts";
import type { Trust } from "../trust.ts";

/** Where a cluster's API is. */
interface Server {
  readonly host: string;
  readonly port: number;
  /** Before all paths: of those who stand before several clusters. */
  readonly prefix: string;
}

/** The API of a cluster, by what it is known, and who asks. */
export interface Cluster extends Server {
  readonly trust: Trust;
  /** Absent: the client certificate says who asks. */
  readonly token: Secret | undefined;
}

/** Throws an Error that says what is wrong with it. */
export function parseServer(text: string): Server {
  const url = URL.parse(text);
  const more = url === null ? [] : [url.username, url.password, url.search, url.hash];
  if (url?.protocol !== "https:" || more.some((each) => each !== ""))
    throw new Error("the API's address must be https://HOST, with a port and a path if it has them");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (host.includes(":") && isIP(host) !== 6) throw new Error(`${host} is no host`);
  return {
    host,
    port: url.port === "" ? 443 : Number(url.port),
    prefix: url.pathname.replace(/\/+$/, ""),
  };
}
