import { readDomain } from "./domain.ts";
import type { XdrReader } from "./xdr.ts";

/** libvirt: virErrorNumber, those that somebody here tells apart. */
export const REMOTE_ERRORS = {
  noSupport: 3,
  operationFailed: 9,
  operationDenied: 29,
  noDomain: 42,
  authenticationFailed: 45,
  operationInvalid: 55,
  authenticationCancelled: 79,
  noDomainMetadata: 80,
  accessDenied: 88,
} as const;

const limits = {
  /** Of its words: libvirt's own are a sentence, which ends in a log, and a string of its may have four megabytes. */
  messageCharacters: 1_000,
} as const;

/** What libvirt answers in place of a result: its number for it, and its words. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message.slice(0, limits.messageCharacters));
    this.code = code;
  }
}

/** libvirt: virNetMessageError. What stands in it beside number and words is read over, and has to be whole. */
export function readRemoteError(reader: XdrReader): RemoteError {
  const code = reader.int();
  reader.int();
  const message = reader.optional((each) => each.string());
  reader.int();
  reader.optional(readDomain);
  for (let strings = 0; strings < 3; strings++) reader.optional((each) => each.string());
  reader.int();
  reader.int();
  reader.optional((network) => {
    network.string();
    network.fixedOpaque(16);
  });
  reader.end();
  return new RemoteError(code, message ?? `libvirt's error ${code}`);
}
