import type { Command } from "commander";
import { Type } from "typebox";
import { hostPort } from "#base/config.ts";
import { Node, Setting } from "#wire/api.ts";
import { parsePublicPath } from "#wire/public-path.ts";
import { CliFailure } from "../exit-status.ts";
import { FRONT_PROXIES, type Recipe } from "../front-proxies.ts";
import { action, type CliContext, type Invocation } from "../invocation.ts";

interface Options {
  readonly name?: string;
  readonly node?: readonly string[];
  readonly pool?: string;
  readonly path?: string;
}

/** Configurations for what stands in front of nodes, with the installation's own names. */
export function frontProxyCommands(program: Command, context: CliContext): void {
  const frontProxy = program
    .command("front-proxy")
    .description("Configurations for what stands in front of nodes");
  for (const [kind, recipe] of Object.entries(FRONT_PROXIES))
    frontProxy
      .command(kind)
      .description(`Print a whole configuration of ${kind} for the nodes of a pool`)
      .option("--name <host>", "the name that viewers come to; consoleproxy.url.domain if absent")
      .option(
        "--node <host:port...>",
        "where the proxy reaches each node, said once for each; where viewers do, if absent, which nodes behind a proxy do not know",
      )
      .option("--path <path>", "what their pages' paths come behind, where the name is not theirs alone")
      .option("--pool <pool>", "the pool whose nodes they are; the default pool if absent")
      .action(
        action(context, async (invocation, options: Options) => await print(invocation, recipe, options)),
      );
}

async function print(invocation: Invocation, recipe: Recipe, options: Options): Promise<void> {
  const name = options.name ?? (await domain(invocation));
  const nodes =
    options.node?.map((node) => checked("--node", node, readHostPort)) ??
    (await nodesOf(invocation, options.pool ?? "default"));
  if (!/^[A-Za-z0-9.-]+$/.test(name)) throw new CliFailure("usage", `“${name}” is no name of a host`);
  const path = options.path === undefined ? undefined : checked("--path", options.path, parsePublicPath);
  const configuration = recipe({ name, nodes, path });
  invocation.output.result({ name, nodes, path, configuration }, configuration.trimEnd());
}

async function domain({ api }: Invocation): Promise<string> {
  const answer = Type.Object({ items: Type.Array(Setting) });
  const { items } = await api.call({ method: "GET", path: ["settings"], answer });
  const value = items.find((setting) => setting.name === "consoleproxy.url.domain")?.value ?? "";
  if (value !== "" && !value.startsWith("*")) return value;
  const state = value === "" ? "is not set" : `is ${value}, which is not one name`;
  throw new CliFailure("usage", `consoleproxy.url.domain ${state}`, {
    remedy: "Say with --name which name the proxy has.",
  });
}

async function nodesOf({ api }: Invocation, pool: string): Promise<readonly string[]> {
  const answer = Type.Object({ items: Type.Array(Node) });
  const { items } = await api.call({ method: "GET", path: ["nodes"], answer });
  const serving = items
    .filter(
      (node) => (node.pool ?? "default") === pool && node.state !== "revoked" && node.state !== "stopped",
    )
    // One that has never registered has none.
    .filter(({ pageOrigin }) => pageOrigin !== "");
  // Its origin may be https though the node serves none: behind a proxy that is the proxy's.
  if (serving.some(({ certificate }) => certificate !== undefined))
    throw new CliFailure(
      "usage",
      `nodes of pool ${pool} serve TLS, and what is printed speaks plain HTTP to them`,
      {
        remedy:
          "Set consoleproxy.sslEnabled to false where the proxy ends TLS, or say with --node where they serve plain HTTP.",
      },
    );
  const origins = serving.map(({ pageOrigin }) => pageOrigin);
  const places = [...new Set(origins)].map(placeOf);
  const plain = origins.every((origin) => origin.startsWith("http:"));
  if (plain && places.length > 0 && places.length === origins.length) return places;
  const why =
    origins.length === 0
      ? `pool ${pool} has no node that has registered and is not stopped`
      : `nodes of pool ${pool} have the address of a proxy for viewers, so where they listen themselves cannot be told from here`;
  throw new CliFailure("usage", why, { remedy: "Say it with --node HOST:PORT, once for each node." });
}

function placeOf(origin: string): string {
  const { hostname, port } = new URL(origin);
  return `${hostname}:${port === "" ? 80 : port}`;
}

function readHostPort(text: string): string {
  hostPort(text);
  return text;
}

function checked(option: string, text: string, read: (text: string) => string): string {
  try {
    return read(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliFailure("usage", `${option} ${text}: ${reason}`, { cause });
  }
}
