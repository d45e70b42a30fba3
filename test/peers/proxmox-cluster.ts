import type { ProxmoxVnc } from "./proxmox-vnc.ts";

/** What there is, and what the token may: see proxmox-api.ts for the documents. */
export interface Cluster {
  /** By VMID. */
  readonly machines: Map<number, ClusterMachine>;
  /** Of the token, on all machines. */
  readonly privileges: Set<string>;
  /** Nodes that do not answer to the one that is asked. */
  readonly down: Set<string>;
  /** Of those, which nobody has noticed yet. */
  readonly unnoticed: Set<string>;
  /** Nodes that are back, whose pvestatd has said nothing yet. */
  readonly untold: Set<string>;
  readonly authorityFingerprint: string;
  /** It says what is wrong in the status line alone. */
  isOld: boolean;
  /** Of qemu-server 9.1.7 or later, where a termproxy takes tickets of API tokens. */
  takesTokens: boolean;
}

export interface ClusterMachine {
  node: string;
  readonly type: "qemu" | "lxc";
  status: "running" | "stopped";
  readonly config: Record<string, string>;
  /** When it was started, for its uptime. */
  startedAt?: number;
  /** As pvestatd said last. */
  seen?: { readonly status: string; readonly name?: string; readonly uptime?: number };
  readonly template?: boolean;
}

/** Not done, with the status and the message. */
export class ProxmoxError extends Error {
  readonly status: number;
  readonly errors: Readonly<Record<string, string>> | undefined;

  constructor(status: number, message: string, errors?: Readonly<Record<string, string>>) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

interface Question {
  readonly method: "GET" | "POST";
  readonly path: RegExp;
  readonly parameters?: readonly string[];
  answer(named: Readonly<Record<string, string>>, parameters: Readonly<Record<string, string>>): unknown;
}

const MACHINE = "/nodes/(?<node>[^/]+)/qemu/(?<vmid>\\d+)";

export function questions(cluster: Cluster, vnc: ProxmoxVnc): readonly Question[] {
  const { machines, privileges, down, unnoticed, authorityFingerprint } = cluster;
  const require = (privilege: string, vmid: string) => {
    if (!privileges.has(privilege))
      throw new ProxmoxError(403, `Permission check failed (/vms/${vmid}, ${privilege})\n`);
  };
  /** PVE::QemuConfig->load_config */
  const load = (node: string, vmid: string) => {
    if (down.has(node)) throw new ProxmoxError(595, "No route to host"); // [proxy]
    const machine = machines.get(Number(vmid));
    if (machine?.node !== node || machine.type !== "qemu")
      throw new ProxmoxError(
        500,
        `Configuration file 'nodes/${node}/qemu-server/${vmid}.conf' does not exist\n`,
      );
    return machine;
  };
  const power = (verb: string, run: (machine: ClusterMachine) => void): Question => ({
    method: "POST",
    path: new RegExp(`^${MACHINE}/status/${verb}$`),
    answer({ node = "", vmid = "" }) {
      require("VM.PowerMgmt", vmid);
      run(load(node, vmid));
      return `UPID:${node}:00000001:00000001:00000001:qm${verb}:${vmid}:porthole@pve!consoles:`;
    },
  });
  const start = (machine: ClusterMachine) => {
    machine.status = "running";
    machine.startedAt = Date.now();
  };
  const stop = (machine: ClusterMachine) => {
    machine.status = "stopped";
  };

  return [
    {
      method: "GET",
      path: /^\/access\/permissions$/,
      parameters: ["path", "userid"],
      answer: () =>
        privileges.size === 0 ? {} : { "/vms": Object.fromEntries([...privileges].map((name) => [name, 1])) },
    },
    {
      method: "GET",
      path: /^\/cluster\/resources$/,
      parameters: ["type"],
      answer: () => (privileges.has("VM.Audit") ? [...machines].map((each) => resource(each, cluster)) : []),
    },
    {
      method: "GET",
      path: /^\/nodes$/,
      answer: () =>
        [...new Set(["pve1", "pve2", ...down])].map((node) => ({
          ...{ id: `node/${node}`, node, type: "node", level: "" },
          status: down.has(node) && !unnoticed.has(node) ? "offline" : "online",
        })), // [nodes]
    },
    {
      method: "GET",
      path: /^\/nodes\/localhost\/certificates\/info$/,
      answer: () => [
        { filename: "pve-root-ca.pem", fingerprint: authorityFingerprint, "public-key-bits": 4096 },
        { filename: "pve-ssl.pem", fingerprint: authorityFingerprint.toLowerCase() },
      ],
    },
    {
      method: "GET",
      path: /^\/nodes\/(?<node>[^/]+)\/qemu$/,
      parameters: ["full"],
      answer({ node = "" }) {
        if (down.has(node)) throw new ProxmoxError(595, "No route to host");
        const there = [...machines].filter(([, each]) => each.node === node && each.type === "qemu");
        return there.map(([vmid, { status, config }]) => ({
          vmid,
          status,
          name: config["name"] ?? `VM ${vmid}`,
        }));
      },
    },
    {
      method: "GET",
      path: new RegExp(`^${MACHINE}/config$`),
      parameters: ["current", "snapshot"],
      answer({ node = "", vmid = "" }) {
        require("VM.Audit", vmid);
        return { digest: "0".repeat(40), boot: "order=scsi0", ...load(node, vmid).config };
      },
    },
    {
      method: "GET",
      path: new RegExp(`^${MACHINE}/status/current$`),
      answer({ node = "", vmid = "" }) {
        require("VM.Audit", vmid);
        const { status } = load(node, vmid);
        return { vmid: Number(vmid), status, qmpstatus: status, ha: { managed: 0 }, cpus: 1 };
      },
    },
    {
      method: "POST",
      path: new RegExp(`^${MACHINE}/vncproxy$`),
      parameters: ["websocket", "generate-password"],
      answer({ node = "", vmid = "" }, { websocket }) {
        require("VM.Console", vmid);
        load(node, vmid);
        return vnc.open(Number(vmid), { isPlain: websocket === "1" });
      },
    },
    {
      method: "POST",
      path: new RegExp(`^${MACHINE}/termproxy$`),
      parameters: ["serial"],
      answer({ node = "", vmid = "" }, { serial }) {
        require("VM.Console", vmid);
        load(node, vmid);
        return vnc.openTerminal(Number(vmid), serial);
      },
    },
    power("start", start),
    power("shutdown", stop),
    power("stop", stop),
    power("reboot", start),
    power("reset", () => {}),
  ];
}

/** What it tells is as old as what pvestatd saw, which looks again behind it. Of a node that is down nobody does, and after five minutes nothing is known, until it is back and has looked. */
function resource(
  [vmid, machine]: readonly [number, ClusterMachine],
  { down, unnoticed, untold }: Pick<Cluster, "down" | "unnoticed" | "untold">,
): object {
  const { node: at, type: kind } = machine;
  if ((down.has(at) && !unnoticed.has(at)) || untold.has(at))
    return { id: `${kind}/${vmid}`, vmid, node: at, type: kind, status: "unknown" };
  const { node, type, status, config, template = false } = machine;
  const name = config["name"] ?? `VM ${vmid}`;
  const uptime = status === "running" ? Math.floor((Date.now() - (machine.startedAt ?? 0)) / 1_000) : 0;
  const now = { status, name, uptime };
  const { seen = now } = machine;
  machine.seen = now;
  return {
    id: `${type}/${vmid}`,
    vmid,
    node,
    type,
    ...seen,
    template: template ? 1 : 0,
    maxcpu: 1,
    cpu: 0.01,
  };
}
