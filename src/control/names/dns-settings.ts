import { isIP } from "node:net";
import { usualAddress } from "#dns/dashed-name.ts";
import { consoleDomain } from "../fleet/public-names.ts";

/** A name server of the domain, and one of its addresses where the name is inside the domain. */
export interface NamedServer {
  readonly name: string;
  readonly address?: string;
}

/** NAME or NAME=ADDRESS. Throws an Error that says what is wrong. */
export function nameServer(text: string): NamedServer {
  const [name = "", address, ...more] = text.split("=").map((part) => part.trim());
  if (more.length > 0) throw new Error("must be NAME or NAME=ADDRESS");
  const host = plainName(name);
  if (address === undefined) return { name: host };
  if (isIP(address) === 0 || address.includes("%")) throw new Error(`“${address}” is not an IP address`);
  return { name: host, address: usualAddress(address) };
}

/** A mail address whose mailbox can be written as a name, or nothing. */
export function contactAddress(text: string): string {
  if (text === "") return text;
  const [, mailbox = "", host = ""] = /^([a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,63})@(.+)$/i.exec(text) ?? [];
  if (mailbox === "" || mailbox.split(".").includes(""))
    throw new Error("must be a mail address, such as hostmaster@example.com");
  return `${mailbox}@${plainName(host)}`;
}

/** What stands in a CAA record: an authority's name, and parameters behind semicolons (RFC 8659 §4.2). */
export function certificateAuthority(text: string): string {
  const [name = "", ...parameters] = text.split(";").map((part) => part.trim());
  for (const parameter of parameters)
    if (!/^[a-z0-9-]+=[!#-[\]-~]*$/i.test(parameter)) throw new Error("its parameters must be NAME=VALUE");
  return [plainName(name), ...parameters].join("; ");
}

function plainName(text: string): string {
  if (text === "" || text.startsWith("*")) throw new Error("must be a name, such as ns1.example.com");
  return consoleDomain(text.replace(/\.$/, ""));
}
