import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { Type } from "typebox";
import {
  type ChangedCredentials,
  CONSOLE_WAYS,
  type ConsoleWay,
  HYPERVISOR_PLATFORMS,
  Hypervisor,
  type HypervisorChange,
  type HypervisorCredentials,
  type HypervisorRule,
  HypervisorTest,
  type NewHypervisor,
} from "#wire/hypervisors.ts";
import { Nothing } from "../api-client.ts";
import { CliFailure } from "../exit-status.ts";
import { action, type CliContext, find, type Invocation } from "../invocation.ts";
import { type ConsoleTlsOptions, consoleTlsOptions, readConsoleTls } from "./console-tls.ts";

interface RuleOptions {
  readonly rule?: readonly HypervisorRule[];
  readonly project?: string;
}

interface CredentialOptions {
  readonly caFile?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly sshKey?: string;
  readonly knownHosts?: string;
  readonly username?: string;
  readonly secretFile?: string;
  readonly pin?: string;
}

interface AddOptions extends RuleOptions, ConsoleTlsOptions, CredentialOptions {
  readonly platform: NewHypervisor["platform"];
  readonly address: string;
  readonly readOnly?: boolean;
  readonly sessionPasswords?: boolean;
  readonly serialStreams?: boolean;
  readonly consoles?: ConsoleWay;
  readonly pool?: string;
}

interface UpdateOptions extends RuleOptions, ConsoleTlsOptions, CredentialOptions {
  readonly name?: string;
  readonly address?: string;
  readonly readOnly?: boolean;
  readonly sessionPasswords?: boolean;
  readonly serialStreams?: boolean;
  readonly consoles?: ConsoleWay;
  readonly pool?: string;
  /** False for --no-credentials. */
  readonly credentials: boolean;
  /** False for --no-rules. */
  readonly rules: boolean;
}

const ADDRESS =
  "as libvirt's own tools have it: qemu+tls://HOST/system, qemu+ssh://USER@HOST/system or qemu:///system; of XenServer and XCP-ng, https://HOST or https://HOST,HOST of one pool; of vSphere, https://VCENTER[:PORT]; of Proxmox VE, https://HOST[:PORT]; of KubeVirt, in-cluster, kubeconfig[:CONTEXT] or https://HOST[:PORT]; of a command, EXECUTABLE or EXECUTABLE:TARGET";
const SESSION_PASSWORDS =
  "give VNC a random password with an end for each session, and let what stands in a machine's definition be expired";
const SERIAL_STREAMS =
  "have nodes sign in to libvirt for serial lines that it alone reaches, such as pseudo-terminals: at its socket on their own machine, or by TLS with what control is let in by";
const READ_ONLY = "only look: switch nothing, and see no passwords";

/** Platforms that are asked for their machines. */
export function hypervisorCommands(program: Command, context: CliContext): void {
  const hypervisor = program
    .command("hypervisor")
    .description("The hypervisors that control asks for their machines");
  const add = hypervisor
    .command("add <name>")
    .description("Have control know a hypervisor; what opens it is kept encrypted")
    .addOption(
      new Option("--platform <platform>", "what it is").choices(HYPERVISOR_PLATFORMS).default("libvirt"),
    )
    .requiredOption("--address <address>", ADDRESS)
    .option("--session-passwords", SESSION_PASSWORDS)
    .option("--serial-streams", SERIAL_STREAMS)
    .addOption(consolesOption())
    .option("--pool <pool>", "the pool whose nodes carry its machines' consoles; the default pool if absent")
    .option("--read-only", READ_ONLY);
  consoleTlsOptions(ruleOptions(credentialOptions(add))).action(action(context, addHypervisor));
  const change = hypervisor
    .command("update <hypervisor>")
    .description(
      "Change how a hypervisor is reached, its name, into which projects its machines come, or how their consoles are reached; its machines stay what they are, and open consoles go on",
    )
    .option("--name <name>", "what it is called from now on")
    .option("--address <address>", ADDRESS)
    .option("--session-passwords", SESSION_PASSWORDS)
    .option(
      "--no-session-passwords",
      "take the password that stands in a machine's definition, or is on record",
    )
    .option("--serial-streams", SERIAL_STREAMS)
    .option("--no-serial-streams", "nodes do not sign in to libvirt, and reach what they can dial")
    .addOption(consolesOption())
    .option(
      "--pool <pool>",
      "the pool whose nodes carry its machines' consoles, but for those that were given one of their own",
    )
    .option("--read-only", READ_ONLY)
    .option("--no-read-only", "switch machines too, and see their passwords");
  consoleTlsOptions(ruleOptions(credentialOptions(change)))
    .option("--no-credentials", "forget what opens it, but for what is given beside this")
    .option("--no-rules", "none come into a project by themselves")
    .option("--no-console-tls", "reach their consoles without TLS from now on")
    .action(action(context, update));
  hypervisor.command("list").description("All hypervisors that control knows").action(action(context, list));
  hypervisor
    .command("test <hypervisor>")
    .description(
      "Go the whole way to a hypervisor, and say at which step it failed; the exit status is 1 then",
    )
    .action(action(context, test));
  hypervisor
    .command("remove <hypervisor>")
    .description("Forget a hypervisor, what opens it, and its machines; their consoles end")
    .action(action(context, remove));
}

