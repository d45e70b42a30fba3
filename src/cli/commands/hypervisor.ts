import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { Type } from "typebox";
import {
  HYPERVISOR_PLATFORMS,
  Hypervisor,
  type HypervisorCredentials,
  HypervisorTest,
  type NewHypervisor,
} from "#wire/hypervisors.ts";
import { Nothing } from "../api-client.ts";
import { CliFailure } from "../exit-status.ts";
import { action, type CliContext, find, type Invocation } from "../invocation.ts";

interface AddOptions {
  readonly platform: NewHypervisor["platform"];
  readonly address: string;
  readonly readOnly?: boolean;
  readonly caFile?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly sshKey?: string;
  readonly knownHosts?: string;
}

/** Platforms that are asked for their machines. */
export function hypervisorCommands(program: Command, context: CliContext): void {
  const hypervisor = program
    .command("hypervisor")
    .description("The hypervisors that control asks for their machines");
  hypervisor
    .command("add <name>")
    .description("Have control know a hypervisor; what opens it is kept encrypted")
    .addOption(
      new Option("--platform <platform>", "what it is").choices(HYPERVISOR_PLATFORMS).default("libvirt"),
    )
    .requiredOption(
      "--address <address>",
      "as libvirt's own tools have it: qemu+tls://HOST/system, qemu+ssh://USER@HOST/system or qemu:///system",
    )
    .option("--read-only", "only look: switch nothing, and see no passwords")
    .option("--ca-file <file>", "for TLS: the authority that signs its certificate, as PEM")
    .option("--client-cert <file>", "for TLS: the certificate that control shows, as PEM")
    .option("--client-key <file>", "for TLS: that certificate's key, as PEM")
    .option("--ssh-key <file>", "for SSH: the key that control signs in with, without passphrase")
    .option("--known-hosts <file>", "for SSH: its host keys, as in OpenSSH's known_hosts")
    .action(action(context, add));
  hypervisor.command("list").description("All hypervisors that control knows").action(action(context, list));
  hypervisor
    .command("test <hypervisor>")
    .description(
      "Go the whole way to a hypervisor, and say at which step it failed; the exit status is 1 then",
    )
    .action(action(context, test));
  hypervisor
    .command("remove <hypervisor>")
    .description("Forget a hypervisor and what opens it")
    .action(action(context, remove));
}

async function add({ api, output }: Invocation, name: string, options: AddOptions): Promise<void> {
  const { platform, address, readOnly = false } = options;
  const body: NewHypervisor = {
    name,
    platform,
    address,
    readOnly,
    credentials: await readCredentials(options),
  };
  const made = await api.call({ method: "POST", path: ["hypervisors"], body, answer: Hypervisor });
  output.result(made, made.id);
}

async function list({ output, ...invocation }: Invocation): Promise<void> {
  output.list(
    await allHypervisors(invocation),
    [
      { title: "NAME", keep: true, value: ({ name }) => name },
      { title: "PLATFORM", value: ({ platform }) => platform },
      { title: "ADDRESS", value: ({ address }) => address },
      { title: "READ ONLY", value: ({ readOnly }) => (readOnly ? "yes" : "no") },
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
  output.result(result, `${name} answers, and has ${result.machines} machines.`);
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

async function readCredentials(options: AddOptions): Promise<HypervisorCredentials> {
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
  return Object.fromEntries((await Promise.all(read)).flat());
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new CliFailure("usage", `${path} cannot be read`, { cause });
  }
}
