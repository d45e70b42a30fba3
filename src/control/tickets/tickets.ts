import { GatewayError } from "#wire/gateway-error.ts";
import { consolePath } from "#wire/grant.ts";
import { openTicket, type TicketClaims, ticketNode } from "#wire/ticket.ts";
import type { JudgeStanding } from "../consoles/standing.ts";
import { type Drivers, driverOf, toDriverMachine } from "../machines/driver-machine.ts";
import { requireAdministrator } from "../rights.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { Vault } from "../vault/vault.ts";
import type { NodeKeys } from "./node-keys.ts";
import type { Tickets } from "./service.ts";

interface Parts {
  readonly store: Store;
  readonly vault: Vault;
  readonly drivers: Drivers;
  readonly nodeKeys: NodeKeys;
  readonly judgeStanding: JudgeStanding;
}

/** What may be known of a ticket without spending it. */
export function createTickets({ store, vault, drivers, nodeKeys, judgeStanding }: Parts): Tickets {
  const findNode = prepare(store, { id: TEXT }, (db, { id }) =>
    db.selectFrom("nodes").select(["id", "incarnation"]).where("id", "=", id),
  );
  const findSession = prepare(store, { id: TEXT, attachment: INTEGER }, (db, { id, attachment }) =>
    db
      .selectFrom("sessions")
      .select(["account_id", "machine_id", "project_id", "protocol", "view_only"])
      .where("id", "=", id)
      .where("attachment", "=", attachment)
      .where("state", "=", "pending")
      .where("redeemed_at", "is", null)
      .where("ticket_expires_at", ">", store.now),
  );

  return {
    async whereTo(caller, ticket) {
      requireAdministrator(caller);
      const { sessionId, attachment } = await claimsOf(ticket);
      const [session] = await findSession(store.db, { id: sessionId, attachment });
      if (session === undefined) throw new GatewayError("not_found", { detail: "ticket" });
      const { protocol } = session;
      const { machine } = await judgeStanding(session);
      const upstream = await driverOf(drivers, machine.driver).resolve(
        toDriverMachine(machine, vault, protocol),
      );
      const { address, tls } = upstream;
      // What a socket is, or a stream of libvirt's, nobody else can dial by.
      if (address.kind === "unix" || address.kind === "libvirt") return { machineId: machine.id, protocol };
      const path = consolePath(upstream);
      return {
        ...{ machineId: machine.id, protocol, host: address.host, port: address.port },
        ...(path === "" ? {} : { path }),
        ...(tls?.mode === "pin" ? { pin: tls.pin } : {}),
      };
    },
  };

  /** Of one that its node could still open. Throws `not_found`. */
  async function claimsOf(ticket: string): Promise<TicketClaims> {
    const [node] = await findNode(store.db, { id: ticketNode(ticket) ?? "" });
    const incarnation = node?.incarnation ?? undefined;
    if (node === undefined || incarnation === undefined)
      throw new GatewayError("not_found", { detail: "ticket" });
    try {
      return await openTicket(ticket, ...(await nodeKeys.opening(node.id, incarnation)));
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      throw new GatewayError("not_found", { cause, detail: "ticket" });
    }
  }
}
