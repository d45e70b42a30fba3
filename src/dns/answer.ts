import { FLAGS, HEADER_BYTES, isTransfer, OPT, type Query, readQuery } from "./query.ts";
import { MINIMAL_ANY, TYPES, type Zone } from "./zone.ts";

const limits = {
  /** What is sent in one datagram at most: more may be taken apart on its way (DNS flag day 2020). */
  datagramBytes: 1232,
  /** What everybody takes, RFC 1035 §2.3.4. */
  leastDatagramBytes: 512,
} as const;

/** RFC 1035 §4.1.1, RFC 6891 §9. */
export const RCODES = { NOERROR: 0, FORMERR: 1, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;
export type Rcode = keyof typeof RCODES;

export type Transport = "udp" | "tcp";

export interface Reply {
  readonly rcode: Rcode;
  readonly bytes: Buffer;
  /** The same without what was asked for, by which the asker is told to come by TCP; `undefined` where nothing is left out. */
  readonly truncated: (() => Buffer) | undefined;
  /** Answers of which an asker that believes in them needs one: the same again is the same text. */
  readonly subject: string;
}

/** What is said, before it is written. */
interface Said {
  readonly rcode: Rcode;
  readonly isAuthoritative: boolean;
  readonly subject: string;
  readonly answers?: readonly Buffer[];
  /** In an answer that says no: the SOA, and how many bytes of the question's name stand before its owner. */
  readonly authority?: { readonly record: Buffer; readonly prefix: number };
}

const IN = 1;

/**
 * The answer to a message, out of the zones alone: no clock, no state. `undefined`: there is none to give, because it is no
 * question. What is in none of them is refused.
 */
export function answer(message: Buffer, zones: readonly Zone[], transport: Transport): Reply | undefined {
  const query = readQuery(message);
  if (query === undefined) return undefined;
  const said = say(query, zones);
  const bytes = write(query, said);
  const isTooLong = transport === "udp" && bytes.length > mostBytes(query);
  const { rcode, subject, isAuthoritative } = said;
  // Who cannot be told which question it was is told nothing shorter.
  const truncated =
    query.kind === "question" ? () => write(query, { rcode, subject, isAuthoritative }, true) : undefined;
  return { rcode, subject, truncated, bytes: isTooLong && truncated !== undefined ? truncated() : bytes };
}

function say(query: Query, zones: readonly Zone[]): Said {
  if (query.kind === "malformed") return refusal("FORMERR");
  if (query.kind === "operation") return refusal("NOTIMP");
  const { question, edns } = query;
  if (edns !== undefined && edns.version !== 0) return refusal("BADVERS");
  if (question.type === OPT) return refusal("FORMERR");
  if (question.class !== IN || isTransfer(question.type)) return refusal("REFUSED");
  const found = zoneOf(question.name, zones);
  if (found === undefined) return refusal("REFUSED");
  const { zone, prefix } = found;
  const node = zone.node(question.name.slice(0, prefix));
  const authority = { record: zone.soa, prefix };
  // However many names are made up, they are one subject: it is what a flood of them is known by.
  if (node === undefined) return { rcode: "NXDOMAIN", isAuthoritative: true, subject: "NXDOMAIN", authority };
  const subject = `${question.name}${question.type}`;
  const said = { rcode: "NOERROR", isAuthoritative: true, subject } as const;
  if (question.type === TYPES.ANY) return { ...said, answers: [MINIMAL_ANY] };
  const orders = node.get(question.type);
  // The message's number is random, so everybody begins with another one.
  const answers = orders?.[query.id % orders.length];
  return answers === undefined ? { ...said, authority } : { ...said, answers };
}

/** The one that a name is in; of one inside another the inner one. `prefix`: how many bytes of the name stand before it. */
function zoneOf(
  name: string,
  zones: readonly Zone[],
): { readonly zone: Zone; readonly prefix: number } | undefined {
  let inner: { readonly zone: Zone; readonly prefix: number } | undefined;
  for (const zone of zones) {
    const prefix = zone.prefixOf(name);
    if (prefix !== undefined && (inner === undefined || prefix < inner.prefix)) inner = { zone, prefix };
  }
  return inner;
}

function refusal(rcode: Rcode): Said {
  return { rcode, isAuthoritative: false, subject: rcode };
}

function mostBytes(query: Query): number {
  const asked = query.kind === "question" ? (query.edns?.udpBytes ?? 0) : 0;
  return Math.min(Math.max(asked, limits.leastDatagramBytes), limits.datagramBytes);
}

const POINTER_BYTES = 2;
const POINTER = 0xc000;
const OPT_BYTES = 11;

function write(
  query: Query,
  { rcode, isAuthoritative, answers = [], authority }: Said,
  isTruncated = false,
): Buffer {
  const { question, edns } = query.kind === "question" ? query : { question: undefined, edns: undefined };
  const size = [...answers, ...(authority === undefined ? [] : [authority.record])].reduce(
    (sum, record) => sum + POINTER_BYTES + record.length,
    HEADER_BYTES + (question?.bytes.length ?? 0) + (edns === undefined ? 0 : OPT_BYTES),
  );
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeUInt16BE(query.id, 0);
  bytes.writeUInt16BE(
    FLAGS.response |
      (query.flags & (FLAGS.opcode | FLAGS.recursionDesired | FLAGS.checkingDisabled)) |
      (isAuthoritative ? FLAGS.authoritative : 0) |
      (isTruncated ? FLAGS.truncated : 0) |
      (RCODES[rcode] & 0xf),
    2,
  );
  bytes.writeUInt16BE(question === undefined ? 0 : 1, 4);
  bytes.writeUInt16BE(answers.length, 6);
  bytes.writeUInt16BE(authority === undefined ? 0 : 1, 8);
  bytes.writeUInt16BE(edns === undefined ? 0 : 1, 10);
  let at = HEADER_BYTES;
  if (question !== undefined) at += question.bytes.copy(bytes, at);
  for (const record of answers) at = writeRecord(bytes, at, { record, prefix: 0 });
  if (authority !== undefined) at = writeRecord(bytes, at, authority);
  if (edns !== undefined) writeOpt(bytes, at, { rcode, wantsSignatures: edns.wantsSignatures });
  return bytes;
}

/** The owner is a pointer into the question: to its name, or to the part of it that is the domain. */
function writeRecord(
  bytes: Buffer,
  at: number,
  { record, prefix }: { readonly record: Buffer; readonly prefix: number },
): number {
  bytes.writeUInt16BE(POINTER | (HEADER_BYTES + prefix), at);
  return at + POINTER_BYTES + record.copy(bytes, at + POINTER_BYTES);
}

/** RFC 6891 §6.1.2: the root, its type, what we take in a datagram, upper bits of the code, version 0, flags, no options. */
function writeOpt(
  bytes: Buffer,
  at: number,
  { rcode, wantsSignatures }: { readonly rcode: Rcode; readonly wantsSignatures: boolean },
): void {
  bytes.writeUInt8(0, at);
  bytes.writeUInt16BE(OPT, at + 1);
  bytes.writeUInt16BE(limits.datagramBytes, at + 3);
  bytes.writeUInt8(RCODES[rcode] >> 4, at + 5);
  bytes.writeUInt8(0, at + 6);
  bytes.writeUInt16BE(wantsSignatures ? 0x8000 : 0, at + 7);
  bytes.writeUInt16BE(0, at + 9);
}
