import assert from "node:assert/strict";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { describe, test } from "node:test";
import { eventually } from "./harness/eventually.ts";
import { type Process, startProcess } from "./harness/process.ts";
import { type Scratch, scratch } from "./harness/scratch.ts";

const scripts = resolve(import.meta.dirname, "../scripts");

/** A checkout in which every program that the set-up calls is a double that writes down how it was called. */
class Checkout {
  readonly root: string;
  readonly #programs: string;
  readonly #calls: string;

  constructor({ path }: Scratch) {
    this.root = join(path, "checkout");
    this.#programs = join(path, "programs");
    this.#calls = join(path, "calls");
    mkdirSync(this.#programs, { recursive: true });
    cpSync(scripts, join(this.root, "scripts"), { recursive: true });
    this.write("package.json", "{}");
    this.write("src/web/viewer/main.tsx", "");
    this.write("test/peers/vcsim/main.go", "package main");
    for (const program of ["node", "sh", "which", "env", "mkdir", "cat", "chmod"]) this.#link(program);
    this.program("npm", [
      "mkdir -p node_modules/.bin",
      "printf '#!/bin/sh\\necho v24.99.0\\n' > node_modules/.bin/node",
      `printf '#!/bin/sh\\necho vite "$@" >> ${this.#calls}; mkdir -p dist/web dist/modules\\n' > node_modules/.bin/vite`,
      "chmod +x node_modules/.bin/node node_modules/.bin/vite",
    ]);
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.root, file)), { recursive: true });
    writeFileSync(join(this.root, file), text);
  }

  /** Puts a program on the path that writes down how it is called, and then does this. */
  program(name: string, lines: readonly string[]): void {
    const path = join(this.#programs, name);
    writeFileSync(path, ["#!/bin/sh", `echo ${name} "$@" >> ${this.#calls}`, ...lines, ""].join("\n"));
    chmodSync(path, 0o755);
  }

  async setUp(
    purpose: string,
  ): Promise<{ status: unknown; stdout: string; stderr: string; calls: string[] }> {
    writeFileSync(this.#calls, "");
    const setUp = join(this.root, "scripts", "setup.mjs");
    await using child = await startProcess(process.execPath, [setUp, purpose], {
      cwd: this.root,
      env: { PATH: this.#programs },
    });
    const status = await child.exited;
    const calls = readFileSync(this.#calls, "utf8").split("\n").slice(0, -1);
    return { status, stdout: child.stdout.text, stderr: child.stderr.text, calls };
  }

  /** What .cache/setup.json tells the tests. */
  missing(): Readonly<Record<string, string>> {
    return JSON.parse(readFileSync(join(this.root, ".cache/setup.json"), "utf8")).missing;
  }

  #link(program: string): void {
    const found = (process.env["PATH"] ?? "")
      .split(delimiter)
      .map((folder) => join(folder, program))
      .find((path) => existsSync(path));
    assert.ok(found !== undefined, `${program} is on the path`);
    symlinkSync(found, join(this.#programs, program));
  }
}

const NPM_CALL = "npm install --no-save --no-audit --no-fund --include=dev";
const BUNDLING_CALL = "vite build --config vite.modules.ts";

describe("the set-up", () => {
  test("installs dependencies and builds the web apps, and then has nothing to do or to say", async () => {
    await using folder = scratch();
    const checkout = new Checkout(folder);

    const first = await checkout.setUp("run");
    const second = await checkout.setUp("run");

    assert.deepEqual(
      [first.status, first.stdout, first.calls],
      [0, "", [NPM_CALL, "vite build", BUNDLING_CALL]],
    );
    assert.match(
      first.stderr,
      /^Installing dependencies with npm …\nBuilding the web apps …\nBundling dependencies …\n$/,
    );
    assert.deepEqual([second.status, second.stdout, second.stderr, second.calls], [0, "", "", []]);
  });

  test("installs again when what is wanted has changed, and builds again when sources have", async () => {
    await using folder = scratch();
    const checkout = new Checkout(folder);
    await checkout.setUp("run");

    checkout.write("src/web/viewer/main.tsx", "// another");
    const sources = await checkout.setUp("run");
    checkout.write("package.json", '{"dependencies":{}}');
    const dependencies = await checkout.setUp("run");

    assert.deepEqual(sources.calls, ["vite build"]);
    assert.deepEqual(dependencies.calls, [NPM_CALL]);
  });

  test("says which command failed, its last lines, and what to do", async () => {
    await using folder = scratch();
    const checkout = new Checkout(folder);
    checkout.program("npm", ["echo 'npm error code ENOTFOUND' >&2", "exit 7"]);

    const { status, stdout, stderr } = await checkout.setUp("run");

    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, new RegExp(`The set-up stopped at: ${NPM_CALL}\n`));
    assert.match(stderr, /It ended with status 7\.\n {4}npm error code ENOTFOUND\n.*npm ping/);
  });

  test("begins again where the last one failed", async () => {
    await using folder = scratch();
    const checkout = new Checkout(folder);
    checkout.program("npm", ["mkdir -p node_modules/.bin", "exit 1"]);
    await checkout.setUp("run");

    const { calls } = await checkout.setUp("run");

    assert.deepEqual(calls, [NPM_CALL]);
  });

  test("does without packages on a machine that is not Debian, and writes down why", async () => {
    await using folder = scratch();
    const checkout = new Checkout(folder);

    const { status, stderr } = await checkout.setUp("test");

    assert.equal(status, 0);
    assert.match(stderr, /Not installing chromium, .*: this machine has no apt-get/);
    const reason = "the Debian package chromium is not installed: this machine has no apt-get";
    assert.equal(checkout.missing()["chromium"], reason);
    assert.match(checkout.missing()["guest"] ?? "", /this machine has no apt-get/);
  });

  test("asks apt-get for what is missing only, fetches lists only when it must, and goes on without", async () => {
    await using folder = scratch();
    const checkout = new Checkout(folder);
    const installed = [
      "bind9-dnsutils",
      "bind9-utils",
      "chromium",
      "libnss3-tools",
      "haproxy",
      "knot-dnsutils",
      "openssl",
      "pebble",
      "unbound",
      "nginx-light",
      "caddy",
      "xterm",
      "x11-apps",
      "cs",
      "libvirt-clients",
      "libvirt-daemon",
      "libvirt-daemon-driver-qemu",
      "netcat-openbsd",
      "openssh-client",
      "openssh-server",
      "podman",
      "postgresql",
      "python3-libcloud",
      "python3-openstackclient",
      "python3-novaclient",
      "python3-openstacksdk",
      "python3-keystone",
      "runc",
      "sasl2-bin",
      "libsasl2-modules",
      "websockify",
      "tightvncserver",
      "xfonts-base",
      "squashfs-tools",
      "systemd",
      "systemd-container",
      "tigervnc-standalone-server",
      "golang-go",
      "golang-github-vmware-govmomi-dev",
      "golang-github-gorilla-websocket-dev",
    ];
    checkout.program(
      "dpkg-query",
      installed.map((name) => `echo ${name} installed`),
    );
    checkout.program("sudo", ['shift; [ "$1" = true ] || exec "$@"']);
    checkout.program("apt-get", [
      'case "$*" in *update*) exit 0 ;; esac',
      "echo 'E: Unable to locate package'",
      "exit 100",
    ]);

    const { status, stderr, calls } = await checkout.setUp("test");

    assert.equal(status, 0, stderr);
    const asked = calls.filter((call) => call.startsWith("apt-get") && !call.includes("download"));
    assert.match(asked[0] ?? "", /--no-install-recommends --no-remove install qemu-system-x86$/);
    assert.match(asked[1] ?? "", / update$/);
    assert.match(asked[2] ?? "", / install qemu-system-x86$/);
    assert.deepEqual(Object.keys(checkout.missing()).sort(), [
      "container-base",
      "guest",
      "kubernetes-openapi",
      "name-servers",
      "nova-consoleproxy",
      "novnc",
      "promtool",
      "qemu-system-x86",
      "spice-html5",
      "vcsim",
    ]);
    assert.match(checkout.missing()["qemu-system-x86"] ?? "", /apt-get could not install it/);
    assert.match(stderr, /E: Unable to locate package/);
  });

  test("knows what it can be for", async () => {
    await using folder = scratch();

    const { status, stdout, stderr } = await new Checkout(folder).setUp("everything");

    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /run\|test\|bench/);
  });
});

describe("set-ups at once in one checkout", () => {
  /** Adds one to a file with the lock held, and holds it until there is a file “go”. */
  async function startAdding({ path }: Scratch): Promise<Process> {
    const program = `
      import { existsSync, readFileSync, writeFileSync } from "node:fs";
      import { withLock } from ${JSON.stringify(join(scripts, "setup/lock.mjs"))};
      await withLock(${JSON.stringify(path)}, async () => {
        const count = Number(readFileSync(${JSON.stringify(join(path, "count"))}, "utf8"));
        process.stdout.write("working\\n");
        while (!existsSync(${JSON.stringify(join(path, "go"))})) await new Promise((resolve) => setImmediate(resolve));
        writeFileSync(${JSON.stringify(join(path, "count"))}, String(count + 1));
      });`;
    return await startProcess(process.execPath, ["--input-type=module", "--eval", program]);
  }

  test("take turns", async () => {
    await using folder = scratch();
    writeFileSync(join(folder.path, "count"), "0");

    const adding = await Promise.all(Array.from({ length: 4 }, () => startAdding(folder)));
    const said = () => adding.map((child) => child.stderr.text).join("");
    const waits = /Another set-up \(process \d+\) is at work in this directory; waiting for it/;
    await eventually(() => assert.match(said(), waits));
    writeFileSync(join(folder.path, "go"), "");
    const exits = await Promise.all(adding.map((child) => child.exited));

    assert.deepEqual(exits, [0, 0, 0, 0]);
    assert.equal(readFileSync(join(folder.path, "count"), "utf8"), "4");
  });

  test("do not wait for one that was killed", async () => {
    await using folder = scratch();
    writeFileSync(join(folder.path, "count"), "0");
    const killed = await startAdding(folder);
    await eventually(() => assert.match(killed.stdout.text, /working/));
    await killed.stop("SIGKILL");
    writeFileSync(join(folder.path, "go"), "");

    const adding = await Promise.all([startAdding(folder), startAdding(folder)]);
    await Promise.all(adding.map((child) => child.exited));

    assert.equal(readFileSync(join(folder.path, "count"), "utf8"), "2");
  });
});
