import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serverOptions } from "#base/process/relaunch.ts";
import { LOOPBACK } from "./free-port.ts";
import { NativeClient } from "./native-client.ts";
import { firstLine, type Process, startProcess } from "./process.ts";
import { scratch } from "./scratch.ts";

/** A running installation, and its first administrator's key. */
export interface Porthole extends AsyncDisposable {
  /** The origins of control and of the node's pages. */
  readonly control: string;
  readonly node: string;
  readonly apiKey: string;
  readonly secretKey: string;
  readonly machines: readonly { readonly id: string; readonly name: string }[];
  readonly api: NativeClient;
  readonly data: string;
  readonly process: Process;
}

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const ANY_PORT = `${LOOPBACK}:0`;
const EVERYTHING_LOCAL = `127.0.0.0/8,::1,unix:${tmpdir()}/*`;

/** What `npm start` runs, on free ports and in a directory of its own. */
export async function startPorthole(options: { readonly args?: readonly string[] } = {}): Promise<Porthole> {
  const folder = scratch();
  const data = join(folder.path, "data");
  const child = await startRole("start", ["--listen", ANY_PORT, "--data", data, ...(options.args ?? [])]);
  const ready: Omit<Porthole, "api" | "data" | "process" | symbol> = JSON.parse(await firstLine(child));
  return {
    ...ready,
    api: new NativeClient(ready.control, ready),
    data,
    process: child,
    [Symbol.asyncDispose]: async () => {
      await child.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Control by itself, for tests that take its parts down one by one. */
export interface Control extends AsyncDisposable {
  readonly control: string;
  /** Where nodes find it. */
  readonly link: string;
  /** Where it is watched, if it was started so. */
  readonly admin?: string;
  /** Where its name server answers, if it was started with one. */
  readonly dns?: readonly string[];
  readonly apiKey: string;
  readonly secretKey: string;
  readonly joinToken: string;
  readonly api: NativeClient;
  readonly process: Process;
}

export async function startControl(options: { readonly args?: readonly string[] } = {}): Promise<Control> {
  const folder = scratch();
  const bootstrap = join(folder.path, "bootstrap.json");
  const child = await startRole("control", [
    ...["--data", folder.path, "--listen", ANY_PORT, "--link", ANY_PORT],
    ...["--bootstrap-file", bootstrap, "--upstream-allow", EVERYTHING_LOCAL, ...(options.args ?? [])],
  ]);
  const ready: Pick<Control, "control" | "link" | "admin" | "dns"> = JSON.parse(await firstLine(child));
  const keys: { readonly apiKey: string; readonly secretKey: string; readonly joinToken: string } =
    JSON.parse(readFileSync(bootstrap, "utf8"));
  return {
    ...ready,
    ...keys,
    api: new NativeClient(ready.control, keys),
    process: child,
    [Symbol.asyncDispose]: async () => {
      await child.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** One node, joined to a control. */
export interface Node extends AsyncDisposable {
  readonly id: string;
  /** Of all that it consists of, where it has workers. */
  readonly ids?: readonly string[];
  /** The origins of its pages and of its WebSocket. */
  readonly node: string;
  readonly websocket: string;
  readonly admin?: string;
  /** With --workers, one for each. */
  readonly admins?: readonly string[];
  readonly process: Process;
}

/** With `data`, a directory of the caller's, it is the same node again when it starts again. */
export async function startNode(
  { link, joinToken }: Pick<Control, "link" | "joinToken">,
  options: {
    readonly args?: readonly string[];
    readonly data?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Node> {
  const folder = scratch();
  const joinTokenFile = join(folder.path, "join-token");
  writeFileSync(joinTokenFile, joinToken, { mode: 0o600 });
  const data = options.data ?? join(folder.path, "node");
  const child = await startRole(
    "proxy",
    [
      ...["--control", link, "--join-token-file", joinTokenFile, "--data", data],
      // Tests that wait for sessions say so.
      ...["--listen", ANY_PORT, "--drain-timeout", "0", ...(options.args ?? [])],
    ],
    options.env,
  );
  const ready: Pick<Node, "id" | "ids" | "node" | "websocket" | "admin" | "admins"> = JSON.parse(
    await firstLine(child),
  );
  return {
    ...ready,
    process: child,
    [Symbol.asyncDispose]: async () => {
      await child.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/**
 * The environment of whoever runs the tests must not configure what they test. With the options that the process would give itself by
 * starting once more, as those of a service manager have it; `npm start` and the command line do that in tests as well.
 */
export async function startRole(
  role: string,
  args: readonly string[],
  given: Readonly<Record<string, string>> = {},
): Promise<Process> {
  const ours = Object.keys(process.env).filter((name) => name.startsWith("PORTHOLE_"));
  const env = { ...Object.fromEntries(ours.map((name) => [name, undefined])), ...given };
  return await startProcess(process.execPath, [...serverOptions(role, []), MAIN, role, ...args, "--json"], {
    env,
  });
}
