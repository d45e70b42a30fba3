import { createVsphereDriver } from "#hypervisors/vsphere/driver.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { startVcsim } from "../../test/peers/vcsim.ts";
import { startVsphereFront } from "../../test/peers/vsphere-front.ts";
import type { KINDS } from "../targets/vsphere-soap.ts";

type Kind = (typeof KINDS)[number];

/** What govmomi's simulator answers while its machines are listed, opened and stopped. */
export async function recordVsphere(): Promise<readonly { readonly kind: Kind; readonly said: string }[]> {
  await using vcsim = await startVcsim();
  await using front = await startVsphereFront(vcsim);
  await using driver = createVsphereDriver(front.access);
  const recorded: { readonly kind: Kind; readonly said: string }[] = [];
  const record = (method: string, kind: Kind) =>
    front.on(method, (said) => {
      recorded.push({ kind, said });
      return said;
    });
  record("/sdk/vimServiceVersions.xml", "versions");
  for (const kind of [
    "RetrieveServiceContent",
    "RetrievePropertiesEx",
    "WaitForUpdatesEx",
    "AcquireTicket",
  ] as const)
    record(kind, kind);
  const leave = new AbortController();
  const { signal } = leave;
  const told: string[] = [];
  await driver.follow((address) => void told.push(address), signal);
  const [machine] = await driver.list(signal);
  if (machine === undefined) throw new Error("it has no machines");
  const asked = { ...machine, id: "x", protocol: "rfb", password: undefined, state: "running" } as const;
  await driver.resolve(asked);
  await driver.power(machine.address, "cut", signal);
  await driver.resolve(asked).catch(() => {});
  await eventually(() => {
    if (!told.includes(machine.address)) throw new Error("nothing is told yet");
  });
  leave.abort();
  return recorded;
}
