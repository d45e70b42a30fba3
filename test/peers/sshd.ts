import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { type Process, startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";

export const lackingSshd = lacking("openssh-server", "openssh-client", "netcat-openbsd");

export interface Sshd extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  /** The key of one who may sign in, and of one who may not. */
  readonly key: string;
  readonly strangersKey: string;
  /** A line of known_hosts with its host key, and one with another. */
  readonly knownHosts: string;
  readonly wrongKnownHosts: string;
}

/** An OpenSSH server of the test's own, where the user that runs the test may sign in by a key. */
export async function startSshd(): Promise<Sshd> {
  await using opened = new AsyncDisposableStack();
  const { path } = opened.use(scratch());
  const makeKey = (name: string) => {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(path, name)]);
    return {
      key: readFileSync(join(path, name), "utf8"),
      line: readFileSync(join(path, `${name}.pub`), "utf8"),
    };
  };
  const [host, user, stranger] = [makeKey("host"), makeKey("user"), makeKey("stranger")];
  writeFileSync(join(path, "authorized_keys"), user.line, { mode: 0o600 });
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  const { port, daemon } = await onFreePort(async (candidate) => {
    const config = join(path, "sshd_config");
    writeFileSync(config, settings(path, candidate).join("\n"));
    return { port: candidate, daemon: await started(config) };
  });
  opened.use(daemon);
  const owned = opened.move();
  const known = (line: string) => `[${LOOPBACK}]:${port} ${line}`;
  return {
    port,
    user: userInfo().username,
    key: user.key,
    strangersKey: stranger.key,
    knownHosts: known(host.line),
    wrongKnownHosts: known(stranger.line),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function started(config: string): Promise<Process> {
  const daemon = await startProcess("/usr/sbin/sshd", ["-D", "-e", "-f", config]);
  let hasEnded = false;
  void daemon.exited.then(() => {
    hasEnded = true;
  });
  await eventually(() => assert.ok(hasEnded || daemon.stderr.text.includes("Server listening")));
  assert.ok(!hasEnded, daemon.stderr.text);
  return daemon;
}

function settings(path: string, port: number): readonly string[] {
  return [
    `ListenAddress ${LOOPBACK}:${port}`,
    `HostKey ${join(path, "host")}`,
    `AuthorizedKeysFile ${join(path, "authorized_keys")}`,
    "PidFile none",
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    "",
  ];
}
