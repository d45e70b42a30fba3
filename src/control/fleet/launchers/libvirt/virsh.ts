import { runLauncher } from "../run-launcher.ts";

/** Runs one of virsh's commands and resolves to what it answers. Throws a LaunchError with libvirt's own words. */
export type Virsh = (args: readonly string[], signal: AbortSignal) => Promise<string>;

/** Of control's environment, what virsh may need to find libvirt, and ssh and its keys for one that is elsewhere. */
const PASSED_ON = ["PATH", "HOME", "USER", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK"] as const;

/** libvirt's own client, which knows every way to a libvirt: docs/decisions/0016-launchers-of-pods-and-machines.md says why it is this one. */
export function createVirsh(uri: string, env: Readonly<Record<string, string | undefined>>): Virsh {
  const passed = Object.fromEntries(
    PASSED_ON.flatMap((key) => (env[key] === undefined ? [] : [[key, env[key]]])),
  );
  return async (args, signal) =>
    await runLauncher(
      // Nobody is there to be asked for a password.
      { file: "virsh", args: ["-q", "-c", uri, ...args], cwd: "/", env: { ...passed, LC_ALL: "C" } },
      "",
      signal,
    );
}
