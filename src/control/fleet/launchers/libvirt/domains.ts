import { LaunchError, ORDER_ID } from "../launcher.ts";
import type { Virsh } from "./virsh.ts";

const limits = {
  /** Of lists that a domain's end falls into. */
  listAttempts: 5,
} as const;

/** A domain of ours, as `virsh list` shows it. */
export interface Domain {
  readonly name: string;
  readonly orderId: string;
  readonly pool: string;
  readonly state: DomainState;
}

/** libvirt: virDomainState, in virsh's words. */
const STATES = [
  "running",
  "idle",
  "paused",
  "in shutdown",
  "shut off",
  "crashed",
  "pmsuspended",
  "no state",
] as const;
type DomainState = (typeof STATES)[number];

/** An id that is `-` for one that does not run, the name, the state, and the title. */
const ROW = new RegExp(`^\\s*(?:\\d+|-)\\s+(\\S+)\\s+(${STATES.join("|")})\\s+pool (\\S.*?)\\s*$`);

/** The names of an installation's domains: of several installations on one host each sees its own. */
export function domainName(installationId: string, orderId: string): string {
  return `${prefix(installationId)}${orderId}`;
}

export function domainTitle(pool: string): string {
  return `pool ${pool}`;
}

/** All domains of the installation, in one question. */
export async function listDomains(
  virsh: Virsh,
  installationId: string,
  signal: AbortSignal,
): Promise<readonly Domain[]> {
  const start = prefix(installationId);
  return (await listing(virsh, signal)).split("\n").flatMap((line) => {
    const [, name = "", state, pool = ""] = ROW.exec(line) ?? [];
    const known = STATES.find((each) => each === state);
    const orderId = name.slice(start.length);
    if (known === undefined || !name.startsWith(start) || !ORDER_ID.test(orderId)) return [];
    return [{ name, orderId, pool, state: known }];
  });
}

/**
 * The orders that have a domain, whatever its state is and whatever somebody has made of its title: what is asked before
 * anything is deleted.
 */
export async function listOrders(
  virsh: Virsh,
  installationId: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const start = prefix(installationId);
  const names = (await virsh(["list", "--all", "--name"], signal)).split("\n").map((line) => line.trim());
  return new Set(names.flatMap((name) => (name.startsWith(start) ? [name.slice(start.length)] : [])));
}

/** virsh asks for the titles one by one, and gives up where a domain is gone by then. */
async function listing(virsh: Virsh, signal: AbortSignal): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await virsh(["list", "--all", "--title"], signal);
    } catch (error) {
      const isGone = error instanceof LaunchError && error.message.includes("Domain not found");
      if (!isGone || attempt === limits.listAttempts) throw error;
    }
  }
}

function prefix(installationId: string): string {
  return `porthole-${installationId.slice(0, 8)}-`;
}
