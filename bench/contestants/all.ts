import { spawnSync } from "node:child_process";
import type { StartContestant } from "./contestant.ts";
import { startUdpAnswer } from "./name-servers.ts";
import { isNovaUnpacked, startNovaConsoleproxy } from "./nova/consoleproxy.ts";
import {
  startBareRelay,
  startBareTlsRelay,
  startDirect,
  startFeatureless,
  startHaproxy,
  startTlsBeforeWebsockify,
  startWebsockify,
} from "./peers.ts";
import { startForwarded, startPorthole, startPortholeByTls, startPortholeOnPostgres } from "./porthole.ts";
import { isPostgresInstalled } from "./postgres.ts";
import { startBareUpdateOnPostgres, startBareUpdateOnSqlite } from "./redeeming.ts";

export const CONTESTANTS = {
  Porthole: startPorthole,
  "Porthole on PostgreSQL": startPortholeOnPostgres,
  "Porthole, forwarded": startForwarded,
  "Porthole, TLS": startPortholeByTls,
  "haproxy's TLS before websockify": startTlsBeforeWebsockify,
  "bare relay, TLS": startBareTlsRelay,
  websockify: startWebsockify,
  "nova-consoleproxy": startNovaConsoleproxy,
  haproxy: startHaproxy,
  "bare relay": startBareRelay,
  featureless: startFeatureless,
  "bare UDP": startUdpAnswer,
  "bare update, SQLite": startBareUpdateOnSqlite,
  "bare update, PostgreSQL": startBareUpdateOnPostgres,
  direct: startDirect,
} as const satisfies Record<string, StartContestant>;

export type Name = keyof typeof CONTESTANTS;

/** Those that are not our own programs, and how to know that they are there. */
const INSTALLED: Partial<Record<Name, () => boolean>> = {
  "Porthole on PostgreSQL": isPostgresInstalled,
  "bare update, PostgreSQL": isPostgresInstalled,
  "haproxy's TLS before websockify": () => runs("websockify", "--help") && runs("haproxy", "-v"),
  websockify: () => runs("websockify", "--help"),
  "nova-consoleproxy": isNovaUnpacked,
  haproxy: () => runs("haproxy", "-v"),
};

export function isInstalled(name: Name): boolean {
  return INSTALLED[name]?.() ?? true;
}

function runs(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args).error === undefined;
}
