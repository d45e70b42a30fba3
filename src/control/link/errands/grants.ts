import { Compile } from "typebox/schema";
import type { Log } from "#base/process/log.ts";
import { GrantsAnswer } from "#wire/link.ts";
import type { OfflineGrants } from "../../tickets/offline-grants.ts";
import type { Errand } from "../commands.ts";

const grantsAnswer = Compile(GrantsAnswer);

/** Grants that the node may need while no control answers. */
export function createGrantsErrand(grants: OfflineGrants, log: Log): Errand {
  return async (nodeId, tell) => {
    let command = await grants.of(nodeId);
    while (command !== undefined) {
      const answer = await tell("grants", command);
      if (!grantsAnswer.Check(answer)) throw new Error("what a node answers is not of the link");
      await grants.settle(command, answer.kept);
      log.debug({ nodeId, grants: answer.kept.length }, "A node was given grants ahead");
      command = await grants.of(nodeId);
    }
  };
}
