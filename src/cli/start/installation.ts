import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { formatHostPort, type HostPort } from "#base/config.ts";
import type { LogLevel } from "#base/process/log.ts";
import { JoinToken, type NewJoinToken } from "#wire/api.ts";
import { ApiClient } from "../api-client.ts";
import type { ClientConfig } from "../config.ts";
import type { Children } from "./children.ts";
import { credentialFiles, keepCredentials, keepNovaToken, writeWhole } from "./credentials.ts";
import { registerDemoMachine } from "./demo-machine.ts";

/** Where the demo machine is, so what nodes may dial from the first start on. */
const LOOPBACK = "127.0.0.0/8,::1";

const ControlReady = Type.Object({
  ready: Type.Literal(true),
  control: Type.String(),
  link: Type.String(),
  nova: Type.Optional(Type.String()),
});
const NodeReady = Type.Object({ ready: Type.Literal(true), node: Type.String() });
const DemoReady = Type.Object({ ready: Type.Literal(true), address: Type.String() });

interface StartOptions {
  readonly directory: string;
  readonly listen: HostPort;
  /** Where the Nova API has a port of its own, if it is to have one. */
  readonly nova: HostPort | null;
  readonly novaOpen: boolean;
  readonly logLevel: LogLevel;
  readonly children: Children;
  /** Is told what is being done, before it is done. */
  readonly say: (text: string) => void;
}

/** A running installation on one machine. */
export interface Installation {
  readonly control: string;
  /** Of the Nova API's own port. */
  readonly nova?: string;
  readonly node: string;
  readonly credentials: ClientConfig;
  readonly api: ApiClient;
}

/**
 * Starts control, the demo machine and one node, in this order: each is there before whoever uses it, and goes after
 * it, so that a viewer is told that the node stops and not that its machine went away. Whoever called stops the
 * children, whatever happens here. Throws a StartFailure or a CliFailure.
 */
export async function startInstallation(options: StartOptions): Promise<Installation> {
  const { directory, children, say } = options;
  say("Starting the control plane");
  const { control, link, nova } = await startControl(options);
  const credentials = keepCredentials(directory, control);
  keepNovaToken(directory, options.novaOpen ? credentials : undefined);
  const api = new ApiClient(credentials, children.over);
  say("Starting the demo machine");
  await registerDemoMachine(api, directory, await startDemo(options));
  say("Starting a console node");
  const node = await startNode(options, { link, api });
  return { control, ...(nova !== undefined && { nova }), node, credentials, api };
}

async function startControl({ directory, listen, nova, novaOpen, logLevel, children }: StartOptions) {
  return await children.start("control", ControlReady, [
    ...["--data", directory, "--listen", formatHostPort(listen), "--link", freePortOf(listen)],
    ...["--bootstrap-file", credentialFiles(directory).bootstrap, "--upstream-allow", LOOPBACK],
    ...["--log-level", logLevel],
    ...(nova === null ? [] : ["--nova-listen", formatHostPort(nova)]),
    ...(novaOpen ? ["--nova-token-file", credentialFiles(directory).nova] : []),
  ]);
}

/** Resolves to the address that it serves RFB on. */
async function startDemo({ logLevel, children }: StartOptions): Promise<string> {
  const args = ["--listen", "127.0.0.1:0", "--log-level", logLevel];
  return (await children.start("demo", DemoReady, args)).address;
}

/** Resolves to the origin of its pages. */
async function startNode(
  { directory, listen, logLevel, children }: StartOptions,
  { link, api }: { readonly link: string; readonly api: ApiClient },
): Promise<string> {
  const data = join(directory, "node");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const joinToken = join(data, "join-token");
  writeWhole(joinToken, await newJoinToken(api));
  const args = (address: string) => [
    ...["--control", link, "--join-token-file", joinToken, "--data", data],
    ...["--listen", address, "--log-level", logLevel],
    // Whoever stops everything does not wait for the consoles of a demo.
    ...["--drain-timeout", "0"],
  ];
  const { node } = await children.start("proxy", NodeReady, args(freePortOf(listen)), {
    // One that is restarted comes back where its viewers know it.
    again: ({ node: origin }) => args(new URL(origin).host),
  });
  rmSync(joinToken, { force: true });
  return node;
}

function freePortOf({ host }: HostPort): string {
  return formatHostPort({ host, port: 0 });
}

/** For this one start: a node that has joined already does not use it, and it expires by itself. */
async function newJoinToken(api: ApiClient): Promise<string> {
  const body: NewJoinToken = { uses: 1, expiresInSeconds: 600 };
  const { token } = await api.call({ method: "POST", path: ["join-tokens"], body, answer: JoinToken });
  return `${token}\n`;
}
