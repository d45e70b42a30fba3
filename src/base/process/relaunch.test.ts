import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { serverOptions } from "./relaunch.ts";

const MODULE = new URL("./relaunch.ts", import.meta.url).href;

/** What a process has after it called `relaunch`: its limits, Node's options, and its arguments. */
function relaunched(serves: boolean, { nodeOptions = [] as string[], shell = "ulimit -c unlimited;" } = {}) {
  const program = `
    import { relaunch } from ${JSON.stringify(MODULE)};
    import { readFileSync } from "node:fs";
    relaunch({ serves: ${serves} });
    const limits = readFileSync("/proc/self/limits", "utf8");
    const options = process.execArgv.filter((option) => !option.includes("relaunch"));
    console.log(JSON.stringify({ pid: process.pid, core: /core file size +(\\S+)/.exec(limits)[1], options }));`;
  const node = [process.execPath, ...nodeOptions, "--input-type=module", "--eval", program];
  const { stdout, stderr } = spawnSync("/bin/sh", ["-c", `${shell} exec "$@"`, "sh", ...node], {
    encoding: "utf8",
  });
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as { readonly core: string; readonly options: readonly string[] };
}

test("a process that serves has core files off and its young generation bounded", () => {
  const { core, options } = relaunched(true);

  assert.equal(core, "0");
  assert.ok(options.includes("--max-semi-space-size=16"), String(options));
});

test("a process that was started with core files off still gets its young generation bounded", () => {
  const { options } = relaunched(true, { shell: "ulimit -c 0;" });

  assert.ok(options.includes("--max-semi-space-size=16"), String(options));
});

test("a command has core files off, and Node as it was given", () => {
  const { core, options } = relaunched(false);

  assert.equal(core, "0");
  assert.ok(!options.some((option) => option.startsWith("--max-semi-space-size")), String(options));
});

test("an operator's own bound, and other options of Node, are kept", () => {
  assert.deepEqual(serverOptions(["--max-semi-space-size=64", "--trace-gc"]), [
    "--max-semi-space-size=64",
    "--trace-gc",
  ]);
  assert.deepEqual(serverOptions(["--trace-gc"]), ["--trace-gc", "--max-semi-space-size=16"]);
});
