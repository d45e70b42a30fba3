import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { inheritedOptions, serverOptions } from "./relaunch.ts";

const MODULE = new URL("./relaunch.ts", import.meta.url).href;

/** What a process has after it called `relaunch`: its limits, Node's options, and its arguments. */
function relaunched(
  role: string | undefined,
  { nodeOptions = [] as string[], shell = "ulimit -c unlimited;" } = {},
) {
  const program = `
    import { relaunch } from ${JSON.stringify(MODULE)};
    import { readdirSync, readFileSync } from "node:fs";
    relaunch({ role: ${JSON.stringify(role)} });
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

const OF_EVERY = ["--max-semi-space-size=16"];
const OF_CONTROL = [...OF_EVERY, "--v8-pool-size=1"];

test("control has core files off, and one thread beside the main one", () => {
  const { core, options, aside } = relaunched("control");

  assert.equal(core, "0");
  assert.deepEqual(ofServers(options), OF_CONTROL);
  assert.equal(aside, 1);
});

test("a node has core files off, and as many threads as Node gives it", () => {
  const { core, options, aside } = relaunched("proxy");

  assert.equal(core, "0");
  assert.deepEqual(ofServers(options), OF_EVERY);
  assert.equal(aside, relaunched(undefined).aside);
});

test("a process that was started with core files off still gets its options", () => {
  const { options } = relaunched("control", { shell: "ulimit -c 0;" });

  assert.deepEqual(ofServers(options), OF_CONTROL);
});

test("a command has core files off, and Node as it was given", () => {
  const { core, options } = relaunched(undefined);

  assert.equal(core, "0");
  assert.deepEqual(ofServers(options), []);
});

test("an operator's own number of threads, on Node's command line, is kept", () => {
  for (const nodeOptions of [["--v8-pool-size=3"], ["--v8-pool-size", "3"], ["--v8_pool_size=3"]])
    assert.equal(relaunched("control", { nodeOptions }).aside, 3, String(nodeOptions));
  assert.equal(relaunched("proxy", { nodeOptions: ["--v8-pool-size=1"] }).aside, 1);
});

test("an operator's own bounds, and other options of Node, are kept", () => {
  assert.deepEqual(serverOptions("control", ["--max-semi-space-size=64", "--trace-gc"]), [
    "--max-semi-space-size=64",
    "--trace-gc",
    "--v8-pool-size=1",
  ]);
  assert.deepEqual(serverOptions("control", ["--v8-pool-size=4"]), [
    "--v8-pool-size=4",
    "--max-semi-space-size=16",
  ]);
  assert.deepEqual(serverOptions("control", OF_CONTROL), OF_CONTROL);
});

test("what a process starts gets an operator's options from it, and those of its own role", () => {
  for (const role of ["proxy", "demo"]) {
    const from = (parent: string, ...options: string[]) =>
      inheritedOptions(role, { role: parent, options: serverOptions(parent, options) });

    assert.deepEqual(from("control"), OF_EVERY);
    assert.deepEqual(from("control", "--v8-pool-size=2"), ["--v8-pool-size=2", ...OF_EVERY]);
    for (const parent of ["proxy", "start"])
      assert.deepEqual(from(parent, "--v8-pool-size=1"), ["--v8-pool-size=1", ...OF_EVERY]);
  }
  assert.deepEqual(inheritedOptions("control", { role: "start", options: OF_EVERY }), OF_CONTROL);
});
