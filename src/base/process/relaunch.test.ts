import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { SERVER_OPTIONS, serverOptions } from "./relaunch.ts";

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

/** Without what the harness starts Node with. */
function ofServers(options: readonly string[]): readonly string[] {
  return options.filter((option) => /^--(max-semi-space|v8-pool)-size/.test(option));
}

test("a process that serves has core files off, and the options of one that serves", () => {
  const { core, options } = relaunched(true);

  assert.equal(core, "0");
  assert.deepEqual(ofServers(options), SERVER_OPTIONS);
});

test("a process that was started with core files off still gets them", () => {
  const { options } = relaunched(true, { shell: "ulimit -c 0;" });

  assert.deepEqual(ofServers(options), SERVER_OPTIONS);
});

test("a command has core files off, and Node as it was given", () => {
  const { core, options } = relaunched(false);

  assert.equal(core, "0");
  assert.deepEqual(ofServers(options), []);
});

test("an operator's own bounds, and other options of Node, are kept", () => {
  assert.deepEqual(serverOptions(["--max-semi-space-size=64", "--trace-gc"]), [
    "--max-semi-space-size=64",
    "--trace-gc",
    "--v8-pool-size=1",
  ]);
  assert.deepEqual(serverOptions(["--v8-pool-size=4"]), ["--v8-pool-size=4", "--max-semi-space-size=16"]);
  assert.deepEqual(serverOptions(SERVER_OPTIONS), SERVER_OPTIONS);
});
