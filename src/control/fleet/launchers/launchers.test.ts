import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import {
  closeLaunchers,
  createLaunchers,
  type LauncherOptions,
  launcherChoice,
  poolOfPod,
} from "./launchers.ts";

const OPTIONS: Omit<LauncherOptions, "launchers"> = {
  launchDirectory: "/nonexistent/nodes",
  launchCommands: null,
  logLevel: "info",
  launchEnvironment: {},
  kubernetesServiceAccounts: ["consoles/porthole-proxy", "x/porthole-proxy"],
  kubernetesApi: "https://cluster.example.com",
  kubernetesAuthorityFile: "/nonexistent/ca.crt",
  kubernetesTokenFile: "/nonexistent/token",
  libvirtUri: "qemu:///system",
  libvirtImage: "/var/lib/porthole/system-vm",
  libvirtStoragePool: "default",
  libvirtNetwork: { kind: "network", name: "default" },
  libvirtConsoleLogs: "/var/log/libvirt/qemu",
  libvirtMemory: 1024,
  libvirtVcpus: 2,
  libvirtDomainType: "kvm",
  libvirtStopSeconds: 60,
};

test("each pool has the launcher that is said for it, and what it is told", async () => {
  const launchers = create("default=libvirt", "edge=kubernetes:consoles/porthole-proxy", "lab=libvirt");

  assert.deepEqual(
    [...launchers].map(([pool, { scope }]) => [pool, scope]),
    [
      ["default", "libvirt qemu:///system"],
      ["edge", "kubernetes consoles/porthole-proxy at https://cluster.example.com"],
      ["lab", "libvirt qemu:///system"],
    ],
  );
  assert.equal(launchers.get("default"), launchers.get("lab"), "pools that say the same share one");
  await closeLaunchers(launchers);
});

for (const [text, problem] of [
  ["default", /must be POOL=LAUNCHER, the launcher one of process, command, kubernetes, libvirt/],
  ["default=openstack", /must be POOL=LAUNCHER/],
  ["default=libvirt:host7", /must name nothing behind libvirt/],
  ["default=kubernetes", /must name a StatefulSet, as POOL=kubernetes:NAMESPACE\/NAME/],
  ["default=kubernetes:porthole-proxy", /must name a StatefulSet/],
  ["default=kubernetes:../x/y", /must name a StatefulSet/],
  ["default=command", /must name a script/],
] as const)
  test(`“${text}” is no choice of a launcher, and it is said why`, () => {
    assert.throws(() => launcherChoice(text), problem);
  });

test("a StatefulSet cannot serve two pools, nor a pool have two launchers", () => {
  assert.throws(() => create("a=kubernetes:x/y", "b=kubernetes:x/y"), /are of one pool/);
  assert.throws(() => create("a=libvirt", "a=kubernetes:x/y"), /the pool a has two/);
});

test("a pod is a node of the pool whose launcher makes it, and else of the default one", () => {
  const choices = ["edge=kubernetes:consoles/edge", "far=kubernetes:consoles/edge-1", "lab=libvirt"].map(
    launcherChoice,
  );

  const pods = ["edge-0", "edge-12", "edge-1-0", "edge", "edge-x", "edge-0-x", "other-0", "lab-0"];

  assert.deepEqual(
    pods.map((name) => poolOfPod(choices, `consoles/${name}`)),
    ["edge", "edge", "far", ...Array(5).fill("default")],
  );
  assert.equal(poolOfPod(choices, "elsewhere/edge-0"), "default");
});

test("a launcher of pods that may not join is refused, with what to do", () => {
  assert.throws(
    () => create("edge=kubernetes:elsewhere/edge"),
    /the pods of elsewhere\/edge join .* --kubernetes-service-accounts must name .* the namespace elsewhere/,
  );
});

function create(...choices: readonly string[]) {
  const surroundings = { installationId: "installation", log: pino({ level: "silent" }), maximum: () => 10 };
  return createLaunchers({ ...OPTIONS, launchers: choices.map(launcherChoice) }, surroundings);
}
