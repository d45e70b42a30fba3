import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "#wire/api.ts";
import type { OneControl } from "./control.ts";

/** Has one machine, `web`, whose power stands in the file that is the target. */
const COMMAND = `#!/usr/bin/env node
import { readFileSync, writeFileSync } from "node:fs";
const { target, address, action } = JSON.parse(readFileSync(0, "utf8"));
const power = readFileSync(target, "utf8");
const machine = { address: "web", name: "web", power };
const refused = (reason) => ({ error: { reason, message: "it is " + power } });
const verbs = {
  list: () => ({ machines: [machine] }),
  machine: () => ({ machine: address === "web" ? { ...machine, consoles: [{ protocol: "rfb" }] } : null }),
  // Nothing listens there: port 9 is that of “discard”.
  resolve: () => ({ upstream: { host: "127.0.0.1", port: 9 } }),
  screenshot() {
    if (power !== "running") return refused("machine_not_running");
    return { mediaType: "image/x-portable-pixmap", base64: btoa("P6 1 1 255\\nabc") };
  },
  power() {
    if (power === "unknown") return refused("rights");
    if ((power === "stopped") !== (action === "start")) return refused("machine_not_running");
    if (action === "start") writeFileSync(target, "running");
    if (action === "stop" || action === "cut") writeFileSync(target, "stopped");
    return {};
  },
};
process.stdout.write(JSON.stringify(verbs[process.argv[2]]()));
`;

interface CommandHypervisor {
  readonly id: string;
  /** Its machine, of the default project. */
  readonly machine: Machine;
  power(): string;
  setPower(power: Machine["power"]): void;
}

/** The script by itself, `test.mjs`, in a directory of that name. */
export function writeCommand(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  writeFileSync(join(directory, "test.mjs"), COMMAND, { mode: 0o755 });
}

/** A hypervisor whose command is a script of the test's, with one machine, which is known already. */
export async function commandHypervisor(
  control: OneControl,
  {
    readOnly = false,
    power = "running",
  }: { readonly readOnly?: boolean; readonly power?: Machine["power"] } = {},
): Promise<CommandHypervisor> {
  const { services, admin, folder, inventory, driverPool } = control;
  writeCommand(join(folder, "commands"));
  const target = join(folder, `power-${readOnly}`);
  const setPower = (now: Machine["power"]) => writeFileSync(target, now ?? "unknown");
  setPower(power);
  const { id } = await services.hypervisors.add(admin, {
    ...{ name: `commanded-${readOnly}`, platform: "command", address: `test.mjs:${target}`, readOnly },
    rules: [{ name: "*", project: "default" }],
  });
  const driver = await driverPool.driverOf(id);
  await inventory.takeAll(id, await driver.list(new AbortController().signal));
  const { items } = await services.machines.list(admin, { limit: 500 });
  const machine = items.find(({ hypervisor }) => hypervisor?.id === id);
  if (machine === undefined) throw new Error("it has no machine");
  return { id, machine, power: () => readFileSync(target, "utf8"), setPower };
}
