/**
 * What `npm start`, `npm test` and `npm run bench` do first: `node scripts/setup.mjs run|test|bench`.
 * It runs on whatever Node the machine has (from 20), before anything is installed: plain JavaScript, no
 * dependencies. Standard output belongs to the program that comes next, so everything is said on standard error.
 */
import { fileURLToPath } from "node:url";
import { modules, webApps } from "./setup/built.mjs";
import { StepError } from "./setup/command.mjs";
import { containerBase } from "./setup/container-base.mjs";
import { debianPackages } from "./setup/debian-packages.mjs";
import { dependencies } from "./setup/dependencies.mjs";
import { guest } from "./setup/guest.mjs";
import { kubernetesOpenApi } from "./setup/kubernetes-openapi.mjs";
import { withLock } from "./setup/lock.mjs";
import { nameServers } from "./setup/name-servers.mjs";
import { novaConsoleproxy } from "./setup/nova-consoleproxy.mjs";
import { say } from "./setup/progress.mjs";
import { promtool } from "./setup/promtool.mjs";
import { writeReport } from "./setup/report.mjs";
import { stockNoVnc } from "./setup/stock-novnc.mjs";
import { stockSpiceHtml5 } from "./setup/stock-spice-html5.mjs";
import { vcsim } from "./setup/vcsim.mjs";

const OLDEST_NODE = 20;

/** Real peers of the tests, and what the benchmark compares with. */
const TEST_PACKAGES = [
  "chromium",
  "libnss3-tools",
  "qemu-system-x86",
  "tigervnc-standalone-server",
  "xterm",
  "x11-apps",
  "postgresql",
  "cs",
  "python3-libcloud",
  "python3-openstackclient",
  "python3-novaclient",
  "python3-openstacksdk",
  "python3-keystone",
  "haproxy",
  "openssl",
  "nginx-light",
  "caddy",
  "systemd",
  "systemd-container",
  "podman",
  "runc",
  "squashfs-tools",
  "libvirt-daemon",
  "libvirt-clients",
  "libvirt-daemon-driver-qemu",
  "openssh-client",
  "openssh-server",
  "netcat-openbsd",
  "unbound",
  "pebble",
  "bind9-dnsutils",
  "bind9-utils",
  "knot-dnsutils",
  "sasl2-bin",
  "libsasl2-modules",
  "websockify",
  "tightvncserver",
  "xfonts-base",
  "golang-go",
  "golang-github-vmware-govmomi-dev",
  "golang-github-gorilla-websocket-dev",
];

/** For each purpose, what it takes beside the dependencies, and goes on without. */
const PEERS = {
  run: () => [],
  test: (root) => [debianPackages(TEST_PACKAGES), ...unpackedPeers(root)],
  bench: (root) => [debianPackages(TEST_PACKAGES), ...unpackedPeers(root)],
};

process.exitCode = await main(process.argv[2]);

function unpackedPeers(root) {
  return [
    guest(root),
    stockNoVnc(root),
    stockSpiceHtml5(root),
    promtool(root),
    containerBase(root),
    kubernetesOpenApi(root),
    vcsim(root),
    novaConsoleproxy(root),
    nameServers(root),
  ];
}

async function main(purpose) {
  const peersOf = PEERS[purpose];
  if (peersOf === undefined) {
    say("usage: node scripts/setup.mjs run|test|bench");
    return 2;
  }
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    say(`Porthole sets itself up with Node ${OLDEST_NODE} or newer; this is ${process.version}.`);
    say("Install a newer one (https://nodejs.org, or your distribution's nodejs package) and try again.");
    return 1;
  }

  const root = fileURLToPath(new URL("..", import.meta.url));
  const peers = peersOf(root);
  try {
    await runSteps(root, [dependencies(root), webApps(root), modules(root), ...peers]);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    say(error.message);
    return 1;
  }
  if (peers.length > 0)
    writeReport(
      root,
      peers.flatMap((step) => step.missing()),
    );
  return 0;
}

/** Nothing to do is the usual case, and takes no lock. */
async function runSteps(root, steps) {
  if (steps.every((step) => step.isDone())) return;
  await withLock(root, async () => {
    for (const step of steps) {
      if (!step.isDone()) await step.run();
    }
  });
}
