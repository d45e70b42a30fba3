/**
 * A node that does nothing but redeem: it joins, registers and asks with the node's own client of the link, over mutual
 * TLS, and dials nobody.
 */
import { randomBytes } from "node:crypto";
import { createLog } from "#base/process/log.ts";
import { isGrant, isHeartbeatResponse, isRegisterResponse } from "#proxy/link/answers.ts";
import { loadOrJoin } from "#proxy/link/identity.ts";
import { LinkClient } from "#proxy/link/link-client.ts";
import { type Takes, timeEach } from "../measure/takes.ts";
import { serve } from "./remote.ts";

export interface RedeemerCommands {
  /** Becomes a node. */
  join(options: {
    readonly link: string;
    readonly joinTokenFile: string;
    readonly data: string;
    readonly maximumSessions: number;
  }): Promise<unknown>;
  redeem(options: { readonly sessionIds: readonly string[]; readonly atOnce: number }): Promise<Takes>;
}

/** More often than control misses it. */
const BEAT_MS = 2000;
const OPTIONS = { deadlineMs: 30_000, repeatable: true } as const;

const incarnation = randomBytes(18).toString("base64url");
let link: LinkClient | undefined;

serve<RedeemerCommands>({
  join: async ({ link: control, joinTokenFile, data, maximumSessions }) => {
    const identity = await loadOrJoin({
      data,
      control: [control],
      joinTokenFile,
      joinServiceAccountTokenFile: null,
      authorityFile: null,
      log: createLog("redeemer", "silent"),
      signal: AbortSignal.timeout(OPTIONS.deadlineMs),
    });
    const client = new LinkClient({ controls: [control], credentials: identity, obey: refuse });
    const origin = "http://redeemer.example.com";
    const origins = { pageOrigin: origin, webSocketOrigin: origin };
    const introduction = { incarnation, version: "bench", ...origins, maximumSessions, ticketGeneration: 0 };
    const { ticketKeys = [] } = await client.call("register", introduction, isRegisterResponse, OPTIONS);
    const ticketGeneration = Math.max(...ticketKeys.map(({ generation }) => generation));
    const beat = async () => {
      const body = { incarnation, sessions: 0, ticketGeneration };
      await client.call("heartbeat", body, isHeartbeatResponse, OPTIONS);
    };
    await beat();
    setInterval(beat, BEAT_MS);
    link = client;
  },

  redeem: async ({ sessionIds, atOnce }) => {
    const client = link;
    if (client === undefined) throw new Error("it has not joined");
    return await timeEach(sessionIds, atOnce, async (sessionId) => {
      const nonce = randomBytes(12).toString("base64url");
      const body = { incarnation, sessionId, attachment: 1, viewerAddress: "127.0.0.1", nonce };
      await client.call("redeem", body, isGrant, OPTIONS);
    });
  },
});

/** Nothing is commanded of it that it could do. */
async function refuse(): Promise<never> {
  throw new Error("a redeemer obeys nothing");
}
