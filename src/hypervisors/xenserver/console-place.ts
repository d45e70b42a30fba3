import { canonicalAddress } from "#wire/address.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import type { Trust } from "../trust.ts";
import { readName } from "./address.ts";
import { toPin } from "./fingerprint.ts";
import { XapiError } from "./json-rpc.ts";
import { type Console, NO_REF, read, type Vm } from "./records.ts";
import type { XapiClient } from "./xapi-client.ts";

/** Where a machine's console is now. */
export interface ConsolePlace {
  readonly host: string;
  /** By what that host is known. */
  readonly trust: Trust;
  readonly path: string;
}

/** As XAPI calls what a console speaks: text of a serial line is that of a VT100. */
export const XAPI_PROTOCOLS = { rfb: "rfb", serial: "vt100" } as const;

/** Of a machine that runs. Throws `machine_not_running`, or what else is in the way. */
export async function consolePlace(
  client: XapiClient,
  {
    vm,
    consoles,
    protocol,
    trust,
  }: {
    readonly vm: Vm;
    readonly consoles: readonly Console[];
    readonly protocol: keyof typeof XAPI_PROTOCOLS;
    readonly trust: Trust;
  },
  signal: AbortSignal,
): Promise<ConsolePlace> {
  if (vm.power_state !== "Running" || vm.resident_on === NO_REF)
    throw new GatewayError("machine_not_running");
  const wanted = consoles.find((each) => each.protocol === XAPI_PROTOCOLS[protocol]);
  if (wanted === undefined)
    throw new GatewayError("upstream_unreachable", { detail: `the machine has no ${protocol} console` });
  const host = await hostOf(client, vm.resident_on, signal);
  await judgeLocation(client, { location: wanted.location, host }, signal);
  const path = `/console?uuid=${wanted.uuid}`;
  return { host, path, trust: await trustOf(client, { ref: vm.resident_on, host, trust }, signal) };
}

export async function hostOf(client: XapiClient, ref: string, signal: AbortSignal): Promise<string> {
  const { address } = read.host(await client.call("host.get_record", [ref], { signal }));
  try {
    return readName(address);
  } catch (cause) {
    throw new HypervisorError("answer", "the host that has the machine has no address", { cause });
  }
}

/**
 * XAPI writes down where a console is: that has to be a host of this pool, or somebody has written down something else. The machine's
 * own host is dialled in any case: the location is of where the machine was before it moved, for a while.
 */
async function judgeLocation(
  client: XapiClient,
  { location, host }: { readonly location: string; readonly host: string },
  signal: AbortSignal,
): Promise<void> {
  const said = /^https:\/\/(\[[^\]/?#]*\]|[^/?#]*?)(?::\d+)?\/console(?:\?|$)/.exec(location)?.[1];
  if (said === undefined) throw elsewhere("its console's location is none");
  const name = said.replace(/^\[|\]$/g, "").toLowerCase();
  // XAPI leaves it out where the host had no address yet.
  if (name === "" || isSame(name, host)) return;
  const hosts = read.hosts(
    await client.call("host.get_all_records", [], { signal, answerBytes: HOSTS_BYTES }),
  );
  if (!Object.values(hosts).some(({ address }) => isSame(name, address.toLowerCase())))
    throw elsewhere("its console is said to be at a host that is not of its pool");
}

/** 64 hosts, with all that XAPI knows of their hardware and updates. */
const HOSTS_BYTES = 16 * 1024 * 1024;

function isSame(one: string, other: string): boolean {
  return (canonicalAddress(one) ?? one) === (canonicalAddress(other) ?? other);
}

function elsewhere(problem: string): HypervisorError {
  return new HypervisorError("answer", problem);
}

/**
 * A pin is that of one certificate, and each host has its own. The host that is known by it knows those of the others, and is taken at
 * its word.
 */
export async function trustOf(
  client: XapiClient,
  { ref, host, trust }: { readonly ref: string; readonly host: string; readonly trust: Trust },
  signal: AbortSignal,
): Promise<Trust> {
  if (trust.pin === undefined) return trust;
  const master = (await client.session(signal)).host;
  if (isSame(master, host)) return client.trustAt(master);
  const question = `field "host" = "${ref}" and field "type" = "host"`;
  const known = await client
    .call("Certificate.get_all_records_where", [question], { signal })
    .catch((error: unknown) => {
      // XAPI before 1.290, which knows of no certificates: the same one is on all hosts, or it is refused.
      if (error instanceof XapiError) return {};
      throw error;
    });
  for (const { fingerprint_sha256, fingerprint } of Object.values(read.certificates(known))) {
    const pin = toPin(fingerprint_sha256 || fingerprint || "");
    if (pin !== undefined) return { ...trust, pin };
  }
  return trust;
}
