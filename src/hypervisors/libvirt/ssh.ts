import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import type { HypervisorStep } from "#wire/hypervisors.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import type { Way } from "./endpoint.ts";
import type { Credentials, Transport } from "./transport.ts";

const limits = {
  /** Of what ssh says on standard error: its reasons stand at the end. */
  saidCharacters: 4_096,
  connectSeconds: 10,
  /** From the end of what it passes on to its own: one that is killed before says 255, whatever the far side said. */
  endingMs: 2_000,
} as const;

/** ssh's own failures end it with this; with any other status the far side's program has failed. */
const SSH_FAILED = 255;

/** Of what OpenSSH says when it fails, what tells at which step. The first that is found counts. */
const REASONS: readonly (readonly [RegExp, HypervisorStep])[] = [
  [/could not resolve hostname/i, "dns"],
  [/host key|host identification/i, "host-key"],
  [/permission denied|no such identity|load key|invalid format|too many authentication/i, "credentials"],
];

type SshWay = Extract<Way, { kind: "ssh" }>;

interface Target {
  readonly way: SshWay;
  /** For libvirt's helper on the far side, which knows the socket. */
  readonly uri: string;
}

/**
 * By the machine's own ssh (docs/decisions/0022-libvirt-spoken-directly.md), which reads no configuration of anybody's,
 * trusts the host keys that it was given and no others, and asks nobody for a password.
 */
export async function openSsh(
  target: Target,
  { sshKey, sshKnownHosts = "" }: Credentials,
): Promise<Transport> {
  if (sshKey === undefined) throw new HypervisorError("credentials", "there is no SSH key on record");
  const folder = await mkdtemp(join(tmpdir(), "porthole-ssh-"));
  const [keyFile, hostsFile] = [join(folder, "key"), join(folder, "known_hosts")];
  try {
    await writeFile(keyFile, `${sshKey.expose().trimEnd()}\n`, { mode: 0o600 });
    await writeFile(hostsFile, `${sshKnownHosts.trimEnd()}\n`, { mode: 0o600 });
    return start(target, { keyFile, hostsFile, cleanUp: () => rm(folder, { recursive: true, force: true }) });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function start(
  target: Target,
  files: { readonly keyFile: string; readonly hostsFile: string; readonly cleanUp: () => Promise<void> },
): Transport {
  const child = spawn("ssh", sshArguments(target, files), { stdio: ["pipe", "pipe", "pipe"], cwd: "/" });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-limits.saidCharacters);
  });
  const exited = once(child, "close").then(
    ([status]: unknown[]) => status,
    (error: unknown) => error,
  );
  void exited.then(files.cleanUp);
  const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
  stream.once("close", () => {
    const killing = setTimeout(() => child.kill(), limits.endingMs);
    void exited.then(() => clearTimeout(killing));
  });
  return { stream, signedIn: files.cleanUp, whyEnded: async () => reason(await exited, said) };
}

function sshArguments(
  { way: { host, port, user, path }, uri }: Target,
  { keyFile, hostsFile }: { readonly keyFile: string; readonly hostsFile: string },
): readonly string[] {
  const options = {
    BatchMode: "yes",
    ConnectTimeout: limits.connectSeconds,
    IdentitiesOnly: "yes",
    IdentityFile: keyFile,
    StrictHostKeyChecking: "yes",
    UserKnownHostsFile: hostsFile,
    GlobalKnownHostsFile: "/dev/null",
    PreferredAuthentications: "publickey",
    ForwardAgent: "no",
    ClearAllForwardings: "yes",
    LogLevel: "ERROR",
  };
  return [
    "-F",
    "/dev/null",
    "-T",
    ...["-e", "none", "-p", String(port), "-l", user],
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    "--",
    host,
    path === undefined ? `virt-ssh-helper ${uri}` : `nc -U ${path}`,
  ];
}

function reason(exit: unknown, said: string): HypervisorError {
  if (exit instanceof Error)
    return new HypervisorError("tcp", `ssh could not be started: ${exit.message}`, { cause: exit });
  const lines = said.trim().replace(/\s*\r?\n/g, "; ");
  if (exit !== SSH_FAILED)
    return new HypervisorError(
      "socket",
      `on the hypervisor: ${lines === "" ? `the command ended with ${exit}` : lines}`,
    );
  const [, step = "tcp"] = REASONS.find(([pattern]) => pattern.test(said)) ?? [];
  return new HypervisorError(step, lines);
}
