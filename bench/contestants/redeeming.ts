/** Who redeems at a contestant: a node on control's link, or a program that does the bare update by itself. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RedeemerCommands } from "../load/redeemer.ts";
import { remote } from "../load/remote.ts";
import { start } from "../measure/child.ts";
import type { Takes } from "../measure/takes.ts";
import type { BareUpdateCommands } from "./bare-update.ts";
import type { Address, Contestant } from "./contestant.ts";
import { startPostgres } from "./postgres.ts";

/** What was issued, and is redeemed piece by piece. */
export interface Redeeming extends AsyncDisposable {
  /** Throws where so many are not left. */
  redeem(count: number): Promise<Takes>;
}

export interface RedeemOptions {
  readonly issued: number;
  readonly atOnce: number;
}

interface Installation {
  readonly link: string;
  readonly maximumSessions: number;
  ask(route: string, body: Readonly<Record<string, string>>): Promise<unknown>;
}

/** A pool of its own: its machine's consoles are given to it, whatever other nodes there are. */
const POOL = "redeemer";

/** The longest that there is. */
const TICKET_LIFETIME = "3600000";

export async function redeemOverLink(
  { link, maximumSessions, ask }: Installation,
  { issued, atOnce }: RedeemOptions,
): Promise<Redeeming> {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-redeemer-"));
  parts.defer(() => rm(folder, { recursive: true }));
  const joinTokenFile = join(folder, "join-token");
  const { token } = (await ask("POST join-tokens", { pool: POOL })) as { readonly token: string };
  await writeFile(joinTokenFile, token, { mode: 0o600 });
  const args = [fileURLToPath(new URL("../load/redeemer.ts", import.meta.url))];
  const child = parts.use(start({ command: process.execPath, args, part: "generator", channel: true }));
  const node = remote<RedeemerCommands>(child.process);
  await node.join({ link, joinTokenFile, data: join(folder, "data"), maximumSessions });

  // Issuing all of them takes seconds, on a slow machine more than a ticket's usual life.
  await ask("PUT settings/console.ticket.lifetime.native", { value: TICKET_LIFETIME });
  const machine = { name: "redeemed", protocol: "rfb", address: "127.0.0.1:1", pool: POOL };
  const { id } = (await ask("POST machines", machine)) as { readonly id: string };
  const sessionIds: string[] = [];
  await Promise.all(
    Array.from({ length: atOnce }, async (_, caller) => {
      for (let number = caller; number < issued; number += atOnce) {
        const console = (await ask(`POST machines/${id}/consoles`, {})) as { readonly sessionId: string };
        sessionIds.push(console.sessionId);
      }
    }),
  );
  const owned = parts.move();
  return {
    redeem: async (count) => await node.redeem({ sessionIds: take(sessionIds, count), atOnce }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export async function startBareUpdateOnSqlite(upstream: Address): Promise<Contestant> {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-bare-update-"));
  parts.defer(() => rm(folder, { recursive: true }));
  return await startBareUpdate(join(folder, "bare.db"), { upstream, parts, processes: {} });
}

export async function startBareUpdateOnPostgres(upstream: Address): Promise<Contestant> {
  await using parts = new AsyncDisposableStack();
  const { pid, url } = parts.use(await startPostgres());
  return await startBareUpdate(url, { upstream, parts, processes: { database: pid } });
}

async function startBareUpdate(
  database: string,
  {
    upstream,
    parts,
    processes,
  }: {
    readonly upstream: Address;
    readonly parts: AsyncDisposableStack;
    readonly processes: Readonly<Record<string, number>>;
  },
): Promise<Contestant> {
  const args = [fileURLToPath(new URL("./bare-update.ts", import.meta.url))];
  const child = parts.use(start({ command: process.execPath, args, part: "contestant", channel: true }));
  const program = remote<BareUpdateCommands>(child.process);
  const owned = parts.move();
  return {
    processes: { program: child.pid, ...processes },
    // No console is opened through it.
    entrance: { kind: "target", target: { kind: "tcp", ...upstream } },
    redeeming: async ({ issued, atOnce }) => {
      await program.open({ database, atOnce });
      const ids = await program.issue(issued);
      return {
        redeem: async (count) => await program.redeem({ ids: take(ids, count), atOnce }),
        async [Symbol.asyncDispose]() {},
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function take(ids: string[], count: number): string[] {
  if (ids.length < count) throw new Error(`${count} were to be redeemed, and ${ids.length} are left`);
  return ids.splice(0, count);
}
