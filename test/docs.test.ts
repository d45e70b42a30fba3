import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, test } from "node:test";
import { FRONT_PROXIES } from "#cli/front-proxies.ts";
import { createContext } from "#cli/invocation.ts";
import { createProgram, everyCommand, PROCESSES } from "#cli/program.ts";
import { COMMANDS } from "#control/api/cloudstack/cloudstack.ts";
import { DOCUMENTS } from "./docs/documents.ts";

const root = resolve(import.meta.dirname, "..");
const pages = globSync("{*.md,{docs,bench,examples,src,test}/**/*.md}", { cwd: root }).sort();

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

describe("what is made from the sources equals what lies in docs", () => {
  for (const [path, make] of Object.entries(DOCUMENTS)) {
    test(path, () => {
      const found = existsSync(join(root, path)) ? read(path) : "";

      assert.equal(found, make(), `${path} is out of date; mend it: npx -c 'node test/docs/write.ts'`);
    });
  }
});

test("environment variables are named after their role, but for the two that all share and the database's", () => {
  const sections = read("docs/operations/configuration.md")
    .split(/^## porthole /m)
    .slice(1);

  for (const section of sections) {
    const [role = ""] = section.split("\n");
    const names = [...section.matchAll(/`(PORTHOLE_[A-Z_]+)`/g)].map(([, name = ""]) => name);
    const own = names.filter((name) => !["PORTHOLE_LOG_LEVEL", "PORTHOLE_JSON"].includes(name));
    assert.equal(names.length - own.length, 2, role);
    assert.deepEqual(
      own.filter((name) => !name.startsWith(`PORTHOLE_${role.toUpperCase()}_`)),
      role === "control" ? ["PORTHOLE_DATABASE"] : [],
    );
  }
  assert.equal(sections.length, 4);
});

test("the documentation's location of nginx under a path is what “porthole front-proxy nginx --path” prints", () => {
  const printed = FRONT_PROXIES.nginx({
    name: "cloud.example.com",
    nodes: ["10.0.0.11:8080"],
    path: "/console",
  });

  const [, location = "none"] =
    /^```nginx-path\n(.*?)^```$/ms.exec(read("docs/operations/front-proxy.md")) ?? [];
  assert.ok(printed.includes(location));
});

for (const [kind, recipe] of Object.entries(FRONT_PROXIES))
  test(`the documentation's ${kind} is what “porthole front-proxy ${kind}” prints`, () => {
    const printed = recipe({
      name: "console.example.com",
      nodes: ["10.0.0.11:8080", "10.0.0.12:8080"],
    });

    assert.ok(read("docs/operations/front-proxy.md").includes(`\n\`\`\`${kind}\n${printed}\`\`\`\n`));
  });

test("there are pages to check", () => {
  assert.ok(pages.includes("README.md"));
  assert.ok(pages.length > 10);
});

test("every relative link leads to a file, and to a heading where it names one", () => {
  const broken = pages.flatMap((page) =>
    links(read(page))
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => !leadsSomewhere(page, link))
      .map((link) => `${page}: ${link}`),
  );

  assert.deepEqual(broken, []);
});

function links(markdown: string): string[] {
  const inText = markdown
    .replaceAll(/```[\s\S]*?```/g, "")
    .matchAll(/\]\(([^)\s]+)[^)]*\)|(?:src|href)="([^"]+)"/g);
  return [...inText].map(([, link, attribute]) => link ?? attribute ?? "");
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = "", heading] = link.split("#");
  const target = path === "" ? page : join(dirname(page), path);
  if (!existsSync(join(root, target))) return false;
  return heading === undefined || anchors(read(target)).includes(heading);
}

/** As GitHub makes them of headings. */
function anchors(markdown: string): string[] {
  const headings = markdown.replaceAll(/```[\s\S]*?```/g, "").matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, text = ""]) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-"),
  );
}

test("every npm script that a page names exists", () => {
  const { scripts }: { readonly scripts: Readonly<Record<string, string>> } = JSON.parse(
    read("package.json"),
  );

  const unknown = pages.flatMap((page) =>
    [...read(page).matchAll(/\bnpm (?:run (?:-s |--silent )?([\w:-]+)|(start|test)\b)/g)]
      .map(([, named, standard]) => named ?? standard ?? "")
      .filter((name) => !(name in scripts))
      .map((name) => `${page}: npm run ${name}`),
  );

  assert.deepEqual(unknown, []);
});

test("every command of Porthole's that a page names exists", () => {
  const program = createProgram(createContext(new AbortController().signal, { json: false }));
  const known = everyCommand(program).map((command) =>
    [command.parent?.name(), command.name()]
      .filter((name) => name !== undefined && name !== "porthole")
      .join(" "),
  );
  const nouns = [...Object.keys(PROCESSES), ...known];

  const unknown = pages.flatMap((page) =>
    [...read(page).matchAll(/(?:porthole --|[`“]porthole|^porthole) ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?/gm)]
      .filter(([, noun = "", verb = ""]) => !nouns.includes(noun) && !nouns.includes(`${noun} ${verb}`))
      .map(([text]) => `${page}: ${text}`),
  );

  assert.ok(known.length > 10, "there are commands to compare with");
  assert.deepEqual(unknown, []);
});

test("every CloudStack command is in its document, and no other", () => {
  const [, table = ""] = /## What is the same\n([\s\S]*?)\n\n- /.exec(read("docs/api/cloudstack.md")) ?? [];
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  const named = rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );

  assert.deepEqual(named.sort(), ["login", "logout", ...COMMANDS.map(({ name }) => name)].sort());
});

test("every file of the sources that a page names exists", () => {
  const unknown = pages.flatMap((page) =>
    [...read(page).matchAll(/`((?:src|test|scripts|docs|bench|examples)\/[\w./-]+)`/g)]
      .map(([, path = ""]) => path)
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${page}: ${path}`),
  );

  assert.deepEqual(unknown, []);
});
