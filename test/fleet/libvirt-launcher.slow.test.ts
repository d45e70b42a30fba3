import assert from "node:assert/strict";
import { chmodSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pino } from "pino";
import { Secret } from "#base/secret.ts";
import type { Launcher, LaunchOrder } from "#control/fleet/launchers/launcher.ts";
import { createLibvirtLauncher } from "#control/fleet/launchers/libvirt/libvirt.ts";
import { type LauncherUnderTest, launcherConformance } from "../conformance/launchers.ts";
import { eventually } from "../harness/eventually.ts";
import { type Control, startControl } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";
import { type Libvirt, lackingLibvirt, startLibvirt } from "../peers/libvirt.ts";
import { HOST_SEEN_FROM_GUEST, lackingSystemVm, systemVmImage } from "../peers/system-vm.ts";

const skip = lackingLibvirt || lackingSystemVm;

const limits = {
  /** An emulated machine takes a quarter of a minute on an idle core, and others may be at work beside it. */
  bootMs: 5 * 60_000,
} as const;

const folder = scratch();
let image: string;
let control: Control;
before(async () => {
  if (skip !== false) return;
  // libvirt is somebody else than who runs the test.
  chmodSync(folder.path, 0o755);
  image = await systemVmImage(join(folder.path, "image"));
  control = await startControl({ args: ["--link-names", HOST_SEEN_FROM_GUEST] });
});
after(async () => {
  await control?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

launcherConformance("libvirt", async () => (await open()).under, skip);

test("libvirt: the disks of a machine are its own, read by nobody else, and go with it", {
  skip,
}, async () => {
  const { under, libvirt } = await open();
  await using _ = under;
  const { launcher } = under;
  const { signal } = new AbortController();
  const order = { id: crypto.randomUUID(), pool: "default", join: await under.join("default") };

  await launcher.launch(order, signal);

  const disks = readdirSync(libvirt.folder);
  assert.deepEqual(disks.map((name) => name.replace(/.*-(?=config|data)/, "")).sort(), [
    "config.iso",
    "data.img",
  ]);
  for (const name of disks) assert.equal(statSync(join(libvirt.folder, name)).mode & 0o777, 0o600);
  const name = (await libvirt.virsh("list", "--name")).trim();
  const xml = await libvirt.virsh("dumpxml", "--security-info", name);
  assert.ok(!xml.includes(order.join.token.expose()), "the token is in the domain");
  assert.match(
    xml,
    new RegExp(`<porthole:instance .*order="${order.id}" pool="default" installation="5ca1ab1e`),
  );
  await launcher.destroy(order.id, signal);
  assert.deepEqual(readdirSync(libvirt.folder), [], "while it switches off, its disks are nobody's already");
  await eventually(async () => assert.deepEqual(await launcher.list(signal), []), {
    withinMs: limits.bootMs,
  });
});

test("libvirt: a machine that does not switch off when it is asked is cut off in the end", {
  skip,
}, async () => {
  const { under, libvirt } = await open({ stopMs: 1 });
  await using _ = under;
  const { launcher } = under;
  const { signal } = new AbortController();
  const order = { id: crypto.randomUUID(), pool: "default", join: await under.join("default") };
  await launcher.launch(order, signal);

  await launcher.stop(order.id, signal);

  await eventually(async () => assert.equal((await launcher.list(signal))[0]?.state, "stopped"));
  const name = (await libvirt.virsh("list", "--all", "--name")).trim();
  assert.match(await libvirt.virsh("domstate", "--reason", name), /shut off \(destroyed\)/);
});

interface Under extends LauncherUnderTest {
  readonly join: NonNullable<LauncherUnderTest["join"]>;
}

async function open({
  stopMs = limits.bootMs,
}: {
  readonly stopMs?: number;
} = {}): Promise<{ readonly under: Under; readonly libvirt: Libvirt }> {
  await using opened = new AsyncDisposableStack();
  const libvirt = opened.use(await startLibvirt());
  const places = new Places();
  const make = (): Launcher => {
    const launcher = createLibvirtLauncher({
      ...{ uri: libvirt.uri, storagePool: libvirt.storagePool, env: libvirt.env, image, stopMs },
      ...{ type: "qemu", memoryMiB: 512, vcpus: 1, network: { kind: "user" }, consoleLogs: libvirt.logs },
      installationId: "5ca1ab1e-0000-4000-8000-000000000000",
      log: pino({ level: "silent" }),
    });
    return {
      ...launcher,
      async launch(order, signal) {
        places.note(order);
        await launcher.launch(order, signal);
      },
    };
  };
  const launcher = make();
  opened.defer(async () => await launcher.close());
  const owned = opened.move();
  const under: Under = {
    launcher,
    again: async () => make(),
    join: async (pool) => await places.join(pool),
    untilUp: async (orderId) => await places.untilUp(orderId),
    breakPlatform: async () => await libvirt.stop(),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
  return { under, libvirt };
}

/** Every guest has the same address behind a network of its own, so nodes are known by the one that they are told. */
class Places {
  static #next = 1024;
  readonly #byOrder = new Map<string, string>();
  readonly #nodes = new Map<string, string>();

  async join(pool: string): Promise<LaunchOrder["join"]> {
    const { token } = await control.api.call<{ token: string }>("POST", "join-tokens", { pool });
    const { port } = new URL(control.link);
    return {
      controls: [`https://${HOST_SEEN_FROM_GUEST}:${port}`],
      token: new Secret(token),
      publicAddress: `127.0.0.1:${Places.#next++}`,
      listen: "0.0.0.0:8080",
    };
  }

  note({ id, join: { publicAddress = "" } }: LaunchOrder): void {
    if (!this.#byOrder.has(id)) this.#byOrder.set(id, publicAddress);
  }

  /** And is the node that it was when it was up before. */
  async untilUp(orderId: string): Promise<void> {
    await eventually(
      async () => {
        const { items } = await control.api.call<{
          items: { id: string; agentState: string; pageOrigin: string }[];
        }>("GET", "nodes");
        const origin = `http://${this.#byOrder.get(orderId)}`;
        const node = items.find(({ agentState, pageOrigin }) => agentState === "up" && pageOrigin === origin);
        assert.ok(node !== undefined, `${origin} is not among ${JSON.stringify(items)}`);
        const before = this.#nodes.get(orderId) ?? node.id;
        this.#nodes.set(orderId, before);
        assert.equal(node.id, before, "it is another node than before");
      },
      { withinMs: limits.bootMs },
    );
  }
}
