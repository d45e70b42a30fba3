import type { MachineConfig } from "./answers.ts";

/** Of which machine it is spoken, and of no other that gets its number once it is gone. */
export interface MachineAddress {
  readonly vmid: number;
  readonly born: string;
}

const NONE = "-";
const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const ADDRESS = new RegExp(`^(?<vmid>[1-9]\\d{2,8})/(?<born>(?:\\d{1,12}|${NONE})/(?:${UUID}|${NONE}))$`);

/** VMID/CREATED/UUID. Throws an Error that says what is wrong with it. */
export function parseMachineAddress(text: string): MachineAddress {
  const { vmid, born } = ADDRESS.exec(text)?.groups ?? {};
  if (vmid === undefined || born === undefined || born === `${NONE}/${NONE}`)
    throw new Error("not the VMID, creation time and SMBIOS UUID of a machine of Proxmox VE");
  return { vmid: Number(vmid), born };
}

/** The address of a machine that has this number now; undefined where nothing tells it from one that gets the number after it. */
export function addressOf(vmid: number, config: Pick<MachineConfig, "meta" | "smbios1">): string | undefined {
  // Nobody can set the time, but clones had that of their template once; an UUID is new in each, but can be set.
  const created = /^\d{1,12}$/.exec(propertyOf(config.meta, "ctime") ?? "")?.[0] ?? NONE;
  const uuid = new RegExp(`^${UUID}$`).exec((propertyOf(config.smbios1, "uuid") ?? "").toLowerCase())?.[0];
  if (created === NONE && uuid === undefined) return undefined;
  return `${vmid}/${created}/${uuid ?? NONE}`;
}

/** Of a property string, KEY=VALUE,… */
function propertyOf(text: string | undefined, key: string): string | undefined {
  const found = text?.split(",").find((each) => each.startsWith(`${key}=`));
  return found?.slice(key.length + 1);
}
