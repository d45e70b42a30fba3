import { ConfigError } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { DEFAULT_POOL } from "#wire/api.ts";
import { createCommandLauncher } from "./command.ts";
import { createKubernetesLauncher } from "./kubernetes/kubernetes.ts";
import type { Launcher } from "./launcher.ts";
import type { DomainNetwork } from "./libvirt/domain.ts";
import { createLibvirtLauncher } from "./libvirt/libvirt.ts";
import { ProcessLauncher } from "./process.ts";

/** Which launcher a pool has: POOL=KIND, or POOL=KIND:NAME where there are several of a kind. */
export interface LauncherChoice {
  readonly pool: string;
  readonly kind: LauncherKind;
  readonly name: string;
}

/** What a kind is told behind its name, in an error's words; the others are told nothing. */
const NAMED: Readonly<Partial<Record<LauncherKind, { readonly what: string; readonly pattern: RegExp }>>> = {
  command: { what: "a script, as POOL=command:NAME", pattern: /^.+$/ },
  kubernetes: {
    what: "a StatefulSet, as POOL=kubernetes:NAMESPACE/NAME",
    pattern: /^[a-z0-9-]{1,63}\/[a-z0-9.-]{1,253}$/,
  },
};

const KINDS = ["process", "command", "kubernetes", "libvirt"] as const;
type LauncherKind = (typeof KINDS)[number];

/** What launchers are made with, out of control's configuration. */
export interface LauncherOptions {
  readonly launchers: readonly LauncherChoice[];
  /** Where nodes that are processes have their folders. */
  readonly launchDirectory: string;
  /** Where an operator's scripts are. */
  readonly launchCommands: string | null;
  readonly logLevel: string;
  /** What nodes and scripts may see of control's environment. */
  readonly launchEnvironment: Readonly<Record<string, string | undefined>>;
  /** Whose pods may join, each as NAMESPACE/NAME. */
  readonly kubernetesServiceAccounts: readonly string[];
  /** By which a cluster is asked. */
  readonly kubernetesApi: string;
  readonly kubernetesAuthorityFile: string;
  readonly kubernetesTokenFile: string;
  readonly libvirtUri: string;
  readonly libvirtImage: string;
  readonly libvirtStoragePool: string;
  readonly libvirtNetwork: DomainNetwork;
  readonly libvirtConsoleLogs: string;
  readonly libvirtMemory: number;
  readonly libvirtVcpus: number;
  readonly libvirtDomainType: "kvm" | "qemu";
  readonly libvirtStopSeconds: number;
}

/** What they need of control beside it. */
interface Surroundings {
  readonly installationId: string;
  readonly log: Log;
  /** The setting consoleproxy.launch.max. */
  readonly maximum: () => number;
}

/** Of the flag. Throws an Error that says what is wrong. */
export function launcherChoice(text: string): LauncherChoice {
  const [, pool = "", kind = "", name = ""] = /^([^=]+)=([a-z]+)(?::(.+))?$/.exec(text) ?? [];
  const known = KINDS.find((each) => each === kind);
  if (known === undefined) throw new Error(`must be POOL=LAUNCHER, the launcher one of ${KINDS.join(", ")}`);
  const named = NAMED[known];
  if (named === undefined && name !== "") throw new Error(`must name nothing behind ${known}`);
  if (named?.pattern.test(name) === false) throw new Error(`must name ${named.what}`);
  return { pool, kind: known, name };
}

/** The launchers by pools; pools that say the same share one. Throws a ConfigError. */
export function createLaunchers(
  { launchers: choices, ...options }: LauncherOptions,
  surroundings: Surroundings,
): ReadonlyMap<string, Launcher> {
  const made = new Map<string, Launcher>();
  const byPool = new Map<string, Launcher>();
  for (const choice of choices) {
    const { pool } = choice;
    if (byPool.has(pool)) throw new ConfigError([`--launchers: the pool ${pool} has two`]);
    const sets = choices.filter(({ kind, name }) => kind === "kubernetes" && name === choice.name);
    if (choice.kind === "kubernetes" && sets.length > 1)
      throw new ConfigError([`--launchers: the pods of ${choice.name} are of one pool, and not of several`]);
    const key = `${choice.kind}:${choice.name}`;
    const launcher = made.get(key) ?? make(choice, options, surroundings);
    made.set(key, launcher);
    byPool.set(pool, launcher);
  }
  return byPool;
}

/**
 * The pool that a pod, NAMESPACE/NAME, is a node of: that of the launcher whose StatefulSet made it, which gives its pods its
 * own name and a number. All others are of the default pool.
 */
export function poolOfPod(choices: readonly LauncherChoice[], pod: string): string {
  const [, statefulSet] = /^(.+)-\d+$/.exec(pod) ?? [];
  return (
    choices.find(({ kind, name }) => kind === "kubernetes" && name === statefulSet)?.pool ?? DEFAULT_POOL
  );
}

export async function closeLaunchers(launchers: ReadonlyMap<string, Launcher>): Promise<void> {
  await Promise.all([...new Set(launchers.values())].map(async (launcher) => await launcher.close()));
}

function make(
  { pool, kind, name }: LauncherChoice,
  options: Omit<LauncherOptions, "launchers">,
  { installationId, log, maximum }: Surroundings,
): Launcher {
  const { launchDirectory, launchCommands, logLevel, launchEnvironment: env } = options;
  switch (kind) {
    case "process":
      return new ProcessLauncher({ directory: launchDirectory, logLevel, env, log });
    case "command":
      if (launchCommands === null)
        throw new ConfigError(["--launch-commands is missing: it says where scripts are"]);
      return createCommandLauncher({ directory: launchCommands, name, installationId, env });
    case "kubernetes":
      return kubernetesLauncher({ pool, name, maximum }, options);
    case "libvirt":
      return createLibvirtLauncher({
        uri: options.libvirtUri,
        image: options.libvirtImage,
        storagePool: options.libvirtStoragePool,
        network: options.libvirtNetwork,
        consoleLogs: options.libvirtConsoleLogs,
        memoryMiB: options.libvirtMemory,
        vcpus: options.libvirtVcpus,
        type: options.libvirtDomainType,
        stopMs: options.libvirtStopSeconds * 1000,
        ...{ installationId, env, log },
      });
    default:
      return kind satisfies never;
  }
}

function kubernetesLauncher(
  { pool, name, maximum }: { readonly pool: string; readonly name: string; readonly maximum: () => number },
  {
    kubernetesApi: api,
    kubernetesAuthorityFile: authorityFile,
    kubernetesTokenFile: tokenFile,
    kubernetesServiceAccounts: serviceAccounts,
  }: Omit<LauncherOptions, "launchers">,
): Launcher {
  const [namespace = "", statefulSet = ""] = name.split("/");
  // Its pods would wait at the door for ever, and control would launch more and more of them.
  if (!serviceAccounts.some((account) => account.startsWith(`${namespace}/`)))
    throw new ConfigError([
      `--launchers: the pods of ${name} join as what they are: --kubernetes-service-accounts must name their service account, of the namespace ${namespace}`,
    ]);
  return createKubernetesLauncher({ api, authorityFile, tokenFile, namespace, statefulSet, pool, maximum });
}
