import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { Check } from "typebox/schema";
import { Machine, type MachineChange, type NewMachine } from "#wire/api.ts";
import type { ApiClient } from "../api-client.ts";
import { CliFailure } from "../exit-status.ts";
import { writeWhole } from "./credentials.ts";

const NAME = "Demo machine";

const Record = Type.Object({ machineId: Type.String() });

/**
 * Registers the demo machine at the first start. Later its record gets the new address, for its port is another one
 * each time; a person may have renamed it meanwhile, or have removed it, which is obeyed.
 */
export async function registerDemoMachine(api: ApiClient, directory: string, address: string): Promise<void> {
  const path = join(directory, "demo.json");
  const machineId = readRecord(path) ?? (await sameName(api))?.id;
  const machine = machineId === undefined ? await add(api, address) : await moveTo(api, machineId, address);
  if (machine !== undefined) writeWhole(path, JSON.stringify({ machineId: machine.id }));
}

/** Added by a start that ended before it wrote that down. */
async function sameName(api: ApiClient): Promise<Machine | undefined> {
  const [machine] = await api.list(["machines"], Machine, { query: { name: NAME } });
  return machine;
}

async function add(api: ApiClient, address: string): Promise<Machine> {
  const body: NewMachine = { name: NAME, protocol: "rfb", address };
  return await api.call({ method: "POST", path: ["machines"], body, answer: Machine });
}

async function moveTo(api: ApiClient, id: string, address: string): Promise<Machine | undefined> {
  const body: MachineChange = { address };
  try {
    return await api.call({ method: "PATCH", path: ["machines", id], body, answer: Machine });
  } catch (error) {
    if (error instanceof CliFailure && error.code === "not_found") return undefined;
    throw error;
  }
}

function readRecord(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const content: unknown = JSON.parse(readFileSync(path, "utf8"));
  return Check(Record, content) ? content.machineId : undefined;
}
