import { Compile } from "typebox/schema";
import { toGatewayError } from "#wire/gateway-error.ts";
import { OutputAnswer, type OutputCommand } from "#wire/link-console-output.ts";
import type { OutputQuestions } from "../../consoles/outputs.ts";
import type { Store } from "../../store/store.ts";
import type { Errand } from "../commands.ts";

const outputAnswer = Compile(OutputAnswer);

/** What serial lines have said, one after the other. A node of an older version knows no such question, and so has nothing to tell. */
export function createConsoleOutputErrand({
  store,
  questions,
}: {
  readonly store: Store;
  readonly questions: OutputQuestions;
}): Errand {
  return async (nodeId, tell) => {
    for (
      let asked = await questions.take(nodeId);
      asked !== undefined;
      asked = await questions.take(nodeId)
    ) {
      const row = await store.db
        .selectFrom("nodes")
        .select("incarnation")
        .where("id", "=", nodeId)
        .executeTakeFirst();
      if (row?.incarnation == null) return;
      const { run, machineId } = asked;
      const command: OutputCommand = { incarnation: row.incarnation, machineId };
      try {
        const answer: unknown = await tell("output", command);
        if (!outputAnswer.Check(answer)) throw new Error("what a node answers is not of the link");
        await questions.answer(run, answer.output);
      } catch (error) {
        if (toGatewayError(error).code !== "not_found") throw error;
        await questions.answer(run, undefined);
      }
    }
  };
}
