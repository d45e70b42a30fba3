import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Process, startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** For `test(…, { skip })`. */
export const lackingPodman: string | false =
  lacking("podman", "runc", "container-base") ||
  (process.getuid?.() !== 0 && "it takes root") ||
  lackingNpm();

/** Debian's runc, as crun does not take the older layout of control groups. Nothing is kept where podman keeps the machine's own. */
const RUNTIME = "/usr/sbin/runc";

/** What a machine may not let podman raise, so that it does not try. */
const BOUNDS = ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=1000:1000"];

/** As the user of the image. */
export const IMAGE_USER = 10_001;

export interface Podman extends AsyncDisposable {
  /** Builds deploy/container/Dockerfile, with Debian's packages as its base, and the machine's own Node and npm as its builder. */
  build(): Promise<void>;
  /** Runs the image, or with `entrypoint` another program in it; what is said of the container comes before its arguments. */
  run(options: RunOptions): Promise<Process>;
  /** Any other command of podman, with what it prints. */
  call(...args: readonly string[]): Promise<string>;
}

interface RunOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Folders of the test's own, by where they are in the container, with `:ro` where that is all. */
  readonly volumes?: Readonly<Record<string, string>>;
  readonly entrypoint?: string;
  readonly options?: readonly string[];
}

/** A podman whose images and containers are the test's own. */
export function startPodman(): Podman {
  const folder = scratch();
  const own = [
    ...["--root", join(folder.path, "root"), "--runroot", join(folder.path, "run")],
    ...["--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime", RUNTIME],
  ];
  const call = async (...args: readonly string[]): Promise<string> => {
    await using child = await startProcess("podman", [...own, ...args]);
    assert.equal(await child.exited, 0, `podman ${args[0]}: ${child.stdout.text}${child.stderr.text}`);
    return child.stdout.text;
  };
  const importFolder = async (path: string, image: string): Promise<void> => {
    const archive = join(folder.path, "image.tar");
    const tar = await startProcess("tar", ["--exclude=./stamp", "-C", path, "-cf", archive, "."]);
    assert.equal(await tar.exited, 0, tar.stderr.text);
    await call("import", "--quiet", archive, image);
    rmSync(archive);
  };
  return {
    call,
    async build() {
      await importFolder(join(root, ".cache/container-base"), "localhost/base");
      await importFolder(emptyMachine(join(folder.path, "builder")), "localhost/builder");
      const npmrc = npmConfiguration();
      await call(
        ...["build", "--network=host", "--layers=false", ...BOUNDS],
        ...["--volume=/usr:/usr:ro", "--volume=/etc:/etc:ro"],
        ...(npmrc === undefined ? [] : ["--secret", `id=npmrc,src=${npmrc}`]),
        ...["--build-arg=BUILD_IMAGE=localhost/builder", "--build-arg=BASE_IMAGE=localhost/base"],
        ...["--file", join(root, "deploy/container/Dockerfile"), "--tag=porthole", root],
      );
    },
    async run({ name, args, env = {}, volumes = {}, entrypoint, options = [] }) {
      return await startProcess("podman", [
        ...[...own, "run", "--rm", "--name", name, ...BOUNDS, "--network=host"],
        ...["--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges"],
        ...Object.entries(env).map(([key, value]) => `--env=${key}=${value}`),
        ...Object.entries(volumes).map(([inside, outside]) => `--volume=${outside}:${inside}`),
        ...(entrypoint === undefined ? [] : [`--entrypoint=${entrypoint}`]),
        ...[...options, "localhost/porthole", ...args],
      ]);
    },
    async [Symbol.asyncDispose]() {
      await call("rm", "--all", "--force");
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A file system on which the machine's own programs are laid while the image is built. */
function emptyMachine(path: string): string {
  for (const name of ["root", "tmp", "etc", "usr", "proc", "sys", "dev"])
    mkdirSync(join(path, name), { recursive: true });
  for (const name of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${name}`, join(path, name));
  return path;
}

/** Where npm's own configuration is, which names the registry. Its path alone is known here. */
function npmConfiguration(): string | undefined {
  const path = join(process.env["HOME"] ?? "/root", ".npmrc");
  return existsSync(path) ? path : undefined;
}

/** The builder has what lies below /usr, and no Node that somebody keeps elsewhere. */
function lackingNpm(): string | false {
  const { status } = spawnSync("npm", ["--version"], { env: { PATH: "/usr/local/bin:/usr/bin:/bin" } });
  return status === 0 ? false : "the machine has no npm below /usr, which builds the image here";
}
