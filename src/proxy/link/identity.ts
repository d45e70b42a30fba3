import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join as joinPath } from "node:path";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { ConfigError } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import { Backoff } from "./backoff.ts";
import { dayOf, endOf, remaining } from "./certificate.ts";
import { join } from "./join.ts";

/** All that a node keeps on disk. The texts are PEM. */
const Identity = Type.Object({
  nodeId: Type.String({ minLength: 1 }),
  privateKey: Type.String(),
  certificate: Type.String(),
  /** The installation's CA: from the join on, the only one that is trusted on the link. */
  authority: Type.String(),
});
export type Identity = Static<typeof Identity>;

const FILE_NAME = "node-identity.json";

export interface IdentityOptions {
  /** The node's data directory; made, for its owner alone, where it does not exist. */
  readonly data: string;
  /** The origins of control's links; any one will do. */
  readonly control: readonly string[];
  readonly joinTokenFile: string | null;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * The identity on disk, or a new one: then the node joins, trying until control answers. It joins anew where the
 * certificate on disk has ended, or soon will and there is a join token. Throws a ConfigError where it can do neither,
 * and a GatewayError where control refuses.
 */
export async function loadOrJoin(options: IdentityOptions): Promise<Identity> {
  const path = joinPath(options.data, FILE_NAME);
  const known = await load(path);
  if (known === undefined) return await joinAnew(path, options);
  switch (remaining(endOf(known.certificate), Date.now())) {
    case "long":
      return known;
    case "soon":
      return options.joinTokenFile === null ? known : await renew(path, known, options);
    case "ended":
      if (options.joinTokenFile === null) throw endedError(path, known);
      return await joinAnew(path, options);
  }
}

/** The token may be the one that the node joined with long ago; then what it has must do for the days that are left. */
async function renew(path: string, known: Identity, options: IdentityOptions): Promise<Identity> {
  try {
    return await joinAnew(path, options);
  } catch (error) {
    options.signal.throwIfAborted();
    options.log.warn({ error }, "The node's certificate could not be renewed");
    return known;
  }
}

function endedError(path: string, { certificate }: Identity): ConfigError {
  return new ConfigError([
    `--join-token-file is missing: the certificate in ${path} ended on ${dayOf(endOf(certificate))}, and the node has to join again`,
  ]);
}

async function joinAnew(path: string, options: IdentityOptions): Promise<Identity> {
  const joinToken = await readJoinToken(options.joinTokenFile);
  // Before the token is spent, so that a folder that cannot be made costs none.
  await mkdir(options.data, { recursive: true, mode: 0o700 });
  const identity = await joinPatiently(joinToken, options);
  await save(path, identity);
  options.log.info({ nodeId: identity.nodeId }, "Joined the installation");
  return identity;
}

async function load(path: string): Promise<Identity | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const identity = parse(text);
  if (!Check(Identity, identity)) throw new ConfigError([`${path}: is damaged; remove it, and join again`]);
  return identity;
}

async function readJoinToken(path: string | null): Promise<string> {
  if (path === null)
    throw new ConfigError(["--join-token-file is missing: this node has no identity yet and has to join"]);
  const text = (await readIfThere(path))?.trim();
  if (text === undefined || text === "")
    throw new ConfigError([`--join-token-file: ${path} holds no join token`]);
  return text;
}

async function joinPatiently(
  joinToken: string,
  { control, log, signal }: IdentityOptions,
): Promise<Identity> {
  const backoff = new Backoff();
  for (let tries = 0; ; tries++) {
    const replica = control[tries % control.length] ?? "";
    try {
      return await join(replica, joinToken, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toGatewayError(thrown);
      if (error.code !== "control_unreachable") throw error;
      log.warn({ error, control: replica }, "Control cannot be reached, trying again");
      await backoff.wait(signal);
    }
  }
}

/** Never half a file, and never for others' eyes: written aside, on disk, then renamed. */
async function save(path: string, identity: Identity): Promise<void> {
  const aside = `${path}.new`;
  const file = await open(aside, "w", 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(`${JSON.stringify(identity, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
