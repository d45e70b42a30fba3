import { Compile } from "typebox/schema";
import type { Log } from "#base/process/log.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import { type DrainCommand, LeaveAnswer, type LeaveCommand } from "#wire/link-draining.ts";
import { carries } from "../../fleet/carrying.ts";
import { DRAIN_CODES, hasSettled } from "../../fleet/draining.ts";
import { INTEGER, prepare, TEXT } from "../../store/prepared.ts";
import type { Store } from "../../store/store.ts";
import type { Errand } from "../commands.ts";

interface Parts {
  readonly store: Store;
  readonly log: Log;
}

/** Whether the node takes new sessions, where that has changed since it last said that it knows. */
export function createDrainErrand({ store, log }: Parts): Errand {
  const find = prepare(store, { nodeId: TEXT }, (db, slots) =>
    db
      .selectFrom("nodes")
      .select([
        "incarnation",
        "draining_at",
        "drain_outcome",
        "drain_deadline",
        "drain_warns",
        "drain_revision",
      ])
      .where("id", "=", slots.nodeId)
      .where("incarnation", "is not", null)
      .whereRef("drain_seen", "<>", "drain_revision"),
  );
  const note = prepare(store, { nodeId: TEXT, incarnation: TEXT, revision: INTEGER }, (db, slots) =>
    db
      .updateTable("nodes")
      .set({ drain_seen: slots.revision })
      .where("id", "=", slots.nodeId)
      .where("incarnation", "=", slots.incarnation),
  );

  return async (nodeId, tell) => {
    const [node] = await find(store.db, { nodeId });
    if (node === undefined || node.incarnation === null) return;
    const { incarnation, drain_outcome: outcome, drain_deadline: deadline } = node;
    const command: DrainCommand = {
      incarnation,
      ...(node.draining_at === null || outcome === null
        ? {}
        : {
            draining: {
              code: DRAIN_CODES[outcome],
              ...(deadline === null ? {} : { deadline }),
              warn: node.drain_warns === 1,
            },
          }),
    };
    try {
      await tell("drain", command);
    } catch (error) {
      // An older node does not know the command: it drains all the same, since nothing new is given to it.
      if (toGatewayError(error).code !== "not_found") throw error;
    }
    await note(store.db, { nodeId, incarnation, revision: node.drain_revision });
    log.debug({ nodeId, outcome }, "A node was told whether it drains");
  };
}

const leaveAnswer = Compile(LeaveAnswer);

/** The end of a start that is to leave, once nothing is open on it. */
export function createLeaveErrand({ store, log }: Parts): Errand {
  const find = prepare(store, { nodeId: TEXT }, (db, slots) =>
    db
      .selectFrom("nodes")
      .select(["incarnation", "drain_outcome"])
      .select((node) =>
        node.case().when("drain_deadline", "<=", store.now).then(1).else(0).end().as("is_due"),
      )
      .where("id", "=", slots.nodeId)
      .where("drain_outcome", "in", ["restart", "destroy"])
      .where((where) =>
        where.or([
          // A start that came later has nothing left to do of a restart.
          where("drain_incarnation", "=", where.ref("incarnation")),
          where.and([where("drain_outcome", "=", "destroy"), where("incarnation", "is not", null)]),
        ]),
      )
      .where((where) => where.not(carries(where))),
  );

  return async (nodeId, tell) => {
    // Nearly always there is none, and nothing else to be asked.
    const [candidate] = await find(store.db, { nodeId });
    if (candidate === undefined || !(await hasSettled(store.db, store, nodeId))) return;
    const [node] = await find(store.db, { nodeId });
    if (node === undefined || node.incarnation === null) return;
    const { incarnation, drain_outcome: outcome } = node;
    const command: LeaveCommand = {
      incarnation,
      how: outcome === "restart" ? "restart" : "stop",
      ...(node.is_due === 1 ? { cutsPassing: true } : {}),
    };
    const answer = await tell("leave", command);
    if (!leaveAnswer.Check(answer)) throw new Error("what a node answers is not of the link");
    log.info({ nodeId, outcome, leaves: answer.leaves }, "A node that carries nothing was told to leave");
  };
}
