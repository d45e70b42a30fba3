import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { SERVER_OPTIONS, serverOptions } from "./relaunch.ts";

const MODULE = new URL("./relaunch.ts", import.meta.url).href;

/** What a process has after it called `relaunch`: its limits, Node's options, and its arguments. */
function relaunched(serves: boolean, { nodeOptions = [] as string[], shell = "ulimit -c unlimited;" } = {}) {
  const program = `
    import { relaunch } from ${JSON.stringify(MODULE)};
    import { readdirSync, readFileSync } from "node:fs";
    relaunch({ serves: ${serves} });
    const limits = readFileSync("/proc/self/limits", "utf8");
    const options = process.execArgv.filter((option) => !option.includes("relaunch"));
    const threads = readdirSync("/proc/self/task").map((id) => readFileSync("/proc/self/task/" + id + "/comm", "utf8"));
    const aside = threads.filter((name) => name === "V8Worker\\n").length;
    console.log(JSON.stringify({ aside, core: /core file size +(\\S+)/.exec(limits)[1], options }));`;
  const node = [process.execPath, ...nodeOptions, "--input-type=module", "--eval", program];
  const { stdout, stderr } = spawnSync("/bin/sh", ["-c", `${shell} exec "$@"`, "sh", ...node], {
    encoding: "utf8",
  });
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as {
    /** How many threads V8 has beside the main one. */
    readonly aside: number;
    readonly core: string;
    readonly options: readonly string[];
  };
}

/** Without what the harness starts Node with. */
function ofServers(options: readonly string[]): readonly string[] {
  return options.filter((option) => /^--(max-semi-space|v8-pool)-size/.test(option));
}

test("a process that serves has core files off, and the options of one that serves", () => {
  const { core, options, aside } = relaunched(true);

  assert.equal(core, "0");
  assert.deepEqual(ofServers(options), SERVER_OPTIONS);
  assert.equal(aside, 1);
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

test("an operator's own number of threads, on Node's command line, is kept", () => {
  for (const nodeOptions of [["--v8-pool-size=3"], ["--v8-pool-size", "3"], ["--v8_pool_size=3"]])
    assert.equal(relaunched(true, { nodeOptions }).aside, 3, String(nodeOptions));
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
