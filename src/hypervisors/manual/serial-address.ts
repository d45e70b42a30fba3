import { formatAddress, parseAddress } from "./address.ts";

/** What is spoken at a serial line, and where it is. */
type SerialLine = { readonly address: ReturnType<typeof parseAddress>; readonly telnet?: true };

const TELNET = "telnet://";
const TELNETS = "telnets://";
const TELNET_UNIX = "telnet+unix:";

/**
 * Reads what parseAddress does, for a line of bare bytes, and telnet://HOST:PORT, telnets://HOST:PORT (telnet within TLS) and
 * telnet+unix:/PATH. Throws an Error that says what is wrong.
 */
export function parseSerialAddress(text: string): SerialLine {
  if (text.startsWith(TELNETS)) return telnetAt(`tls://${text.slice(TELNETS.length)}`);
  if (text.startsWith(TELNET_UNIX)) return telnetAt(`unix:${text.slice(TELNET_UNIX.length)}`);
  if (!text.startsWith(TELNET)) return { address: parseAddress(text) };
  const line = telnetAt(text.slice(TELNET.length));
  if (line.address.kind !== "tcp") throw new Error("telnet:// has HOST:PORT behind it");
  return line;
}

/** The one spelling under which it is kept and shown. */
export function formatSerialAddress({ address, telnet }: SerialLine): string {
  const text = formatAddress(address);
  if (telnet === undefined) return text;
  if (address.kind === "unix") return `telnet+${text}`;
  return address.kind === "tls" ? text.replace("tls://", TELNETS) : TELNET + text;
}

function telnetAt(text: string): SerialLine {
  return { address: parseAddress(text), telnet: true };
}
