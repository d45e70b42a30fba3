import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Virsh } from "./virsh.ts";

/** An empty file system and a node's identity in it: some ten kilobytes. */
const DATA_BYTES = 16 * 1024 * 1024;

/** The two disks of a machine that are its own, volumes of a storage pool of libvirt's. */
export interface Volumes {
  readonly configVolume: string;
  readonly dataVolume: string;
}

/**
 * Makes the disks of one attempt to launch. libvirt makes volumes with mode 0600, and gives them to the machine's user when
 * it starts; what is uploaded lies here in a file with the same mode, as long as that takes.
 */
export async function createVolumes(
  { virsh, storagePool, signal }: Storage,
  stem: string,
  config: Buffer,
): Promise<Volumes> {
  const made = { configVolume: `${stem}-config.iso`, dataVolume: `${stem}-data.img` };
  const create = ["vol-create-as", storagePool, "--format", "raw"];
  await virsh([...create, made.dataVolume, String(DATA_BYTES)], signal);
  await virsh([...create, made.configVolume, String(config.length)], signal);
  await withFile(
    config,
    async (path) => await virsh(["vol-upload", "--pool", storagePool, made.configVolume, path], signal),
  );
  return made;
}

/** A storage pool of libvirt's, and how long it may take to ask it. */
interface Storage {
  readonly virsh: Virsh;
  readonly storagePool: string;
  readonly signal: AbortSignal;
}

/** Takes away every volume whose name begins so, whatever attempt it was made for. */
export async function deleteVolumes(storage: Storage, stem: string): Promise<void> {
  const names = (await listVolumes(storage)).filter((name) => name.startsWith(`${stem}-`));
  for (const name of names) await deleteVolume(storage, name);
}

export async function deleteVolume(storage: Storage, name: string): Promise<void> {
  const { virsh, storagePool, signal } = storage;
  try {
    await virsh(["vol-delete", "--pool", storagePool, name], signal);
  } catch (error) {
    // Another control may have been quicker; what is still there is a failure.
    if ((await listVolumes(storage)).includes(name)) throw error;
  }
}

export async function listVolumes({ virsh, storagePool, signal }: Storage): Promise<readonly string[]> {
  return (await virsh(["vol-list", storagePool], signal))
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[0] ?? "")
    .filter((name) => name !== "");
}

/** For a program that reads files alone. */
export async function withFile<Value>(
  content: Buffer | string,
  use: (path: string) => Promise<Value>,
): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), "porthole-"));
  try {
    const path = join(folder, "content");
    await writeFile(path, content, { mode: 0o600 });
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
