import { Compile } from "typebox/schema";
import type { Log } from "#base/process/log.ts";
import { EndSessionsAnswer, type EndSessionsCommand } from "#wire/link.ts";
import type { Closings } from "../../sessions/closing.ts";
import type { Errand } from "../commands.ts";

const endSessionsAnswer = Compile(EndSessionsAnswer);

/** The sessions that are ended from outside. */
export function createEndSessionsErrand(closings: Closings, log: Log): Errand {
  return async (nodeId, tell) => {
    let command: EndSessionsCommand | undefined = await closings.of(nodeId, "");
    while (command !== undefined) {
      const answer = await tell("end-sessions", command);
      if (!endSessionsAnswer.Check(answer)) throw new Error("what a node answers is not of the link");
      log.debug({ nodeId, sessions: command.sessions.length }, "A node was told to end sessions");
      const told = new Set(command.sessions.map(({ sessionId }) => sessionId));
      await closings.settle(
        nodeId,
        answer.unknown.filter((id) => told.has(id)),
      );
      command = await closings.of(nodeId, command.sessions.at(-1)?.sessionId ?? "");
    }
  };
}
