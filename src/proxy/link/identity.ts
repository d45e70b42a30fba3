import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname, join as joinPath } from "node:path";
import { type Static, Type } from "typebox";
import { Check } from "typebox/schema";
import { ConfigError } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { fingerprint } from "#tls/node-identity.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import { Backoff } from "./backoff.ts";
import { dayOf, endOf } from "./certificate.ts";
import { type Introduction, introduceBy, join } from "./join.ts";

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
  /** In Kubernetes, instead of that: a pod's token, which is made anew now and then. */
  readonly joinServiceAccountTokenFile: string | null;
  /** With it: the installation's CA, or its fingerprint. */
  readonly authorityFile: string | null;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * The identity on disk, or a new one: then the node joins, trying until control answers. It joins anew where the
 * certificate on disk has ended; one that ends soon is renewed over the link. Throws a ConfigError where the node can do
 * neither, and a GatewayError where control refuses.
 */
export async function loadOrJoin(options: IdentityOptions): Promise<Identity> {
  const path = joinPath(options.data, FILE_NAME);
  const known = await load(path);
  if (known === undefined) return await joinAnew(path, options);
  if (endOf(known.certificate) > Date.now()) return known;
  if (options.joinTokenFile === null && options.joinServiceAccountTokenFile === null)
    throw endedError(path, known);
  return await joinAnew(path, options);
}

/**
 * A new identity in place of the one on disk, of which control knows nothing any more. `undefined` where the node has
 * nothing to join with. Throws as `loadOrJoin`.
 */
export async function joinAgain(options: IdentityOptions): Promise<Identity | undefined> {
  if (!(await hasIntroduction(options))) return undefined;
  options.log.warn("Control does not know this node any more, it joins anew");
  return await joinAnew(joinPath(options.data, FILE_NAME), options);
}

/** In place of the one on disk: when this resolves, it outlasts a power cut. */
export async function keepIdentity(data: string, identity: Identity): Promise<void> {
  await save(joinPath(data, FILE_NAME), identity);
}

function endedError(path: string, { certificate }: Identity): ConfigError {
  return new ConfigError([
    `--join-token-file is missing: the certificate in ${path} ended on ${dayOf(endOf(certificate))}, and the node has to join again`,
  ]);
}

async function joinAnew(path: string, options: IdentityOptions): Promise<Identity> {
  // What is wrong with the files is told before anything is done.
  await introduction(options);
  // Before the token is spent, so that a folder that cannot be made costs none.
  await mkdir(options.data, { recursive: true, mode: 0o700 });
  const identity = await joinPatiently(options);
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

async function introduction(options: IdentityOptions): Promise<Introduction> {
  const { joinTokenFile, joinServiceAccountTokenFile, authorityFile } = options;
  if (joinTokenFile !== null)
    return introduceBy(await readToken(joinTokenFile, "--join-token-file", "join token"));
  if (joinServiceAccountTokenFile === null)
    throw new ConfigError(["--join-token-file is missing: this node has no identity yet and has to join"], {
      seeHelp: true,
    });
  if (authorityFile === null)
    throw new ConfigError([
      "--authority-file is missing: a service account token does not say by what control is known",
    ]);
  const flag = "--join-service-account-token-file";
  const serviceAccountToken = await readToken(joinServiceAccountTokenFile, flag, "token");
  return { authorityFingerprint: await readAuthority(authorityFile), shown: { serviceAccountToken } };
}

/** A join token is often deleted once it is spent. */
async function hasIntroduction(options: IdentityOptions): Promise<boolean> {
  try {
    await introduction(options);
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

async function readToken(path: string, flag: string, noun: string): Promise<string> {
  const text = (await readIfThere(path))?.trim();
  if (text === undefined || text === "") throw new ConfigError([`${flag}: ${path} holds no ${noun}`]);
  return text;
}

/** A certificate, or its fingerprint as a join token has it. */
async function readAuthority(path: string): Promise<string> {
  const text = (await readIfThere(path))?.trim() ?? "";
  if (/^[A-Za-z0-9_-]{43}$/.test(text)) return text;
  try {
    return fingerprint(text);
  } catch {
    throw new ConfigError([`--authority-file: ${path} holds neither a certificate nor its fingerprint`]);
  }
}

/** What may pass: nobody has said yet that the node may not join. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  "control_unreachable",
  "database_unavailable",
  "kubernetes_unavailable",
  "rate_limited",
]);

async function joinPatiently(options: IdentityOptions): Promise<Identity> {
  const { control, log, signal } = options;
  const backoff = new Backoff();
  for (let tries = 0; ; tries++) {
    const replica = control[tries % control.length] ?? "";
    try {
      return await join(replica, await introduction(options), signal);
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof ConfigError) throw thrown;
      const error = toGatewayError(thrown);
      if (!PASSING.has(error.code)) throw error;
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
  await syncFolder(dirname(path));
}

/** A new name in a folder outlasts a power cut only once the folder is written. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
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
