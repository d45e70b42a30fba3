import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { eventually } from "./harness/eventually.ts";
import { scratch } from "./harness/scratch.ts";
import type { TestEnded } from "./runner/events.ts";
import { type Limits, type Result, runFiles } from "./runner/supervise.ts";

const generous: Limits = { testMs: 60_000, workerMs: 60_000 };

/** Runs planted test files together. */
async function runPlanted(sources: string | readonly string[], limits: Limits = generous): Promise<Result> {
  await using folder = scratch();
  mkdirSync(folder.path, { recursive: true });
  const paths = [sources].flat().map((source, index) => {
    const path = join(folder.path, `planted-${index}.test.ts`);
    writeFileSync(path, `import { after, describe, before, test } from "node:test";\n${source}`);
    return relative(process.cwd(), path);
  });
  return await runFiles(paths, limits);
}

/** Which of the planted files, by their numbers, a test belongs to. */
function plantedIn({ file }: TestEnded): string {
  return /planted-(\d+)/.exec(file)?.[1] ?? file;
}

function names(tests: readonly TestEnded[], outcome: TestEnded["outcome"]): string[] {
  return tests.filter((each) => each.outcome === outcome).map((each) => each.name);
}

/** Empty for a process that has ended, whether or not anybody has asked how. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

test("each test is counted once, with the suites around it in its name", async () => {
  const { tests } = await runPlanted(`
    test("alone", () => {});
    describe("suite", () => {
      test("inside", () => {});
      test("failing inside", () => { throw new Error("the reason"); });
    });
    test("not here", { skip: "xterm is missing" }, () => {});
  `);

  assert.deepEqual(names(tests, "passed"), ["alone", "suite › inside"]);
  assert.deepEqual(names(tests, "failed"), ["suite › failing inside"]);
  assert.match(tests.find((each) => each.outcome === "failed")?.text ?? "", /Error: the reason\n\s+at /);
  assert.deepEqual(names(tests, "skipped"), ["not here"]);
  assert.equal(tests.find((each) => each.outcome === "skipped")?.text, "xterm is missing");
});

test("a suite that is skipped as a whole counts as one, with its reason", async () => {
  const { tests } = await runPlanted(`
    describe("suite", { skip: "chromium is missing" }, () => {
      before(() => { throw new Error("not to be run"); });
      test("first", () => {});
      test("second", () => {});
    });
  `);

  assert.deepEqual(
    tests.map(({ name, outcome, text }) => [name, outcome, text]),
    [["suite", "skipped", "chromium is missing"]],
  );
});

test("what breaks behind a test's end fails beside it", async () => {
  const { tests } = await runPlanted(`
    test("hasty", () => {
      setImmediate(() => Promise.reject(new Error("nobody waits for it")));
    });
    test("next", () => new Promise((done) => process.once("unhandledRejection", done)));
  `);

  assert.deepEqual(names(tests, "passed"), ["hasty", "next"]);
  assert.deepEqual(names(tests, "failed"), ["hasty › after its end"]);
  assert.match(tests.find(({ outcome }) => outcome === "failed")?.text ?? "", /nobody waits for it/);
});

test("a suite that cannot be set up fails", async () => {
  const { tests } = await runPlanted(`
    describe("suite", () => {
      before(() => { throw new Error("no set-up"); });
      test("inside", () => {});
    });
  `);

  assert.deepEqual(names(tests, "failed"), ["suite › inside", "suite"]);
});

test("a file that cannot be loaded fails", async () => {
  const { tests } = await runPlanted(`throw new Error("at load");`);

  assert.equal(names(tests, "failed").length, 1);
  assert.match(tests[0]?.text ?? "", /at load/);
});

test("a file that throws behind its first test fails, since what was to follow is lost", async () => {
  const { tests } = await runPlanted([
    `test("first", () => {}); throw new Error("half");`,
    `test("failing", () => { throw new Error("by itself"); }); throw new Error("half as well");`,
    `test("other", () => {});`,
  ]);

  assert.deepEqual(names(tests, "passed"), ["first", "other"]);
  const failed = tests.filter(({ outcome }) => outcome === "failed");
  const told = failed.map((test) => `${plantedIn(test)}: ${/Error: (.*)/.exec(test.text)?.[1]}`);
  assert.deepEqual(told.sort(), ["0: half", "1: by itself", "1: half as well"]);
});

test("of files that run together, the one that ends the process is named, and those that were not run", async () => {
  const passing = `test("passes", () => {});`;
  const { tests } = await runPlanted([passing, `test("ends", () => process.exit(3));`, passing]);

  assert.deepEqual(names(tests, "passed"), ["passes"]);
  const [failed] = tests.filter(({ outcome }) => outcome === "failed");
  assert.ok(failed !== undefined);
  assert.equal(plantedIn(failed), "1");
  assert.match(failed.text, /ended with 3, in: ends\nnot run: \S+planted-2\.test\.ts$/);
});

test("files that end the process before any test has begun are told by how many they are", async () => {
  const { tests } = await runPlanted([`test("passes", () => {});`, "process.exit(4);"]);

  assert.match(tests[0]?.file ?? "", /^2 files from .*planted-0\.test\.ts$/);
  assert.match(tests[0]?.text ?? "", /ended with 4, in: loading the files/);
});

for (const hook of ["before", "after"])
  test(`a hook of a whole file that fails (${hook}) fails what runs with it, and the worker ends`, async () => {
    const { tests } = await runPlanted([
      `${hook}(() => { throw new Error("in the hook"); }); test("one", () => {});`,
      `test("two", () => {});`,
    ]);

    const failed = tests.filter(({ outcome }) => outcome === "failed");
    assert.ok(failed.length > 0);
    for (const test of failed) {
      assert.match(test.text, /in the hook/);
      assert.match(plantedIn(test), /^[01]$/);
    }
  });

test("a file without tests fails", async () => {
  const { tests } = await runPlanted("");

  assert.deepEqual(names(tests, "failed"), ["the whole file"]);
});

test("a file that ends its process fails, beside what it had passed", async () => {
  const { tests, output } = await runPlanted(`
    test("first", () => {});
    test("second", () => { console.log("goodbye"); process.exit(0); });
  `);

  assert.deepEqual(names(tests, "failed"), ["the whole file"]);
  assert.match(tests.at(-1)?.text ?? "", /ended with 0, in: second/);
  assert.match(output, /goodbye/);
});

test("a test that waits for ever fails when its time is up", async () => {
  const { tests } = await runPlanted(
    `test("waits", async () => { await new Promise((resolve) => setTimeout(resolve, 1e8)); });`,
    { ...generous, testMs: 100 },
  );

  assert.deepEqual(names(tests, "failed"), ["waits"]);
});

test("a file that loops for ever is ended, and fails", async () => {
  const { tests } = await runPlanted(`test("loops", () => { for (;;); });`, { ...generous, workerMs: 1500 });

  assert.deepEqual(names(tests, "failed"), ["the whole file"]);
  assert.match(tests[0]?.text ?? "", /did not end within 1.5 s, in: loops/);
});

test("what a test leaves running is ended and holds nothing up", async () => {
  const { tests, output } = await runPlanted(`
    import { spawn } from "node:child_process";
    test("leaves a child", () => {
      const child = spawn("sleep", ["1000"], { stdio: "inherit" });
      child.unref();
      console.log(child.pid);
    });
  `);

  assert.deepEqual(names(tests, "passed"), ["leaves a child"]);
  await eventually(() => assert.equal(commandLine(Number(output)), ""));
});
