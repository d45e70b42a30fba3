import assert from "node:assert/strict";
import { globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, test } from "node:test";
import { importTable, sourceFiles, violations } from "./architecture/rule.ts";
import { scratch } from "./harness/scratch.ts";

const root = resolve(import.meta.dirname, "..");
const table = importTable(readFileSync(join(root, "ARCHITECTURE.md"), "utf8"));

const limits = {
  fileLines: 400,
} as const;

describe("the sources", () => {
  test("keep to the import table that ARCHITECTURE.md prints, and to the rules beside it", () => {
    assert.ok(sourceFiles(root).length > 100, "there are files to check");

    assert.deepEqual(violations(root, table), []);
  });

  test("the table knows every folder, and no other", () => {
    const folders = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );

    const unknown = folders.map((entry) => entry.name).filter((name) => !table.has(name));

    assert.deepEqual(unknown, []);
    assert.deepEqual(table.get("base"), []);
    assert.deepEqual(table.get("web"), ["base", "wire", "protocols"]);
    assert.equal(table.size, 11);
  });

  // Whatever one file imports, a role loads as it starts: 146 modules more.
  test("check values by typebox/schema, and load neither typebox/compile nor typebox/value", () => {
    const files = globSync("src/**/*.{ts,tsx}", { cwd: root }).filter((file) => !file.endsWith(".test.ts"));

    const heavy = files.filter((file) =>
      /from "typebox\/(compile|value)"/.test(readFileSync(join(root, file), "utf8")),
    );

    assert.deepEqual(heavy, []);
  });

  test(`have no file of more than ${limits.fileLines} lines`, () => {
    const files = globSync("{src,test,bench,scripts,examples}/**/*.{ts,tsx,mjs,sh,css,html}", { cwd: root });

    const long = files.filter((file) => lineCount(join(root, file)) > limits.fileLines);

    assert.ok(files.length > 100, "there are files to check");
    assert.deepEqual(long, []);
  });
});

function lineCount(path: string): number {
  return readFileSync(path, "utf8").split("\n").length - 1;
}

