import { batch, computed, signal } from "@preact/signals";
import { Check } from "typebox/schema";
import { DEFAULT_POOL, Pool, type Project } from "#wire/api.ts";
import type {
  ConsoleWay,
  Hypervisor,
  HypervisorChange,
  HypervisorRule,
  NewHypervisor,
} from "#wire/hypervisors.ts";
import type { NewMachineTls } from "#wire/machine-security.ts";

export const PLATFORMS = ["libvirt", "xenserver", "vsphere", "proxmox", "kubevirt", "command"] as const;
type Platform = NewHypervisor["platform"];

/** How control gets to a libvirt. */
export const WAYS = ["tls", "ssh", "socket"] as const;
type Way = (typeof WAYS)[number];

/** What decides which address and what else there is to be said. */
export type Kind = Way | Exclude<Platform, "libvirt">;

/** What opens a hypervisor. */
export const CREDENTIALS = {
  tls: ["caCertificate", "clientCertificate", "clientKey"],
  ssh: ["sshKey", "sshKnownHosts"],
  socket: [],
  xenserver: ["username", "secret", "caCertificate", "pin"],
  vsphere: ["username", "secret", "caCertificate", "pin"],
  proxmox: ["username", "secret", "caCertificate", "pin"],
  kubevirt: ["secret", "caCertificate", "pin"],
  command: ["secret"],
} as const satisfies Record<Kind, readonly (keyof NonNullable<NewHypervisor["credentials"]>)[]>;
export type Credential = (typeof CREDENTIALS)[Kind][number];

export const CONSOLE_TLS = ["none", "verify", "pin", "insecure"] as const;

/** Where something can be wrong that is known here, or that control names. */
export type Field = "name" | "address" | "pool" | "consoleTls.pin";

/** All but what opens it, which is never shown again. */
interface Known {
  readonly hypervisor: Hypervisor;
  readonly projects: readonly Project[];
}

/** What somebody writes of a hypervisor, new or known. It is in memory alone, and goes with the dialog. */
export class HypervisorForm {
  readonly #known: { readonly body: NewHypervisor; readonly kind: Kind } | undefined;
  readonly platform = signal<Platform>("libvirt");
  /** Of a libvirt. */
  readonly way = signal<Way>("tls");
  readonly kind = computed<Kind>(() =>
    this.platform.value === "libvirt" ? this.way.value : this.platform.value,
  );
  readonly name = signal("");
  readonly address = signal("");
  readonly texts = {
    caCertificate: signal(""),
    clientCertificate: signal(""),
    clientKey: signal(""),
    sshKey: signal(""),
    sshKnownHosts: signal(""),
    username: signal(""),
    secret: signal(""),
    pin: signal(""),
  } satisfies Record<Credential, unknown>;
  readonly readOnly = signal(false);
  readonly sessionPasswords = signal(false);
  readonly serialStreams = signal(false);
  /** Of vSphere. */
  readonly consoles = signal<ConsoleWay>("webmks");
  readonly rules = signal<readonly HypervisorRule[]>([]);
  /** Into which project all other machines come; empty, they wait. */
  readonly others = signal("");
  readonly pool = signal(DEFAULT_POOL);
  readonly consoleTls = signal<(typeof CONSOLE_TLS)[number]>("none");
  readonly console = {
    ca: signal(""),
    serverName: signal(""),
    pin: signal(""),
    clientCertificate: signal(""),
    clientKey: signal(""),
  };

  constructor(known?: Known) {
    if (known === undefined) return;
    const { hypervisor, projects } = known;
    const { platform, name, address, readOnly, sessionPasswords, serialStreams, consoleTls } = hypervisor;
    this.platform.value = platform;
    this.way.value = wayOf(address) ?? "socket";
    this.name.value = name;
    this.address.value = address;
    this.readOnly.value = readOnly;
    this.sessionPasswords.value = sessionPasswords;
    this.serialStreams.value = serialStreams;
    this.consoles.value = hypervisor.consoles ?? "webmks";
    const idOf = (said: string) => projects.find((each) => each.name === said)?.id ?? said;
    const rules = hypervisor.rules.map((rule) => ({ ...rule, project: idOf(rule.project) }));
    const last = rules.at(-1);
    const hasOthers = last?.name === "*";
    this.rules.value = hasOthers ? rules.slice(0, -1) : rules;
    this.others.value = hasOthers ? last.project : "";
    this.pool.value = hypervisor.pool;
    this.consoleTls.value = consoleTls?.mode ?? "none";
    for (const part of ["ca", "serverName", "pin", "clientCertificate"] as const)
      this.console[part].value = consoleTls?.[part] ?? "";
    this.#known = { body: this.body(), kind: this.kind.value };
  }

