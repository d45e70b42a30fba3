import { isIP } from "node:net";

const DEFAULT_PORT = 8006;
/** Any node of a cluster answers for all of it; more than a few are no help. */
const MOST_PLACES = 16;

/** Where the API of one of a cluster's nodes is. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** https://HOST[:PORT][,HOST[:PORT]…]: nodes of one cluster, of which the first that answers is asked. Throws an Error that says what is wrong with it. */
export function parseProxmoxAddress(text: string): readonly [Place, ...Place[]] {
  const rest = /^https:\/\/(?<rest>[^/?#@\s]+)\/?$/i.exec(text)?.groups?.["rest"];
  if (rest === undefined) throw new Error("must be https://HOST, with :PORT if it is not 8006");
  const [first, ...more] = rest.split(",").map(placeOf);
  if (first === undefined || more.length >= MOST_PLACES)
    throw new Error(`it names more than ${MOST_PLACES} nodes`);
  return [first, ...more];
}

function placeOf(text: string): Place {
  const { v6, name, digits } =
    /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<name>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})))(?::(?<digits>\d{1,5}))?$/.exec(
      text,
    )?.groups ?? {};
  const host = v6 ?? name;
  if (host === undefined || (v6 !== undefined && isIP(v6) !== 6)) throw new Error(`${text} is no host`);
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  if (port < 1 || port > 65_535) throw new Error(`there is no port ${digits}`);
  return { host, port };
}
