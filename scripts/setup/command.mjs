import { spawn } from "node:child_process";

const limits = {
  /** How much of a failed command's output is shown. */
  shownLines: 15,
  /** How much of a running command's output is kept for that. */
  keptCharacters: 64 * 1024,
};

/** A step that cannot be done. The message says which command failed, how, and what to do. */
export class StepError extends Error {
  name = "StepError";
}

/**
 * Runs a command to its end and returns what it wrote to standard output. Throws a StepError with the exact
 * command, its last lines and `remedy`.
 */
export async function command(program, args, { cwd, env = process.env, remedy } = {}) {
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let output = "";
  const keep = (chunk) => {
    output = (output + chunk).slice(-limits.keptCharacters);
  };
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    stdout += chunk;
    keep(chunk);
  });
  child.stderr.setEncoding("utf8").on("data", keep);

  const ending = await new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (status, signal) => resolve(status === 0 ? undefined : (signal ?? `status ${status}`)));
  });
  if (ending === undefined) return stdout;
  throw new StepError(describe([program, ...args].join(" "), ending, output, remedy));
}

function describe(line, ending, output, remedy) {
  const last = output
    .split("\n")
    .filter((text) => text.trim() !== "")
    .slice(-limits.shownLines)
    .map((text) => `    ${text}`);
  return [`The set-up stopped at: ${line}`, `It ended with ${ending}.`, ...last, remedy ?? ""]
    .filter((text) => text !== "")
    .join("\n");
}