describe("a planted breach is found and named", () => {
  const cases: Record<string, { file: string; source: string; breach: RegExp }> = {
    "a static import": {
      file: "src/proxy/a.ts",
      source: 'import { x } from "#control/store/store.ts";',
      breach: /^src\/proxy\/a\.ts:1 must not import #control$/,
    },
    "an import over several lines": {
      file: "src/control/a.ts",
      source: 'import {\n  x,\n  y,\n} from "#proxy/relay.ts";',
      breach: /^src\/control\/a\.ts:4 must not import #proxy$/,
    },
    "a dynamic import": {
      file: "src/control/a.ts",
      source: 'const x = await import("#protocols/rfb/messages.ts");',
      breach: /must not import #protocols$/,
    },
    "a type-only import": {
      file: "src/cli/a.ts",
      source: 'import type { X } from "#control/services.ts";',
      breach: /must not import #control$/,
    },
    "the type of an import": {
      file: "src/cli/a.ts",
      source: 'type X = import("#control/services.ts").Services;',
      breach: /must not import #control$/,
    },
    "a re-export": {
      file: "src/wire/a.ts",
      source: 'export * from "#protocols/rfb/messages.ts";',
      breach: /must not import #protocols$/,
    },
    "an import for its effect": {
      file: "src/base/a.ts",
      source: 'import "#wire/api.ts";',
      breach: /must not import #wire$/,
    },
    "a .tsx file": {
      file: "src/web/operator/a.tsx",
      source: 'import { x } from "#control/services.ts";',
      breach: /^src\/web\/operator\/a\.tsx:1 must not import #control$/,
    },
    "a relative path across a boundary": {
      file: "src/proxy/link/a.ts",
      source: 'import { x } from "../../wire/link.ts";',
      breach: /crosses a boundary with \.\.\/\.\.\/wire\/link\.ts: use #wire\/link\.ts$/,
    },
    "a boundary sign inside a folder": {
      file: "src/proxy/link/a.ts",
      source: 'import { x } from "#proxy/dial.ts";',
      breach: /names its own folder/,
    },
    "a worker's URL": {
      file: "src/proxy/a.ts",
      source: 'new Worker(new URL("../control/main.ts", import.meta.url));',
      breach: /crosses a boundary/,
    },
    "the composition root, imported": {
      file: "src/cli/start/a.ts",
      source: 'await import("../../main.ts");',
      breach: /crosses a boundary/,
    },
    "production code that imports a test's": {
      file: "src/proxy/a.ts",
      source: 'import { x } from "../../test/harness/process.ts";',
      breach: /outside src$/,
    },
    "a module of Node in wire": {
      file: "src/wire/a.ts",
      source: 'import { readFileSync } from "node:fs";',
      breach: /must not import node:fs$/,
    },
    "a module of Node in protocols, without its prefix": {
      file: "src/protocols/rfb/a.ts",
      source: 'import net from "net";',
      breach: /must not import net$/,
    },
    "Node-only code in the browser": {
      file: "src/web/viewer/a.ts",
      source: 'import { log } from "#base/process/log.ts";',
      breach: /must not import #base\/process$/,
    },
    "Node-only code in base itself": {
      file: "src/base/a.ts",
      source: 'import { log } from "./process/log.ts";',
      breach: /must not import #base\/process$/,
    },
    "a sibling protocol": {
      file: "src/protocols/spice/a.ts",
      source: 'import { x } from "../rfb/messages.ts";',
      breach: /must not import its sibling protocols\/rfb$/,
    },
    "a sibling upstream": {
      file: "src/proxy/upstreams/spice.ts",
      source: 'import { x } from "./rfb.ts";',
      breach: /must not import its sibling proxy\/upstreams\/rfb$/,
    },
    "a sibling hypervisor": {
      file: "src/hypervisors/xapi/driver.ts",
      source: 'import { x } from "../manual/driver.ts";',
      breach: /must not import its sibling hypervisors\/manual$/,
    },
    "a sibling API": {
      file: "src/control/api/nova/a.ts",
      source: 'import { x } from "../cloudstack/signature.ts";',
      breach: /must not import its sibling control\/api\/cloudstack$/,
    },
    "the environment outside a config.ts": {
      file: "src/proxy/a.ts",
      source: "const x = process.env.HOME;",
      breach: /reads the environment/,
    },
    "a second composition root": {
      file: "src/other.ts",
      source: 'import { main } from "#proxy/main.ts";',
      breach: /only main\.ts may/,
    },
    "a folder that the table does not know": {
      file: "src/extras/a.ts",
      source: "",
      breach: /which the table does not know$/,
    },
    "a folder whose name says nothing": {
      file: "src/proxy/utils/a.ts",
      source: "",
      breach: /is called utils/,
    },
    "a file whose name says nothing": {
      file: "src/proxy/helpers.ts",
      source: "",
      breach: /is called helpers/,
    },
  };

  for (const [name, { file, source, breach }] of Object.entries(cases)) {
    test(name, async () => {
      await using folder = scratch();
      plant(folder.path, file, source);

      const found = violations(folder.path, table);

      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", breach);
    });
  }
});

test("what the rule allows is not a breach", async () => {
  await using folder = scratch();
  const allowed: Record<string, string> = {
    "src/main.ts": 'await import("#proxy/main.ts");\nimport { ConfigError } from "#base/config.ts";',
    "src/base/process/child.ts": 'const entry = new URL("../../main.ts", import.meta.url);',
    "src/proxy/main.ts": 'const files = new URL("../../dist/web/viewer/", import.meta.url);',
    "src/base/process/log.ts": 'import { open } from "node:fs";\nimport { kebab } from "../config.ts";',
    "src/wire/api.ts": 'import { Type } from "typebox";\nimport { PROTOCOLS } from "./grant.ts";',
    "src/wire/api.test.ts": 'import { test } from "node:test";',
    "src/proxy/config.ts": "const env = process.env;",
    "src/proxy/upstreams/rfb.test.ts": 'import { x } from "./rfb.ts";',
    "src/hypervisors/manual/driver.ts": 'import type { Driver } from "../driver.ts";',
    "src/control/api/server.ts": 'import { a } from "./native/native.ts";',
    "src/control/store/store.test.ts": 'import { x } from "../../../test/conformance/store.ts";',
  };
  for (const [file, source] of Object.entries(allowed)) plant(folder.path, file, source);

  assert.deepEqual(violations(folder.path, table), []);
});

function plant(root: string, file: string, source: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), source);
}
