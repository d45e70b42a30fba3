import { ANSWERS, type Verb } from "#hypervisors/command/answers.ts";
import { readAnswer } from "#hypervisors/command/read-answer.ts";
import { ascii, type Target } from "../target.ts";
import { told } from "./told.ts";

/** By the first byte of an input. */
export const VERBS = Object.keys(ANSWERS) as Verb[];

/** What an executable of the operator's answers. It is read once it is whole. */
export const commandAnswer: Target = {
  name: "command-answer",
  words: ascii(
    ...[
      '{"machines": [',
      '{"machine": null}',
      '{"upstream": {"host": "h", "port": 1}}',
      "{}",
      "[]",
      "null",
      "1e999",
    ],
    ...[
      '"tls": {"mode": "pin", "pin": "x"}',
      '"consoles": [{"protocol": "rfb"}]',
      '"__proto__": {}',
      "\\u0000",
      "\ufeff",
    ],
    ...['{"error": {"reason": "machine_gone", "message": "x"}}', '"exclusive": true', "-0", "\\ud800"],
  ),
  maxBytes: 64 * 1024,
  run(input) {
    return told(readAnswer(VERBS[(input[0] ?? 0) % VERBS.length] ?? "list", input.subarray(1)));
  },
};
