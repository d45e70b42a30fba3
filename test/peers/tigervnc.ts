import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { firstLine, type Process, startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";

export const lackingTigerVnc = lacking("tigervnc-standalone-server", "xterm", "x11-apps");

/** Beside it, where accounts are asked for. */
export const lackingPam = process.getuid?.() !== 0 && "it takes root to give it a PAM of its own";

export interface TigerVnc extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The same server on a UNIX socket. */
  readonly path: string;
  /** Whoever connects waits from here on, until it goes on. */
  hold(): void;
  goOn(): void;
  /** What the server logged: connections, and why it refused some. */
  log(): string;
}

interface Options {
  readonly password?: string;
  /** Instead of None or VncAuth, with a certificate for those that begin with X509. */
  readonly securityTypes?: readonly string[];
  readonly certificate?: { readonly pem: string; readonly keyPem: string };
  /** For the types that end in Plain, which ask PAM. Takes a root user, for a mount namespace of the server's own. */
  readonly account?: { readonly name: string; readonly password: string };
  /** Whether it shuts out who has had five connections without a right password, as it does by itself. */
  readonly shutsOut?: boolean;
  /** What runs in the terminal, for bash. By default the time, so that the picture never stands still. */
  readonly script?: string;
}

const CLOCK = "while :; do date +%T.%N; sleep 0.2; done";

/** Xvnc with a terminal in which something runs. */
export async function startTigerVnc(options: Options = {}): Promise<TigerVnc> {
  const { script = CLOCK, account } = options;
  const folder = scratch();
  const path = join(folder.path, "vnc.sock");
  const pam = account === undefined ? undefined : pamFolder(folder.path, account);
  const [program, ...before] =
    pam === undefined
      ? ["Xtigervnc"]
      : ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/pam.d && exec Xtigervnc "$@"', pam];
  const { server, display, port } = await onFreePort(async (candidate) => {
    const child = await startProcess(program ?? "Xtigervnc", [
      ...before,
      // Xvnc picks its own display, and says which on standard output when it is ready.
      ...["-displayfd", "1", "-rfbport", `${candidate}`, "-interface", LOOPBACK, "-rfbunixpath", path],
      ...["-geometry", "800x600", "-depth", "24", "-noreset", "-nolisten", "tcp"],
      // Tests that are not about it are not to be shut out for wrong passwords.
      ...(options.shutsOut === true ? [] : ["-BlacklistThreshold", "1000000"]),
      ...securityArgs(folder.path, options),
    ]);
    return { server: child, display: await firstLine(child), port: candidate };
  });
  const terminal = await startTerminal(display, script);
  return {
    host: LOOPBACK,
    port,
    path,
    hold: () => void process.kill(server.pid, "SIGSTOP"),
    goOn: () => void process.kill(server.pid, "SIGCONT"),
    log: () => server.stderr.text,
    [Symbol.asyncDispose]: async () => {
      process.kill(server.pid, "SIGCONT");
      await terminal.stop("SIGKILL");
      await server.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function securityArgs(
  folder: string,
  { password, securityTypes = [password === undefined ? "None" : "VncAuth"], certificate, account }: Options,
): string[] {
  const args = ["-SecurityTypes", securityTypes.join(",")];
  if (password !== undefined) args.push("-PasswordFile", passwordFile(folder, password));
  if (account !== undefined) args.push("-pam_service", PAM_SERVICE, "-PlainUsers", account.name);
  if (certificate === undefined) return args;
  const [pem, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  writeFileSync(pem, certificate.pem);
  writeFileSync(key, certificate.keyPem, { mode: 0o600 });
  return [...args, "-X509Cert", pem, "-X509Key", key];
}

const PAM_SERVICE = "porthole-test";

/** In place of /etc/pam.d: a service that knows this account and nobody else. */
function pamFolder(folder: string, { password }: NonNullable<Options["account"]>): string {
  const [pam, check] = [join(folder, "pam.d"), join(folder, "check")];
  mkdirSync(pam);
  writeFileSync(check, `#!/bin/sh\n[ "$(tr -d '\\0')" = '${password}' ]\n`, { mode: 0o755 });
  const lines = [`auth required pam_exec.so expose_authtok quiet ${check}`, "account required pam_permit.so"];
  writeFileSync(join(pam, PAM_SERVICE), `${lines.join("\n")}\n`);
  return pam;
}

/** On a display, a terminal in which a script runs. It may ask for the X selection and own it, which xterm otherwise forbids its programs (xterm: OSC 52). */
export async function startTerminal(display: string, script: string): Promise<Process> {
  const place = ["-display", `:${display}`, "-geometry", "80x30+0+0", "-xrm", "XTerm*disallowedWindowOps:"];
  const env = { LC_ALL: "C.UTF-8" };
  return await startProcess("xterm", [...place, "-e", "bash", "-c", script], { env });
}

/**
 * The file that vncpasswd would write: the password's first eight bytes under DES with a key that all VNC
 * servers share (bits of each byte reversed). Single DES is only to be had as triple DES with one key.
 */
export function passwordFile(folder: string, password: string): string {
  const bytes = Buffer.alloc(8);
  assert.ok(Buffer.byteLength(password) <= bytes.length, "VNC passwords have at most eight bytes");
  bytes.write(password);
  const key = Buffer.from("e84ad660c4721ae0".repeat(3), "hex");
  const cipher = createCipheriv("des-ede3-ecb", key, null).setAutoPadding(false);
  const path = join(folder, "password");
  writeFileSync(path, cipher.update(bytes), { mode: 0o600 });
  return path;
}