function consolesOption(): Option {
  return new Option(
    "--consoles <way>",
    "of vSphere: webmks, which is the default and needs nothing on the hosts; vnc, of hosts before 7.0; or both, VNC only where there is no WebMKS",
  ).choices(CONSOLE_WAYS);
}

function credentialOptions(command: Command): Command {
  return command
    .option("--ca-file <file>", "for TLS: the authority that signs its certificate, as PEM")
    .option("--client-cert <file>", "for TLS: the certificate that control shows, as PEM")
    .option("--client-key <file>", "for TLS: that certificate's key, as PEM")
    .option("--ssh-key <file>", "for SSH: the key that control signs in with, without passphrase")
    .option("--known-hosts <file>", "for SSH: its host keys, as in OpenSSH's known_hosts")
    .option(
      "--pin <fingerprint>",
      "for TLS: its certificate's own fingerprint, sha256:… or sha1:…, in place of an authority",
    )
    .option("--username <name>", "the account or token that control signs in with")
    .option(
      "--secret-file <file>",
      "that account's password or the token's secret, or what a command signs in with; the last line's end is left out",
    );
}

function ruleOptions(command: Command): Command {
  return command
    .option(
      "--rule <name=project>",
      "machines whose name is NAME, with * for anything and ? for one character, come into the project; the first that fits counts, and --rule may be said again",
      collectRule,
      [],
    )
    .option("--project <project>", "into which all others come; absent: they wait until they are assigned");
}

/** A project's name may hold an equals sign, and a machine's may: what stands behind the last one is the project. */
function collectRule(text: string, before: readonly HypervisorRule[]): readonly HypervisorRule[] {
  const at = text.lastIndexOf("=");
  if (at < 1 || at === text.length - 1)
    throw new InvalidArgumentError("It is NAME=PROJECT, such as 'web-*=shop'.");
  return [...before, { name: text.slice(0, at), project: text.slice(at + 1) }];
}

function rulesOf({ rule = [], project }: RuleOptions): readonly HypervisorRule[] {
  return [...rule, ...(project === undefined ? [] : [{ name: "*", project }])];
}

async function addHypervisor({ api, output }: Invocation, name: string, options: AddOptions): Promise<void> {
  const { platform, address, readOnly = false, consoles, pool } = options;
  const { sessionPasswords = false, serialStreams = false } = options;
  const body: NewHypervisor = {
    name,
    platform,
    address,
    readOnly,
    ...(sessionPasswords ? { sessionPasswords } : {}),
    ...(serialStreams ? { serialStreams } : {}),
    ...(consoles === undefined ? {} : { consoles }),
    ...(pool === undefined ? {} : { pool }),
    credentials: await readCredentials(options),
    rules: [...rulesOf(options)],
    ...(await readConsoleTls(options)),
  };
  const made = await api.call({ method: "POST", path: ["hypervisors"], body, answer: Hypervisor });
  output.result(made, made.id);
}

async function update(
  { api, output }: Invocation,
  text: string,
  { rules, ...options }: UpdateOptions,
): Promise<void> {
  const { name, address, readOnly, sessionPasswords, serialStreams, consoles, pool } = options;
  const said = rulesOf(options);
  if (said.length > 0 && !rules) throw new CliFailure("usage", "--no-rules excludes --rule and --project");
  const credentials = { ...(options.credentials ? {} : NO_CREDENTIALS), ...(await readCredentials(options)) };
  const body: HypervisorChange = {
    ...(name === undefined ? {} : { name }),
    ...(address === undefined ? {} : { address }),
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(sessionPasswords === undefined ? {} : { sessionPasswords }),
    ...(serialStreams === undefined ? {} : { serialStreams }),
    ...(consoles === undefined ? {} : { consoles }),
    ...(pool === undefined ? {} : { pool }),
    ...(Object.keys(credentials).length === 0 ? {} : { credentials }),
    ...(said.length === 0 && rules ? {} : { rules: [...said] }),
    ...(options.consoleTls === false ? { consoleTls: null } : {}),
    ...(await readConsoleTls(options)),
  };
  if (Object.keys(body).length === 0)
    throw new CliFailure("usage", "nothing is to be changed", {
      remedy: "porthole hypervisor update --help",
    });
  const { id } = await named(api, text);
  const changed = await api.call({ method: "PATCH", path: ["hypervisors", id], body, answer: Hypervisor });
  output.result(changed, body.rules === undefined ? `${changed.name} is changed.` : rulesInWords(changed));
}

