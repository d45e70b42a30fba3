import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";

export const lackingSasl = lacking("sasl2-bin", "libsasl2-modules");

/** Cyrus SASL says an account with the realm that it was made for. */
export const SASL_ACCOUNT = { username: "ute@qemu", password: "ein langes Passwort" } as const;

/** A configuration of Cyrus SASL's for QEMU, with that one account. */
export async function saslFolder(folder: string, mechanisms: readonly string[]): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const database = join(folder, "accounts.db");
  const lines = [
    `mech_list: ${mechanisms.join(" ")}`,
    "pwcheck_method: auxprop",
    "auxprop_plugin: sasldb",
    `sasldb_path: ${database}`,
  ];
  writeFileSync(join(folder, "qemu.conf"), `${lines.join("\n")}\n`);
  await using adding = await startProcess("saslpasswd2", ["-p", "-c", "-f", database, "-u", "qemu", "ute"]);
  adding.stdin.end(SASL_ACCOUNT.password);
  const status = await adding.exited;
  if (status !== 0) throw new Error(`saslpasswd2: ${adding.stderr.text}`);
  return folder;
}
