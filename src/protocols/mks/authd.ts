import { ProtocolError } from "#base/protocol-error.ts";
import type { Sequence } from "#base/sequence.ts";

/**
 * What an ESXi host's authd (port 902) and whoever wants a machine's mks say to each other, in lines as those of FTP (RFC 959 §4.2). VMware
 * documents it nowhere; nova-mksproxy (novaproxy/authd.py), which VMware gave to OpenStack, speaks it:
 *
 * 1. authd welcomes in the open (220), and TLS follows, under a certificate whose thumbprint came with the ticket;
 * 2. the ticket is said as USER (331) and as PASS (230);
 * 3. THUMBPRINT with a nonce is answered with the thumbprint of another certificate (200);
 * 4. CONNECT with the machine's configuration file is answered 200: authd has handed the connection to the machine. This TLS is over, and TLS
 *    begins anew on the bare connection, under that other certificate;
 * 5. the nonce is the first thing that is said there, and what follows is the machine's mks, which begins as RFB does.
 */
const limits = {
  /** A line that authd says. Its welcome is the longest, of a hundred bytes or two. */
  lineBytes: 1024,
} as const;

const STATUS = { welcome: 220, passwordNeeded: 331, loggedIn: 230, ok: 200 } as const;

const LF = 0x0a;

/**
 * What went wrong with an authd:
 * - `not-authd`: what answers says no such lines;
 * - `ticket-refused`: it does not take the ticket;
 * - `refused`: it said no to something else.
 */
export type AuthdFailure = "not-authd" | "ticket-refused" | "refused";

/** A handshake that cannot succeed. Its message has none of authd's words: they repeat the ticket. */
export class AuthdError extends ProtocolError {
  override readonly name = "AuthdError";
  readonly kind: AuthdFailure;

  constructor(kind: AuthdFailure, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Step 1, before TLS. Throws an AuthdError. */
export function* authdWelcome(): Sequence<void> {
  yield* expect(STATUS.welcome, "refused", "to being called");
}

/** Step 2, within TLS. The ticket has no line end in it. Throws an AuthdError. */
export function* authdSignIn(ticket: string, send: (bytes: Uint8Array) => void): Sequence<void> {
  say(send, `USER ${ticket}`);
  yield* expect(STATUS.passwordNeeded, "ticket-refused", "to USER");
  say(send, `PASS ${ticket}`);
  yield* expect(STATUS.loggedIn, "ticket-refused", "to PASS");
}

/**
 * Steps 3 and 4. `nonce` is base64, `cfgFile` without a line end. Returns the thumbprint of the certificate that the machine will show, in
 * lower-case hexadecimal digits: 40 of SHA-1, or 64 of SHA-256. Throws an AuthdError.
 */
export function* authdConnect(
  { nonce, cfgFile }: { readonly nonce: string; readonly cfgFile: string },
  send: (bytes: Uint8Array) => void,
): Sequence<string> {
  say(send, `THUMBPRINT ${nonce}`);
  const said = yield* expect(STATUS.ok, "refused", "to THUMBPRINT");
  const thumbprint = readThumbprint(said.split(" ")[0] ?? "");
  if (thumbprint === undefined) throw new AuthdError("not-authd", "it names no thumbprint of the machine's");
  say(send, `CONNECT ${cfgFile} mks`);
  yield* expect(STATUS.ok, "refused", "to CONNECT");
  return thumbprint;
}

/** VMware writes them with colons and without, in letters of either case. Undefined where it is none of SHA-1 or SHA-256. */
export function readThumbprint(text: string): string | undefined {
  const digits = text.replaceAll(":", "").toLowerCase();
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(digits) ? digits : undefined;
}

/** Returns what stands behind the status. */
function* expect(wanted: number, kind: AuthdFailure, answering: string): Sequence<string> {
  const line = yield* readLine();
  const [, status, said = ""] = /^([1-5]\d\d)(?: (.*))?$/.exec(line) ?? [];
  if (status === undefined) throw new AuthdError("not-authd", "what answers is no authd");
  if (Number(status) !== wanted) throw new AuthdError(kind, `it answered ${status} ${answering}`);
  return said;
}

/** Without its end, which is CR LF, or LF alone. */
function* readLine(): Sequence<string> {
  const bytes: number[] = [];
  while (bytes.length < limits.lineBytes) {
    const [byte = LF] = yield { bytes: 1 };
    if (byte === LF) return String.fromCharCode(...bytes).replace(/\r$/, "");
    bytes.push(byte);
  }
  throw new AuthdError(
    "not-authd",
    `what answers is no authd: its line has more than ${limits.lineBytes} bytes`,
  );
}

function say(send: (bytes: Uint8Array) => void, line: string): void {
  send(new TextEncoder().encode(`${line}\r\n`));
}
