import type { Socket } from "node:net";
import { canonicalAddress } from "#wire/address.ts";

/** https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, §2.1 and §2.2. */
const SIGNATURE_1 = Buffer.from("PROXY ", "latin1");
const SIGNATURE_2 = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const LINE_END = Buffer.from("\r\n", "latin1");

const limits = {
  /** Of version 1, with its end (§2.1). */
  lineBytes: 107,
  /** Of version 2, behind its first part: addresses and what else a proxy tells, such as what was said in its TLS. */
  restBytes: 4096,
} as const;

/** Of version 2: signature, version and command, family, and the length of the rest. */
const HEAD_BYTES = 16;
const SOURCE_BYTES: Readonly<Record<number, number>> = { 17: 4, 33: 16 };

/** What stands before what the viewer says. */
export interface ProxyHeader {
  readonly bytes: number;
  /** Where the viewer is; `undefined` where the proxy speaks for itself, as in a health check, or does not say. */
  readonly source: string | undefined;
}

/** Reads it from the beginning of a connection; `undefined` where it is not complete. Throws an Error where it is none. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  if (begins(bytes, SIGNATURE_2)) return parseBinary(bytes);
  if (begins(bytes, SIGNATURE_1)) return parseLine(bytes);
  throw new Error("the connection does not begin with a PROXY header");
}

/**
 * Takes the header off a connection on which nothing was read, and leaves what comes behind it there. Rejects where there
 * is none, or where the connection ends before.
 */
export async function takeProxyHeader(socket: Socket): Promise<string | undefined> {
  let read: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = await nextChunk(socket);
    read = read.length === 0 ? chunk : Buffer.concat([read, chunk]);
    const header = parseProxyHeader(read);
    if (header === undefined) continue;
    if (read.length > header.bytes) socket.unshift(read.subarray(header.bytes));
    return header.source;
  }
}

async function nextChunk(socket: Socket): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const look = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return false;
    resolve(chunk);
    return true;
  };
  const closed = () => reject(new Error("the connection ended before its PROXY header"));
  if (socket.destroyed) closed();
  else if (!look()) socket.on("readable", look).once("close", closed).once("end", closed);
  try {
    return await promise;
  } finally {
    socket.off("readable", look).off("close", closed).off("end", closed);
  }
}

/** Whether they do, as far as there are any. */
function begins(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.subarray(0, length).equals(signature.subarray(0, length));
}

function parseLine(bytes: Buffer): ProxyHeader | undefined {
  const end = bytes.indexOf(LINE_END);
  if (end < 0 && bytes.length < limits.lineBytes) return undefined;
  const length = end + LINE_END.length;
  if (end < 0 || length > limits.lineBytes) throw new Error("the PROXY header is too long");
  const [, family, source = "", ...rest] = bytes.subarray(0, end).toString("latin1").split(" ");
  if (family === "UNKNOWN") return { bytes: length, source: undefined };
  const address = canonicalAddress(source);
  const isKnown = family === "TCP4" || family === "TCP6";
  if (!isKnown || address === undefined || rest.length !== 3) throw new Error("the PROXY header is broken");
  return { bytes: length, source: address };
}

function parseBinary(bytes: Buffer): ProxyHeader | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const [versionAndCommand, family] = [bytes.readUInt8(12), bytes.readUInt8(13)];
  const restBytes = bytes.readUInt16BE(14);
  if (restBytes > limits.restBytes) throw new Error("the PROXY header is too long");
  const length = HEAD_BYTES + restBytes;
  if (bytes.length < length) return undefined;
  // LOCAL: the proxy speaks for itself.
  if (versionAndCommand === 0x20) return { bytes: length, source: undefined };
  if (versionAndCommand !== 0x21) throw new Error("the PROXY header is of an unknown version or command");
  const sourceBytes = SOURCE_BYTES[family];
  if (sourceBytes === undefined) return { bytes: length, source: undefined };
  // Two addresses, two ports.
  if (restBytes < 2 * sourceBytes + 4) throw new Error("the PROXY header is broken");
  return { bytes: length, source: spelled(bytes.subarray(HEAD_BYTES, HEAD_BYTES + sourceBytes)) };
}

function spelled(address: Buffer): string | undefined {
  const text =
    address.length === 4 ? address.join(".") : (address.toString("hex").match(/.{4}/g) ?? []).join(":");
  return canonicalAddress(text);
}