const NO_CREDENTIALS: ChangedCredentials = {
  caCertificate: null,
  clientCertificate: null,
  clientKey: null,
  sshKey: null,
  sshKnownHosts: null,
  username: null,
  secret: null,
  pin: null,
};

function rulesInWords({ name, rules }: Hypervisor): string {
  if (rules.length === 0) return `Machines of ${name} wait until they are assigned.`;
  const each = rules.map((rule) => `${rule.name} into ${rule.project}`).join(", ");
  return `Machines of ${name} come ${each}; others wait until they are assigned.`;
}

async function list({ output, ...invocation }: Invocation): Promise<void> {
  output.list(
    await allHypervisors(invocation),
    [
      { title: "NAME", keep: true, value: ({ name }) => name },
      { title: "PLATFORM", value: ({ platform }) => platform },
      { title: "ADDRESS", value: ({ address }) => address },
      {
        title: "STATE",
        value: ({ state = "new" }) => state,
        tone: ({ state }) => (state === "down" ? "bad" : state === "up" ? "good" : "faint"),
      },
      { title: "MACHINES", value: ({ machines }) => String(machines) },
      { title: "WAITING", value: ({ waiting }) => String(waiting) },
      { title: "POOL", spare: true, value: ({ pool }) => pool },
      { title: "READ ONLY", spare: true, value: ({ readOnly }) => (readOnly ? "yes" : "no") },
      { title: "PROBLEM", value: ({ problem }) => problem },
      { title: "CREATED", spare: true, value: ({ createdAt }) => output.time(createdAt) },
      { title: "ID", keep: true, value: ({ id }) => id },
    ],
    "No hypervisors. Have control know one: porthole hypervisor add NAME --address ADDRESS",
  );
}

async function test({ api, output }: Invocation, text: string): Promise<void> {
  const { id, name } = await named(api, text);
  const answer = HypervisorTest;
  const result = await api.call({ method: "POST", path: ["hypervisors", id, "test"], answer });
  if (!result.ok)
    throw new CliFailure("failed", `The way to ${name} fails at “${result.failedStep}”: ${result.detail}`);
  const { machines, silent = [] } = result;
  const left =
    silent.length === 0
      ? ""
      : ` No answer from ${silent.join(", ")}: ${silent.length === 1 ? "its" : "their"} machines stay as they are on record.`;
  output.result(
    result,
    `${name} answers, and has ${machines} ${machines === 1 ? "machine" : "machines"}.${left}`,
  );
}

async function remove({ api, output }: Invocation, text: string): Promise<void> {
  const { id, name } = await named(api, text);
  await api.call({ method: "DELETE", path: ["hypervisors", id], answer: Nothing });
  output.result({ id }, `The hypervisor ${name} is forgotten.`);
}

async function named(api: Invocation["api"], text: string): Promise<Hypervisor> {
  const all = await allHypervisors({ api });
  return await find(text, {
    noun: "hypervisor",
    byId: async (wanted) => all.find(({ id }) => id === wanted),
    byName: async (wanted) => all.filter(({ name }) => name === wanted),
    distinction: (same) => `Name it by its id: ${same.map(({ id }) => id).join(", ")}.`,
  });
}

async function allHypervisors({ api }: Pick<Invocation, "api">): Promise<readonly Hypervisor[]> {
  const answer = Type.Object({ items: Type.Array(Hypervisor) });
  return (await api.call({ method: "GET", path: ["hypervisors"], answer })).items;
}

async function readCredentials(options: CredentialOptions): Promise<HypervisorCredentials> {
  const files = {
    caCertificate: options.caFile,
    clientCertificate: options.clientCert,
    clientKey: options.clientKey,
    sshKey: options.sshKey,
    sshKnownHosts: options.knownHosts,
  };
  const read = Object.entries(files).map(async ([name, path]) =>
    path === undefined ? [] : [[name, await readText(path)]],
  );
  const { username, pin, secretFile } = options;
  return {
    ...Object.fromEntries((await Promise.all(read)).flat()),
    ...(username === undefined ? {} : { username }),
    ...(pin === undefined ? {} : { pin }),
    ...(secretFile === undefined ? {} : { secret: (await readText(secretFile)).trimEnd() }),
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new CliFailure("usage", `${path} cannot be read`, { cause });
  }
}
