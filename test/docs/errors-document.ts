import { ERROR_CODES, ERRORS } from "#wire/errors.ts";
import { looksOfOperators } from "./errors-for-operators.ts";
import { code, table } from "./markdown.ts";

/** docs/errors.md: the catalogue, a row for each code. */
export function errorsDocument(): string {
  return `${[
    "# Errors",
    "<!-- Made from src/wire/errors.ts: npx -c 'node test/docs/write.ts' -->",
    [
      "Every error that Porthole tells anybody has one of these codes. APIs send it as",
      '`{"error": {"code", "message", "remedy", "retryable", "detail", "reference"}}` with the HTTP status; a node that ends a',
      "console sends it as the ending, with the WebSocket close code; pages show its two sentences. `detail` names what was",
      "at fault, and `reference` is what an operator finds in the logs. Where a later try may succeed with nothing changed,",
      "the error is retryable.",
    ].join("\n"),
    table(
      ["code", "HTTP", "close", "retryable", "meaning", "what to do"],
      ERROR_CODES.map((each) => {
        const { status, close, retryable, meaning, remedy } = ERRORS[each];
        return [code(each), `${status}`, `${close}`, retryable ? "yes" : "no", meaning, remedy];
      }),
    ),
    "## For operators",
    [
      "What to look at when somebody comes with one of these and its reference. `porthole session show REFERENCE` says what became of",
      "the console, and the line of that `sessionId` in the log of its node has in `cause` what others are not told, such as the",
      "hypervisor's address. `porthole doctor` goes the ways of nodes and browsers and says where they end.",
    ].join("\n"),
    table(
      ["code", "look at"],
      looksOfOperators().map(([each, look]) => [code(each), look]),
    ),
  ].join("\n\n")}\n`;
}
