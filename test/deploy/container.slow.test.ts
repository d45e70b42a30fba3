import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { serverOptions } from "#base/process/relaunch.ts";
import type { NodeAuthority } from "#wire/certificate.ts";
import { NativeClient } from "../harness/native-client.ts";
import { lackingPostgres, startPostgres } from "../harness/postgres.ts";
import { firstLine } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";
import { startRfbUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { startTokenReview } from "../peers/token-review.ts";
import { baseManifests, environmentOf, repositoryFile, workloadsOf } from "./manifests.ts";
import { IMAGE_USER, lackingPodman, type Podman, startPodman } from "./podman.ts";
import { seccompProfile } from "./system-calls.ts";

const MEBIBYTE = 1024 * 1024;
/** Node alone has 120 MB, and the base 40. */
const IMAGE_AT_MOST_BYTES = 300 * MEBIBYTE;
const LOOPBACK_ANY = "127.0.0.1:0";
const SIGTERM_STATUS = 0;

const root = fileURLToPath(new URL("../..", import.meta.url));
const manifests = baseManifests();
const [control, proxy] = ["porthole-control", "porthole-proxy"].map((name) => {
  const workload = workloadsOf(manifests).find((each) => each.name === name);
  assert.ok(workload !== undefined);
  return workload;
});

describe("the container image", { skip: lackingPodman }, () => {
  let podman: Podman;

  before(async () => {
    podman = startPodman();
    await podman.build();
  });

  after(async () => await podman[Symbol.asyncDispose]());

  test("is small, and has what is run and nothing else", async () => {
    const program = `
      const { readdirSync } = require("node:fs");
      const list = (path, recursive) => readdirSync("/opt/porthole/" + path, { recursive });
      console.log(JSON.stringify({
        version: process.version,
        uid: process.getuid(),
        top: list(""),
        sources: list("src", true),
        packages: list("node_modules").flatMap((name) =>
          name.startsWith("@") ? list("node_modules/" + name).map((each) => name + "/" + each) : [name]),
        pages: list("dist/web"),
        data: readdirSync("/data"),
      }));`;
    await using child = await podman.run({
      name: "look",
      entrypoint: "/usr/local/bin/node",
      args: ["-e", program],
    });

    const found = JSON.parse(await firstLine(child));
    const size = Number(await podman.call("image", "inspect", "--format={{.Size}}", "porthole"));
    assert.ok(size < IMAGE_AT_MOST_BYTES, `${size / MEBIBYTE} MiB`);
    assert.deepEqual([found.version, found.uid], [process.version, IMAGE_USER]);
    assert.deepEqual(found.top.sort(), [
      ...[".cache", "dist", "node_modules", "package-lock.json", "package.json", "src"],
    ]);
    assert.deepEqual([found.pages.sort(), found.data], [["operator", "viewer"], []]);
    assert.deepEqual(
      found.sources.filter((name: string) => /\.test\.tsx?$/.test(name)),
      [],
    );
    assert.ok(found.sources.includes("main.ts"));
    assert.deepEqual(
      found.packages.filter((name: string) => !productionPackages().has(name)),
      [],
    );
  });

  test("says what it is, as the command line", async () => {
    await using child = await podman.run({ name: "version", args: ["--version"] });

    assert.equal(
      await firstLine(child),
      JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version,
    );
    assert.equal(await child.exited, 0);
  });

  test("starts from what Node compiled while the image was built, which no process of it can change", async () => {
    for (const role of ["control", "proxy", "demo", "start"]) {
      await using child = await podman.run({
        name: "compiled",
        args: [role, "--help"],
        env: { NODE_DEBUG_NATIVE: "COMPILE_CACHE" },
      });
      assert.equal(await child.exited, 0);
      const found =
        child.stderr.text.match(/retrieving transpile cache for StrippedTypeScript \S+\.\.\.success/g) ?? [];
      assert.ok(found.length > 20, `${role}: ${found.length} found`);
      assert.doesNotMatch(child.stderr.text, /writing cache/);
    }
    // Root's, for everybody to read, and the only one: what is not read from there would be made anew.
    const check =
      'cd "$NODE_COMPILE_CACHE" && set -- * && test $# = 1 && for f in . * */*; do test -r "$f" && ! test -w "$f" || exit 1; done';
    await using writer = await podman.run({ name: "writer", entrypoint: "/bin/sh", args: ["-c", check] });
    assert.equal(await writer.exited, 0);
  });

  test("opens a console as Kubernetes runs it, with no more system calls than systemd leaves, and ends on SIGTERM", {
    skip: lackingPostgres || lacking("systemd"),
  }, async () => {
    const pod = {
      username: "system:serviceaccount:consoles:porthole-proxy",
      audiences: ["porthole"],
      pod: "proxy-0",
    };
    await using folder = scratch();
    await using postgres = await startPostgres();
    await using database = await postgres.createDatabase();
    await using machine = await startRfbUpstream();
    await using api = await startTokenReview({ "the.pods.token": pod });
    const place = new Place(folder.path);
    place.makeKey();
    place.write("control/database-url", database.url.expose());
    place.write("api/ca.crt", readFileSync(api.authorityFile, "utf8"));
    place.write("api/token", readFileSync(api.tokenFile, "utf8"));

    await using ofControl = await podman.run({
      name: "control",
      args: control?.container.args ?? [],
      options: [seccomp(place, "porthole-control.service")],
      env: {
        ...environment("control"),
        ...listenAnywhere("CONTROL", ["LISTEN", "LINK", "ADMIN_LISTEN"]),
        PORTHOLE_CONTROL_UPSTREAM_ALLOW: "127.0.0.0/8",
        PORTHOLE_CONTROL_KUBERNETES_API: api.api,
        PORTHOLE_CONTROL_KUBERNETES_AUTHORITY_FILE: "/var/run/api/ca.crt",
        PORTHOLE_CONTROL_KUBERNETES_TOKEN_FILE: "/var/run/api/token",
      },
      volumes: {
        "/etc/porthole:ro": place.mount("control"),
        "/var/run/api:ro": place.mount("api"),
        "/data": place.mount("control-data"),
      },
    });
    const controlReady = JSON.parse(await firstLine(ofControl));
    const keys = JSON.parse(place.read("control-data/bootstrap.json"));
    const client = new NativeClient(controlReady.control, keys);
    const { certificate } = await client.call<NodeAuthority>("GET", "node-authority");
    place.write("node/ca.pem", certificate);
    place.write("token/token", "the.pods.token");

    await using ofNode = await podman.run({
      name: "node",
      args: proxy?.container.args ?? [],
      options: [seccomp(place, "porthole-proxy.service")],
      env: {
        ...environment("proxy"),
        ...listenAnywhere("PROXY", ["LISTEN", "FORWARD_LISTEN", "ADMIN_LISTEN"]),
        PORTHOLE_PROXY_CONTROL: controlReady.link,
      },
      volumes: {
        "/etc/porthole:ro": place.mount("node"),
        "/var/run/porthole:ro": place.mount("token"),
        "/data": place.mount("node-data"),
      },
    });
    const nodeReady = JSON.parse(await firstLine(ofNode));

    for (const { admin } of [controlReady, nodeReady])
      for (const path of ["livez", "readyz"]) assert.equal((await fetch(`${admin}/${path}`)).status, 200);
    const { address } = machine.upstream;
    assert.ok(address.kind === "tcp");
    const { id } = await client.addMachine({
      name: "machine",
      protocol: "rfb",
      address: `127.0.0.1:${address.port}`,
    });
    const { websocket } = await client.openConsole(id);
    await using viewer = await TestViewer.porthole(nodeReady.node, websocket.token);
    assert.ok((await viewer.handshake()).width > 0);
    await machine.caller();

    for (const name of ["control", "node"]) await assertContained(name);
    await podman.call("kill", "--signal=TERM", "node");
    await viewer[Symbol.asyncDispose]();
    assert.equal(await ofNode.exited, SIGTERM_STATUS, ofNode.stderr.text);
    await podman.call("kill", "--signal=TERM", "control");
    assert.equal(await ofControl.exited, SIGTERM_STATUS, ofControl.stderr.text);

    assert.deepEqual(readdirSync(join(folder.path, "control-data")), ["bootstrap.json"]);
    assert.equal(readdirSync(join(folder.path, "node-data")).length, 1);
    for (const { stderr } of [ofControl, ofNode]) assert.ok(!stderr.text.includes("the.pods.token"));
  });

  /** The process has number 1, so that it gets the signals, leaves no core file, and can do nothing as another. */
  async function assertContained(name: string): Promise<void> {
    const command = await podman.call("exec", name, "cat", "/proc/1/cmdline");
    const limits = await podman.call("exec", name, "cat", "/proc/1/limits");
    const status = await podman.call("exec", name, "cat", "/proc/1/status");

    const argv = command.split("\0").slice(0, -1);
    const role = argv.at(-1) ?? "";
    assert.match(role, /^(control|proxy)$/);
    assert.deepEqual(argv.slice(0, -1), ["node", ...serverOptions(role, []), "/opt/porthole/src/main.ts"]);
    assert.match(limits, /^Max core file size\s+0\s+0/m);
    assert.match(status, new RegExp(`^Uid:\\s+${IMAGE_USER}\\s+${IMAGE_USER}`, "m"));
    assert.match(status, /^CapBnd:\s+0+$/m);
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.match(status, /^Seccomp:\s+2$/m);
  }
});

/** Folders that are mounted, and belong to the image's user. */
class Place {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    chmodSync(path, 0o755);
  }

  /** As the documentation says that the first key is made. */
  makeKey(): void {
    this.#folder("control");
    const [line] =
      /^\(umask 077; .*> porthole\.key\)$/m.exec(repositoryFile("docs/operations/kubernetes.md")) ?? [];
    assert.ok(line !== undefined, "the documentation says how");
    const { status, stderr } = spawnSync("sh", ["-c", line], { cwd: join(this.#path, "control") });
    assert.equal(status, 0, String(stderr));
    this.#own("control/porthole.key", 0o440);
  }

  write(name: string, text: string): void {
    this.#folder(name.split("/")[0] ?? "");
    writeFileSync(join(this.#path, name), text);
    this.#own(name, 0o440);
  }

  read(name: string): string {
    return readFileSync(join(this.#path, name), "utf8");
  }

  path(name: string): string {
    return join(this.#path, name);
  }

  /** The folder, as podman mounts it. */
  mount(name: string): string {
    return this.#folder(name);
  }

  #folder(name: string): string {
    mkdirSync(join(this.#path, name), { recursive: true });
    this.#own(name, 0o750);
    return join(this.#path, name);
  }

  #own(name: string, mode: number): void {
    chownSync(join(this.#path, name), IMAGE_USER, IMAGE_USER);
    chmodSync(join(this.#path, name), mode);
  }
}

/** As the base's manifests give it, but for the public names, which lead nowhere here. */
function environment(of: "control" | "proxy"): Readonly<Record<string, string>> {
  const workload = of === "control" ? control : proxy;
  assert.ok(workload !== undefined);
  const entries = Object.entries(environmentOf(workload, { manifests, namespace: "consoles" }));
  const kept = entries.filter(([name]) => !name.endsWith("_PUBLIC_URL"));
  return { ...Object.fromEntries(kept), PORTHOLE_JSON: "true" };
}

function listenAnywhere(role: string, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [`PORTHOLE_${role}_${name}`, LOOPBACK_ANY]));
}

function seccomp(place: Place, unit: string): string {
  const name = `seccomp-${unit}.json`;
  writeFileSync(place.path(name), seccompProfile(repositoryFile(`deploy/systemd/${unit}`)));
  return `--security-opt=seccomp=${place.path(name)}`;
}

/** Of the lock file: what is not there for development alone. */
function productionPackages(): ReadonlySet<string> {
  const { packages }: { readonly packages: Readonly<Record<string, { readonly dev?: boolean }>> } =
    JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const names = Object.entries(packages).filter(([, { dev }]) => dev !== true);
  return new Set([
    ".package-lock.json",
    ".bin",
    ...names.map(([path]) => path.replace(/^.*node_modules\//, "")),
  ]);
}
