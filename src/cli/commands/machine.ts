import { type Command, Option } from "commander";
import { MACHINE_STATES, Machine, type MachineChange, type NewMachine } from "#wire/api.ts";
import { PROTOCOLS } from "#wire/grant.ts";
import { isAsLastHeard, shownState } from "#wire/machine-state.ts";
import { Nothing } from "../api-client.ts";
import { CliFailure } from "../exit-status.ts";
import { action, type CliContext, type Invocation, readSecret } from "../invocation.ts";
import type { Field, Output } from "../output/output.ts";
import { findMachine, isOf } from "./find-machine.ts";
import { assignCommand, listWaiting } from "./machine-assign.ts";
import { powerCommands } from "./machine-power.ts";
import { screenshotCommand } from "./machine-screenshot.ts";
import { readTls, type TlsOptions, tlsOptions } from "./machine-tls.ts";

interface ProjectOption {
  readonly project?: string;
}

interface AddOptions extends ProjectOption, TlsOptions {
  readonly protocol: NewMachine["protocol"];
  readonly address: string;
  readonly serialAddress?: string;
  readonly passwordFile?: string;
  readonly username?: string;
  readonly pool?: string;
}

interface ListOptions extends ProjectOption {
  readonly search?: string;
  readonly waiting?: boolean;
}

interface UpdateOptions extends ProjectOption, TlsOptions {
  readonly name?: string;
  readonly address?: string;
  /** False for --no-serial-address. */
  readonly serialAddress?: string | false;
  readonly passwordFile?: string;
  /** False for --no-password. */
  readonly password: boolean;
  /** False for --no-username. */
  readonly username?: string | false;
  readonly state?: Machine["state"];
  readonly pool?: string;
}

const PASSWORD_FILE = [
  "--password-file <file>",
  "file with the console's VNC password; - reads it from standard input",
] as const;

const SERIAL_ADDRESS = [
  "--serial-address <address>",
  "its serial line beside its screen: as an address, or telnet://HOST:PORT, telnets://HOST:PORT, telnet+unix:/PATH",
] as const;

const USERNAME = [
  "--username <name>",
  "whose password it is, where the hypervisor asks for a user name",
] as const;

export function machineCommands(program: Command, context: CliContext): void {
  const machine = program.command("machine").description("The virtual machines whose consoles can be opened");

  const add = machine
    .command("add <name>")
    .description("Register a machine")
    .addOption(
      new Option("--protocol <protocol>", "what its console speaks").choices(PROTOCOLS).default("rfb"),
    )
    .requiredOption(
      "--address <address>",
      "HOST:PORT, [IPv6]:PORT or unix:/PATH, as the nodes reach the console; tls://HOST:PORT with TLS from the first byte on, ws:// or wss://HOST:PORT/PATH by WebSocket",
    )
    .option(...SERIAL_ADDRESS)
    .option(...PASSWORD_FILE)
    .option(...USERNAME);
  tlsOptions(add)
    .option("--project <project>", "name or id of its project; the default project if absent")
    .option("--pool <pool>", "the pool whose nodes carry its console; the default pool if absent")
    .action(action(context, addMachine));

  machine
    .command("list")
    .description("The machines that you may see")
    .option("--search <text>", "only those whose name has this in it")
    .option("--project <project>", "only those of this project, by name or id")
    .option("--waiting", "instead, those of hypervisors that wait for a project")
    .action(action(context, list));

  machine
    .command("show <machine>")
    .description("One machine, by name or id")
    .option("--project <project>", "the project to look in, where several have a machine of that name")
    .action(action(context, show));

  const update = machine
    .command("update <machine>")
    .description("Change a machine; what is left out stays as it is")
    .option("--name <name>", "a new name")
    .option("--address <address>", "a new address of its console")
    .option(...SERIAL_ADDRESS)
    .option("--no-serial-address", "forget its serial line")
    .option(...PASSWORD_FILE)
    .option("--no-password", "forget the console's password")
    .option(...USERNAME)
    .option("--no-username", "forget the user name");
  tlsOptions(update)
    .option("--no-tls", "reach its console without TLS from now on")
    .addOption(new Option("--state <state>", "whether it runs").choices(MACHINE_STATES))
    .option("--pool <pool>", "the pool whose nodes carry its console")
    .option("--project <project>", "the project to look in, where several have a machine of that name")
    .action(action(context, updateMachine));

  powerCommands(machine, context);
  screenshotCommand(machine, context);
  assignCommand(machine, context);

  machine
    .command("remove <machine>")
    .description("Forget a machine; the machine itself is not touched")
    .option("--project <project>", "the project to look in, where several have a machine of that name")
    .action(action(context, remove));
}

