/** Of the header, RFC 1035 §4.1.1 and RFC 4035 §3. */
export const FLAGS = {
  response: 0x8000,
  opcode: 0x7800,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  checkingDisabled: 0x0010,
} as const;

export const HEADER_BYTES = 12;

/** The type of the pseudo-record of EDNS, RFC 6891 §6.1.1. */
export const OPT = 41;

const QUERY_OPCODE = 0;

const limits = {
  /** Of a name, RFC 1035 §2.3.4. */
  nameBytes: 255,
  labelBytes: 63,
  /** Records behind the question: that of EDNS, and signatures of the message, which nobody here reads. */
  additionals: 4,
} as const;

interface Question {
  /** As it came, name, type and class: it goes back in the same letter case (“0x20”). */
  readonly bytes: Buffer;
  /** The name in wire form, one character a byte, in small letters. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

interface Edns {
  /** What the asker takes in one datagram. */
  readonly udpBytes: number;
  readonly version: number;
  /** DO, RFC 3225: goes back as it came. */
  readonly wantsSignatures: boolean;
}

interface Header {
  readonly id: number;
  readonly flags: number;
}

/** A message that is to be answered; what is not is `undefined`. */
export type Query =
  | (Header & { readonly kind: "question"; readonly question: Question; readonly edns: Edns | undefined })
  | (Header & { readonly kind: "malformed" })
  /** Another operation than a query: an update, say. */
  | (Header & { readonly kind: "operation" });

/**
 * Reads a message. Nothing in it is followed and nothing is repeated: a question's name has no pointers (no client has a
 * reason to), and there is one question. So the time that it takes is bounded by its length, which dns-packet's is not:
 * there each of ten thousand names may point through all before it.
 *
 * A response, and what is too short to say what it is, is nothing: answers to answers would go round for ever.
 */
export function readQuery(message: Buffer): Query | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const header: Header = { id: message.readUInt16BE(0), flags: message.readUInt16BE(2) };
  if ((header.flags & FLAGS.response) !== 0) return undefined;
  if ((header.flags & FLAGS.opcode) >> 11 !== QUERY_OPCODE) return { kind: "operation", ...header };
  const question = message.readUInt16BE(4) === 1 ? readQuestion(message) : undefined;
  if (question === undefined) return { kind: "malformed", ...header };
  // The old serial of an IXFR stands among the authorities; it is refused without being read.
  if (isTransfer(question.type)) return { kind: "question", ...header, question, edns: undefined };
  const records = message.readUInt16BE(6) + message.readUInt16BE(8);
  const rest = records === 0 ? readRest(message, HEADER_BYTES + question.bytes.length) : undefined;
  if (rest === undefined) return { kind: "malformed", ...header };
  return { kind: "question", ...header, question, edns: rest.edns };
}

/** AXFR, IXFR, and what went before them. */
export function isTransfer(type: number): boolean {
  return type >= 249 && type <= 254;
}

function readQuestion(message: Buffer): Question | undefined {
  let at = HEADER_BYTES;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > limits.labelBytes) return undefined;
    at += 1 + length;
    if (at - HEADER_BYTES > limits.nameBytes) return undefined;
    if (length === 0) break;
  }
  if (at + 4 > message.length) return undefined;
  return {
    bytes: message.subarray(HEADER_BYTES, at + 4),
    // Bytes are characters here, and of these only A to Z have a small form that is ASCII: a length never is one.
    name: message.toString("latin1", HEADER_BYTES, at).toLowerCase(),
    type: message.readUInt16BE(at),
    class: message.readUInt16BE(at + 2),
  };
}

/** `undefined` where it is not what the header says that it is. */
function readRest(message: Buffer, from: number): { readonly edns: Edns | undefined } | undefined {
  const count = message.readUInt16BE(10);
  if (count > limits.additionals) return undefined;
  let edns: Edns | undefined;
  let at = from;
  for (let read = 0; read < count; read += 1) {
    const isRoot = message[at] === 0;
    const body = behindName(message, at);
    if (body === undefined || body + 10 > message.length) return undefined;
    if (message.readUInt16BE(body) === OPT) {
      // RFC 6891 §6.1.1: one at most, at the root.
      if (edns !== undefined || !isRoot) return undefined;
      edns = {
        udpBytes: message.readUInt16BE(body + 2),
        version: message.readUInt8(body + 5),
        wantsSignatures: (message.readUInt8(body + 6) & 0x80) !== 0,
      };
    }
    at = body + 10 + message.readUInt16BE(body + 8);
  }
  return at === message.length ? { edns } : undefined;
}

/** A pointer ends a name, and where it leads is not looked at. */
function behindName(message: Buffer, from: number): number | undefined {
  for (let at = from; at - from <= limits.nameBytes; ) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > limits.labelBytes) return undefined;
    at += 1 + length;
  }
  return undefined;
}
