import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type ConfigOf, type Fields, readConfig } from "#base/config.ts";
import { serverOptions } from "#base/process/relaunch.ts";
import { FIELDS as CONTROL_FIELDS } from "#control/config.ts";
import { FIELDS as PROXY_FIELDS } from "#proxy/config.ts";
import { lacking } from "../harness/requirements.ts";
import { type Scratch, scratch } from "../harness/scratch.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, "deploy/systemd");

const UNITS = ["porthole-control.service", "porthole-proxy.service", "porthole-proxy@.service"] as const;

function nodeOptions(role: string): string {
  return serverOptions(role, []).join(" ");
}

/** Out of 100, as `systemd-analyze security` counts: 9.6 is a service without any limit, 1.3 what ours have. */
const EXPOSURE_AT_MOST = "15";

const skip = lacking("systemd");

function unit(name: string): string {
  return readFileSync(join(folder, name), "utf8");
}

/** The units as systemd would find them, of an installation that is this checkout. The template has the instance `a`. */
function installed({ path }: Scratch): string[] {
  const dropIns = join(path, "porthole-control.service.d");
  mkdirSync(dropIns);
  cpSync(join(folder, "postgresql.conf"), join(dropIns, "postgresql.conf"));
  return UNITS.map((name) => {
    const file = join(path, name.replace("@.", "@a."));
    writeFileSync(file, unit(name).replaceAll("/opt/porthole/", root));
    return file;
  });
}

function analyze(...args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const { status, stderr, stdout } = spawnSync("systemd-analyze", [...args], { encoding: "utf8" });
  return { status, said: `${stderr}${args[0] === "verify" ? stdout : ""}` };
}

describe("the systemd units", { skip }, () => {
  test("are understood by systemd, word for word", async () => {
    await using place = scratch();

    assert.deepEqual(analyze("verify", ...installed(place)), { status: 0, said: "" });
  });

  test("would be reported with a word that systemd does not know, in the unit and in its drop-in", async () => {
    await using place = scratch();
    const [control = ""] = installed(place);
    const dropIn = join(place.path, "porthole-control.service.d/postgresql.conf");
    for (const file of [control, dropIn])
      writeFileSync(file, readFileSync(file, "utf8").replace("[Service]", "[Service]\nNoSuchWord=yes"));

    const { said } = analyze("verify", control);

    assert.equal(said.match(/Unknown key name 'NoSuchWord'|Unknown key 'NoSuchWord'/g)?.length, 2, said);
  });

  test("leave the process little that it does not need", async () => {
    await using place = scratch();

    for (const file of installed(place)) {
      const result = analyze("security", "--offline=true", `--threshold=${EXPOSURE_AT_MOST}`, file);
      assert.deepEqual(result, { status: 0, said: "" }, file);
    }
  });

  test("run as users that the sysusers file makes", async () => {
    await using place = scratch();
    mkdirSync(join(place.path, "etc"));
    const made = spawnSync("systemd-sysusers", [
      `--root=${place.path}`,
      join(folder, "porthole.sysusers.conf"),
    ]);

    assert.equal(made.status, 0, String(made.stderr));
    const users = readFileSync(join(place.path, "etc/passwd"), "utf8");
    for (const name of UNITS) {
      const [user = ""] = valuesOf(unit(name), "User");
      assert.match(users, new RegExp(`^${user}:.*:/usr/sbin/nologin$`, "m"));
    }
  });
});

test("the template is the unit of one node, once for each name", () => {
  const ofOne = unit("porthole-proxy@.service")
    .replace("node %i\n", "node\n")
    .replaceAll("porthole-proxy/%i", "porthole-proxy")
    .replace("proxy-%i.env", "proxy.env");

  assert.equal(ofOne, unit("porthole-proxy.service"));
});

test("the units start control and a node with nothing on the command line", () => {
  for (const name of UNITS) {
    const [role = ""] = name.split(/[-@.]/).slice(1);
    const [start = ""] = valuesOf(unit(name), "ExecStart");
    assert.equal(
      start,
      `/opt/porthole/node_modules/node/bin/node ${nodeOptions(role)} /opt/porthole/src/main.ts ${role}`,
    );
    assert.deepEqual(valuesOf(unit(name), "LimitCORE"), ["0"]);
    assert.deepEqual(valuesOf(unit(name), "NoNewPrivileges"), ["yes"]);
  }
});

