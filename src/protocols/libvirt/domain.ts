import { ProtocolError } from "#base/protocol-error.ts";
import type { XdrReader, XdrWriter } from "./xdr.ts";

const UUID_BYTES = 16;

/** How libvirt names a domain, in every call about it and every answer. */
export interface RemoteDomain {
  readonly name: string;
  /** In lower case, with dashes. */
  readonly uuid: string;
  /** Its number while it is active, and -1 while it is not. */
  readonly id: number;
}

/**
 * A domain of which nothing is known but its UUID, by which alone libvirt's drivers find it: so nobody has to be asked first what it is called.
 * Where there is none, libvirt answers "no domain" whatever is asked of it.
 */
export function domainOf(uuid: string): RemoteDomain {
  return { name: "", uuid: uuid.toLowerCase(), id: -1 };
}

/** libvirt: virDomainState. */
const DOMAIN_STATES = [
  "none",
  "running",
  "blocked",
  "paused",
  "shutting-down",
  "shut-off",
  "crashed",
  "suspended",
] as const;
export type DomainState = (typeof DOMAIN_STATES)[number];

export function readDomain(reader: XdrReader): RemoteDomain {
  const name = reader.string();
  const uuid = readUuid(reader);
  return { name, uuid, id: reader.int() };
}

export function writeDomain(writer: XdrWriter, { name, uuid, id }: RemoteDomain): void {
  writer.string(name);
  writeUuid(writer, uuid);
  writer.int(id);
}

/** A state of a newer libvirt is none that we know. */
export function readDomainState(reader: XdrReader): DomainState {
  return DOMAIN_STATES[reader.int()] ?? "none";
}

export function writeUuid(writer: XdrWriter, uuid: string): void {
  const digits = uuid.replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/i.test(digits)) throw new ProtocolError("not a UUID", uuid);
  const pairs = Array.from({ length: UUID_BYTES }, (_, index) => digits.slice(2 * index, 2 * index + 2));
  writer.fixedOpaque(Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16)));
}

function readUuid(reader: XdrReader): string {
  const digits = Array.from(reader.fixedOpaque(UUID_BYTES), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