async function addMachine({ api, output }: Invocation, name: string, options: AddOptions): Promise<void> {
  const body: NewMachine = {
    name,
    protocol: options.protocol,
    address: options.address,
    ...(options.serialAddress === undefined ? {} : { serialAddress: options.serialAddress }),
    ...(options.passwordFile === undefined ? {} : { password: await readSecret(options.passwordFile) }),
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(await readTls(options)),
    ...(options.project === undefined ? {} : { project: options.project }),
    ...(options.pool === undefined ? {} : { pool: options.pool }),
  };
  const machine = await api.call({ method: "POST", path: ["machines"], body, answer: Machine });
  output.result({ id: machine.id }, machine.id);
}

async function list({ api, output }: Invocation, options: ListOptions): Promise<void> {
  const { search, project, waiting = false } = options;
  if (waiting) {
    if (search !== undefined || project !== undefined)
      throw new CliFailure("usage", "--waiting lists all that wait, without --search and --project");
    await listWaiting({ api, output });
    return;
  }
  const all = await api.list(["machines"], Machine, { query: { keyword: search } });
  const machines = all.filter((machine) => isOf(machine, project));
  const isAnyOfHypervisor = machines.some(({ hypervisor }) => hypervisor !== undefined);
  output.list(
    machines,
    [...fields(output), ...(isAnyOfHypervisor ? [HYPERVISOR] : [])],
    "No machines. Add one: porthole machine add NAME --address HOST:PORT",
  );
}

async function show(invocation: Invocation, text: string, { project }: ProjectOption): Promise<void> {
  invocation.output.record(await findMachine(invocation, text, project), details(invocation.output));
}

async function updateMachine(invocation: Invocation, text: string, options: UpdateOptions): Promise<void> {
  const { api, output } = invocation;
  if (!options.password && options.passwordFile !== undefined)
    throw new CliFailure("usage", "--password-file and --no-password exclude each other");
  const body: MachineChange = {
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.address === undefined ? {} : { address: options.address }),
    ...(options.serialAddress === undefined ? {} : { serialAddress: options.serialAddress || null }),
    ...(options.state === undefined ? {} : { state: options.state }),
    ...(options.pool === undefined ? {} : { pool: options.pool }),
    ...(options.password ? {} : { password: null }),
    ...(options.passwordFile === undefined ? {} : { password: await readSecret(options.passwordFile) }),
    ...(options.username === undefined
      ? {}
      : { username: options.username === false ? null : options.username }),
    ...(options.tls === false ? { tls: null } : {}),
    ...(await readTls(options)),
  };
  if (Object.keys(body).length === 0)
    throw new CliFailure("usage", "nothing is to be changed", { remedy: "porthole machine update --help" });
  const { id } = await findMachine(invocation, text, options.project);
  const machine = await api.call({ method: "PATCH", path: ["machines", id], body, answer: Machine });
  output.record(machine, details(output));
}

async function remove(invocation: Invocation, text: string, { project }: ProjectOption): Promise<void> {
  const { api, output } = invocation;
  const { id, name } = await findMachine(invocation, text, project);
  await api.call({ method: "DELETE", path: ["machines", id], answer: Nothing });
  output.result({ id }, `Machine “${name}” is forgotten.`);
}

const HYPERVISOR: Field<Machine> = { title: "HYPERVISOR", value: ({ hypervisor }) => hypervisor?.name };

/** Of one machine: a list has no room for what most machines have not. */
function details(output: Output): readonly Field<Machine>[] {
  return [
    ...fields(output),
    HYPERVISOR,
    { title: "SERIAL", value: ({ serialAddress }) => serialAddress },
    { title: "GUEST", value: ({ guest }) => (guest === "unknown" ? undefined : guest) },
    { title: "USER", value: (machine) => machine.username },
    { title: "TLS", value: (machine) => machine.tls?.mode },
    { title: "CERTIFICATE", value: (machine) => machine.tls?.pin ?? machine.tls?.serverName },
  ];
}

function fields(output: Output): readonly Field<Machine>[] {
  return [
    { title: "NAME", value: (machine) => machine.name },
    { title: "PROJECT", value: (machine) => machine.project },
    {
      title: "STATE",
      value: (machine) =>
        isAsLastHeard(machine) ? `${shownState(machine)}, as last heard` : shownState(machine),
      tone: (machine) => (shownState(machine) === "running" && !isAsLastHeard(machine) ? "good" : "faint"),
    },
    { title: "ADDRESS", value: (machine) => machine.address },
    { title: "POOL", spare: true, value: (machine) => machine.pool },
    { title: "CREATED", spare: true, value: (machine) => output.time(machine.createdAt) },
    { title: "ID", keep: true, value: (machine) => machine.id },
  ];
}