test("the image starts Node as the units do", async () => {
  await using folder = scratch();
  const node = join(folder.path, "node");
  writeFileSync(node, '#!/bin/sh\nulimit -c\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
  const script = join(root, "deploy/container/porthole.sh");

  for (const args of [["control", "--json"], ["proxy"], ["machine", "add", "two words"], []]) {
    const { stdout } = spawnSync("/bin/sh", ["-c", `ulimit -c unlimited; exec "$0" "$@"`, script, ...args], {
      encoding: "utf8",
      env: { PATH: `${folder.path}:/usr/bin:/bin`, pool: "--of-somebody-else" },
    });
    const options = serverOptions(args[0] ?? "", []);
    assert.deepEqual(stdout.trimEnd().split("\n"), ["0", ...options, "/opt/porthole/src/main.ts", ...args]);
  }
});

test("the system VM starts Node as the unit of a node does, so that it does not start twice", () => {
  const init = readFileSync(join(root, "deploy/system-vm/guest/init.sh"), "utf8");

  assert.ok(init.includes(` -- \\\n    ${nodeOptions("proxy")} src/main.ts proxy `));
});

test("a unit and its example of an environment file are a whole configuration", () => {
  const control = configured(CONTROL_FIELDS, "porthole-control.service", "control.env");
  const node = configured(PROXY_FIELDS, "porthole-proxy.service", "proxy.env");

  assert.equal(control.data, "/var/lib/porthole-control");
  assert.equal(node.data, "/var/lib/porthole-proxy");
  assert.ok(Number(valuesOf(unit("porthole-proxy.service"), "TimeoutStopSec")[0]) > node.drainTimeout);
  assert.deepEqual([control.adminListen?.host, node.adminListen?.host], ["127.0.0.1", "127.0.0.1"]);
  assert.match(unit("control.env"), new RegExp(`LINK=${new URL(node.control[0] ?? "").host}\n`));
});

test("secrets come as credentials: no unit and no environment file holds one", () => {
  const loaded = [...UNITS, "postgresql.conf"].flatMap((name) => valuesOf(unit(name), "LoadCredential"));
  const files = ["porthole-proxy.service", "postgresql.conf"].flatMap((name) =>
    Object.entries(environmentOf(unit(name))).filter(([, value]) => value.startsWith("%d/")),
  );

  const credentials = loaded.map((each) => each.split(":")[0]);
  assert.deepEqual([...new Set(credentials)].sort(), ["database-url", "join-token", "porthole.key"]);
  for (const [name, value] of files) {
    assert.ok(credentials.includes(value.slice("%d/".length)), `${name}=${value}`);
    assert.ok(name.endsWith("_FILE") && envNames(CONTROL_FIELDS, PROXY_FIELDS).has(name), name);
  }
  assert.equal(files.length, 3);
  for (const name of ["control.env", "proxy.env"])
    assert.doesNotMatch(unit(name), /postgres:|PORTHOLE_DATABASE=|password|secret=/i);
});

/** What the process would read, with systemd's specifiers as they are for a unit of the system. */
function configured<Table extends Fields>(table: Table, name: string, environment: string): ConfigOf<Table> {
  const env = { ...environmentOf(unit(name)), ...variablesOf(unit(environment)) };
  for (const each of Object.keys(env)) assert.ok(envNames(table).has(each), `${each} is no variable`);
  const resolved = Object.entries(env).map(([key, value]) => [
    key,
    value.replace("%S", "/var/lib").replace("%d", `/run/credentials/${name}`),
  ]);
  return readConfig(table, { flags: {}, env: Object.fromEntries(resolved), file: {} });
}

function envNames(...tables: readonly Fields[]): ReadonlySet<string> {
  return new Set(tables.flatMap((table) => Object.values(table).map(({ env }) => env)));
}

function valuesOf(text: string, key: string): string[] {
  return [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value);
}

function environmentOf(text: string): Record<string, string> {
  return variablesOf(valuesOf(text, "Environment").join("\n"));
}

function variablesOf(text: string): Record<string, string> {
  const lines = text.matchAll(/^(\w+)=(.*)$/gm);
  return Object.fromEntries([...lines].map(([, name = "", value = ""]) => [name, value]));
}