  /** libvirt's own addresses say which way they are. */
  writeAddress(text: string): void {
    batch(() => {
      this.address.value = text;
      const way = wayOf(text);
      if (way === undefined || (this.#known !== undefined && this.platform.value !== "libvirt")) return;
      this.platform.value = "libvirt";
      this.way.value = way;
    });
  }

  /** Those fields that are empty and cannot be, or are not as they have to be written. */
  missing(): readonly Field[] {
    return [
      ...(this.name.value.trim() === "" ? (["name"] as const) : []),
      ...(this.address.value.trim() === "" ? (["address"] as const) : []),
      ...(this.hasConsoleTls && this.consoleTls.value === "pin" && this.console.pin.value.trim() === ""
        ? (["consoleTls.pin"] as const)
        : []),
      ...(Check(Pool, this.#poolName) ? [] : (["pool"] as const)),
    ];
  }

  /** Whether the consoles of its machines are reached in another way than its API, so that there is something to say of it. */
  get hasConsoleTls(): boolean {
    return ["libvirt", "xenserver", "command"].includes(this.platform.value);
  }

  /** Nodes sign in at libvirt's socket and by TLS. */
  get takesSerialStreams(): boolean {
    return this.platform.value === "libvirt" && this.way.value !== "ssh" && !this.readOnly.value;
  }

  body(): NewHypervisor {
    const platform = this.platform.value;
    const credentials = CREDENTIALS[this.kind.value].flatMap((name) => {
      const text = this.texts[name].value;
      // Those are lines, and whoever pastes one may bring its end.
      const kept = name === "secret" || name === "username" || name === "pin" ? text.trimEnd() : text;
      return kept.trim() === "" ? [] : [[name, kept] as const];
    });
    return {
      name: this.name.value.trim(),
      platform,
      address: this.address.value.trim(),
      credentials: Object.fromEntries(credentials),
      rules: [
        ...this.rules.value.filter(({ name }) => name.trim() !== ""),
        ...(this.others.value === "" ? [] : [{ name: "*", project: this.others.value }]),
      ],
      pool: this.#poolName,
      readOnly: this.readOnly.value,
      ...(platform === "libvirt" && !this.readOnly.value && this.sessionPasswords.value
        ? { sessionPasswords: true }
        : {}),
      ...(this.takesSerialStreams && this.serialStreams.value ? { serialStreams: true } : {}),
      ...(platform === "vsphere" && !this.readOnly.value ? { consoles: this.consoles.value } : {}),
      ...(this.hasConsoleTls ? this.#consoleTls() : {}),
    };
  }

  /** What is other than it was. Of what opens it, what was left empty stays; what its new address has no use for is forgotten. */
  change(): HypervisorChange {
    const { platform: _, credentials, ...body } = this.body();
    const known = this.#known;
    const now = {
      ...body,
      sessionPasswords: body.sessionPasswords ?? false,
      serialStreams: body.serialStreams ?? false,
      consoleTls: body.consoleTls ?? null,
    };
    const before = {
      ...known?.body,
      sessionPasswords: known?.body.sessionPasswords ?? false,
      serialStreams: known?.body.serialStreams ?? false,
      consoleTls: known?.body.consoleTls ?? null,
    };
    const parts = (Object.keys(now) as (keyof typeof now)[]).filter(
      (part) => JSON.stringify(now[part]) !== JSON.stringify(before[part]),
    );
    const useful: readonly string[] = CREDENTIALS[this.kind.value];
    const useless =
      known === undefined ? [] : CREDENTIALS[known.kind].filter((each) => !useful.includes(each));
    const opens = { ...credentials, ...Object.fromEntries(useless.map((each) => [each, null])) };
    return {
      ...Object.fromEntries(parts.map((part) => [part, now[part]])),
      ...(Object.keys(opens).length === 0 ? {} : { credentials: opens }),
    };
  }

  get #poolName(): string {
    return this.pool.value.trim() || DEFAULT_POOL;
  }

  #consoleTls(): { readonly consoleTls?: NewMachineTls } {
    const mode = this.consoleTls.value;
    if (mode === "none") return {};
    const { ca, serverName, pin, clientCertificate, clientKey } = this.console;
    const said = {
      ...(mode === "verify" ? { ca: ca.value, serverName: serverName.value.trim() } : {}),
      ...(mode === "pin" ? { pin: pin.value.trim() } : {}),
      ...{ clientCertificate: clientCertificate.value, clientKey: clientKey.value },
    };
    const given = Object.entries(said).filter(([, text]) => text.trim() !== "");
    return { consoleTls: { mode, ...Object.fromEntries(given) } };
  }
}

/** Nothing where the address alone does not say it. */
function wayOf(address: string): Way | undefined {
  if (/^\w+\+tls:/.test(address)) return "tls";
  if (/^\w+\+ssh:/.test(address)) return "ssh";
  if (/^\w+(\+unix)?:\/\/\//.test(address)) return "socket";
  return undefined;
}
