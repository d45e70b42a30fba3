import { Compile } from "typebox/schema";
import type { Log } from "#base/process/log.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import { CheckAnswer, type CheckCommand, type SeenByNode } from "#wire/link-self-check.ts";
import type { NodeChecks } from "../../self-check/node-checks.ts";
import type { SelfCheckToken } from "../../self-check/token.ts";
import type { Store } from "../../store/store.ts";
import type { Errand } from "../commands.ts";

const checkAnswer = Compile(CheckAnswer);

/** The self-check. The node answers at once, and tells later what it found: other errands are not kept waiting. */
export function createSelfCheckErrand({
  store,
  checks,
  token,
  log,
}: {
  readonly store: Store;
  readonly checks: NodeChecks;
  readonly token: SelfCheckToken;
  readonly log: Log;
}): Errand {
  return async (nodeId, tell) => {
    const asked = await checks.take(nodeId);
    if (asked === undefined) return;
    const row = await store.db
      .selectFrom("nodes")
      .select("incarnation")
      .where("id", "=", nodeId)
      .executeTakeFirst();
    if (row?.incarnation == null) return;
    const { run, askedAt, screens } = asked;
    const command: CheckCommand = {
      incarnation: row.incarnation,
      run,
      token: token(askedAt),
      screens: [...screens],
    };
    const unable = async (finding: string) => {
      const line: SeenByNode = { check: "node.check", finding };
      await checks.answer(nodeId, { run, lines: [line] });
    };
    try {
      const answer = await tell("check", command);
      if (!checkAnswer.Check(answer)) throw new Error("what a node answers is not of the link");
      if (!answer.looks) await unable("check_busy");
      log.debug({ nodeId }, "A node was told to look at itself");
    } catch (error) {
      if (toGatewayError(error).code !== "not_found") throw error;
      await unable("skipped_node_older");
    }
  };
}
