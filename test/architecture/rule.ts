import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, posix } from "node:path";
import { type Import, importsOf } from "./imports.ts";

/** Folder of src → the folders it may import. */
export type ImportTable = ReadonlyMap<string, readonly string[]>;

/** Reads the table that ARCHITECTURE.md prints under "Who may import whom", such as `cli → base, wire`. */
export function importTable(architecture: string): ImportTable {
  const block = /## Who may import whom[\s\S]*?```\n([\s\S]*?)```/.exec(architecture)?.[1] ?? "";
  const rules = block.matchAll(/(\w[\w, ]*?) → (–|\w+(?:, \w+)*)/g);
  return new Map(
    [...rules].flatMap(([, folders = "", targets = ""]) =>
      folders.split(", ").map((folder) => [folder, targets === "–" ? [] : targets.split(", ")] as const),
    ),
  );
}

/** Inside these, one entry never imports another; what all of them share stands beside them. */
const SIBLINGS = ["protocols", "hypervisors", "control/api"];
/** Here the siblings are files. */
const SIBLING_FILES = ["proxy/upstreams"];

/** What browsers load as well, so it must not lean on Node. */
const BROWSER_SIDE = ["base", "wire", "protocols", "web"];
const NODE_ONLY = "base/process";

/** Names that say nothing about what is inside. */
const FORBIDDEN_NAMES = /^(utils?|helpers?|common|misc|shared|lib)$/;

/** The files that the rule is about. */
export function sourceFiles(root: string): string[] {
  return globSync("src/**/*.{ts,tsx}", { cwd: root }).sort();
}

/** Every breach of the rule below `root`, as "FILE:LINE what is wrong". */
export function violations(root: string, table: ImportTable): string[] {
  return sourceFiles(root).flatMap((file) => [
    ...importsOf(root, file).flatMap((each) =>
      importBreaches(table, file, each).map((breach) => `${file}:${each.line} ${breach}`),
    ),
    ...otherBreaches(root, file, table).map((breach) => `${file} ${breach}`),
  ]);
}

function importBreaches(table: ImportTable, file: string, { specifier, isUrl }: Import): string[] {
  const from = placeOf(file);
  if (isBuiltin(specifier)) return browserSide(file) && !isTest(file) ? [`must not import ${specifier}`] : [];
  const target = targetOf(file, specifier);
  if (target === undefined) return [];
  if (target.startsWith("../"))
    return isTest(file) || isData(target) ? [] : [`must not import ${specifier}, outside src`];
  // A process may start another one, by the one entry that there is.
  if (target === "main.ts" && isUrl) return [];

  const to = placeOf(`src/${target}`);
  const relative = !specifier.startsWith("#");
  // main.ts composes the roles: it is the one that may name every folder.
  if (from.folder === "") return relative ? [`must name ${target} as #${target}`] : [];
  if (relative && to.folder !== from.folder) return [`crosses a boundary with ${specifier}: use #${target}`];
  if (!relative && to.folder === from.folder)
    return [`names its own folder as ${specifier}: use a relative path`];
  const breaches: string[] = [];
  if (to.folder !== from.folder && !table.get(from.folder)?.includes(to.folder))
    breaches.push(`must not import #${to.folder}`);
  if (target.startsWith(`${NODE_ONLY}/`) && browserSide(file) && !isTest(file))
    breaches.push(`must not import #${NODE_ONLY}`);
  return [...breaches, ...siblingBreaches(file, target)];
}

/** `proxy/upstreams/rfb.ts` and `protocols/spice/link.ts` have siblings; a test belongs to what it tests. */
function siblingBreaches(file: string, target: string): string[] {
  const own = file.slice("src/".length);
  return [...SIBLINGS, ...SIBLING_FILES].flatMap((parent) => {
    const filesCount = SIBLING_FILES.includes(parent);
    const [mine, other] = [own, target].map((path) => siblingIn(parent, path, filesCount));
    if (mine === undefined || other === undefined || mine === other) return [];
    return [`must not import its sibling ${parent}/${other}`];
  });
}

function siblingIn(parent: string, path: string, filesCount: boolean): string | undefined {
  if (!path.startsWith(`${parent}/`)) return undefined;
  const [entry = "", ...below] = path.slice(parent.length + 1).split("/");
  if (below.length > 0) return entry;
  return filesCount ? entry.replace(/(\.test)?\.tsx?$/, "") : undefined;
}

function otherBreaches(root: string, file: string, table: ImportTable): string[] {
  const source = readFileSync(join(root, file), "utf8");
  const { folder, name, folders } = placeOf(file);
  const breaches: string[] = [];
  if (folder === "" && name !== "main.ts") breaches.push("stands in src itself, where only main.ts may");
  if (folder !== "" && !table.has(folder))
    breaches.push(`is in src/${folder}, which the table does not know`);
  if (name !== "config.ts" && /\bprocess\s*\.\s*env\b|\bimport\.meta\.env\b/.test(source))
    breaches.push("reads the environment, which only a config.ts may");
  for (const each of [...folders, name.replace(/\..*$/, "")])
    if (FORBIDDEN_NAMES.test(each)) breaches.push(`is called ${each}, which says nothing`);
  return breaches;
}

/** The path below src of what a specifier names, "../…" for what lies outside; undefined for packages. */
function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) return specifier.slice(1);
  if (!specifier.startsWith(".")) return undefined;
  const path = posix.join(posix.dirname(file), specifier);
  return path.startsWith("src/") ? path.slice("src/".length) : `../${path}`;
}

interface Place {
  /** The folder below src; "" for a file in src itself. */
  readonly folder: string;
  readonly folders: readonly string[];
  readonly name: string;
}

function placeOf(file: string): Place {
  const parts = file.split("/").slice(1);
  const name = parts.pop() ?? "";
  return { folder: parts[0] ?? "", folders: parts, name };
}

function browserSide(file: string): boolean {
  return BROWSER_SIDE.includes(placeOf(file).folder) && !file.startsWith(`src/${NODE_ONLY}/`);
}

/** What a build made, or package.json: read, not run. */
function isData(path: string): boolean {
  return !/\.(ts|tsx|js|mjs|cjs)$/.test(path);
}

function isTest(file: string): boolean {
  return /\.test\.tsx?$/.test(file);
}
