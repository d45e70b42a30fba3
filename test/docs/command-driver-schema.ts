import { ANSWERS, Refusal, Request } from "#hypervisors/command/answers.ts";

/** docs/command-driver.schema.json: what a command is told, and what it answers. */
export function commandDriverSchema(): string {
  const $comment = "Made from src/hypervisors/command/answers.ts: npx -c 'node test/docs/write.ts'";
  const $schema = "https://json-schema.org/draft/2020-12/schema";
  return `${JSON.stringify({ $schema, $comment, $defs: { request: Request, ...ANSWERS, refusal: Refusal } }, undefined, 2)}\n`;
}
