import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import type { HypervisorCredentials } from "#wire/hypervisors.ts";
import { eventually } from "../harness/eventually.ts";
import { ExtendedKeyUsage, testCertificate } from "../harness/test-certificates.ts";
import { startFleet } from "../harness/test-fleet.ts";
import { endingOf, machineOf, open, picture } from "./hypervisor-stage.ts";
import { type KubeVirtApi, startKubeVirtApi } from "./kubevirt-api.ts";
import { lackingQemu as skip, startQemu } from "./qemu.ts";

const { signal } = new AbortController();

test("KubeVirt: a console is opened by a node, in the project of its namespace, and its token is logged nowhere", {
  skip,
}, async () => {
  await using stage = await startStage("");
  const { api, fleet, node, machine } = stage;
  const { admin, services } = fleet.control;
  const { name, project } = await services.machines.get(admin, machine.id);
  assert.deepEqual([name, project], ["shop/web", "shop"]);

  const first = await open(fleet, machine);
  await using viewer = await picture(node, first.ticket);
  const second = await open(fleet, machine);
  await assert.rejects(picture(node, second.ticket));

  assert.equal(await endingOf(fleet.control, second.sessionId), "upstream_consoles_exhausted");
  assert.equal(viewer.closed, undefined);
  assert.equal(api.viewers, 1);
  assert.ok(!node.log().includes(api.token));
});

test("KubeVirt: by a kubeconfig a console is opened with the client certificate that stands in it, or with its token", {
  skip,
}, async () => {
  for (const who of ["ada", "robot"]) {
    await using stage = await startStage(`:${who}`, async ({ address, authority, token }) => {
      const { pem, keyPem } = await testCertificate({
        ...{ commonName: "ada", issuer: authority, isAuthority: false },
        usages: [ExtendedKeyUsage.clientAuth],
      });
      const contexts = ["ada", "robot"].map((user) => ({ name: user, context: { cluster: "lab", user } }));
      const server = { server: address, "certificate-authority-data": btoa(authority.pem) };
      const certificate = { "client-certificate-data": btoa(pem), "client-key-data": btoa(keyPem) };
      const users = [
        { name: "ada", user: certificate },
        { name: "robot", user: { token } },
      ];
      return {
        address: "kubeconfig",
        credentials: {
          secret: JSON.stringify({ contexts, clusters: [{ name: "lab", cluster: server }], users }),
        },
      };
    });
    const { fleet, node, machine, api } = stage;
    // A certificate of the cluster's authority is good whatever the token is.
    if (who === "ada") api.token = "another";

    await using viewer = await picture(node, (await open(fleet, machine)).ticket);

    assert.equal(viewer.closed, undefined);
    assert.ok(!node.log().includes("PRIVATE KEY") && !node.log().includes("control.token"));
  }
});

test("KubeVirt: who looks at a machine past Porthole stays, unless it was said that he need not", {
  skip,
}, async () => {
  for (const [query, outcome] of [
    ["", "upstream_consoles_exhausted"],
    ["?preserveSession=false", "open"],
  ] as const) {
    await using stage = await startStage(query);
    const { api, fleet, node, machine } = stage;
    await using elsewhere = await stage.lookPast();

    const { sessionId, ticket } = await open(fleet, machine);

    if (outcome === "open") {
      await using viewer = await picture(node, ticket);
      assert.equal(viewer.closed, undefined);
      await eventually(() => assert.equal(elsewhere.isOpen(), false));
    } else {
      await assert.rejects(picture(node, ticket));
      assert.equal(await endingOf(fleet.control, sessionId), outcome);
      assert.equal(elsewhere.isOpen(), true);
    }
    assert.ok(!node.log().includes(api.token));
  }
});

test("KubeVirt: a machine that stops just before its console is connected to is told as one that does not run", {
  skip,
}, async () => {
  await using stage = await startStage("");
  const { api, fleet, node, machine } = stage;
  const { sessionId, ticket } = await open(fleet, machine);

  api.onConsole = () => api.cluster.stop("shop/web");
  await assert.rejects(picture(node, ticket));

  assert.equal(await endingOf(fleet.control, sessionId), "machine_not_running");
});

/** What is registered: by its token if nothing else is said. */
type Registered = (
  api: KubeVirtApi,
) => Promise<{ readonly address: string; readonly credentials: HypervisorCredentials }>;

const byToken: Registered = async ({ address, authority, token }) => ({
  address,
  credentials: { secret: token, caCertificate: authority.pem },
});

async function startStage(query: string, registered = byToken) {
  await using opened = new AsyncDisposableStack();
  const qemu = opened.use(await startQemu({ kubevirt: {} }));
  const api = opened.use(await startKubeVirtApi({ host: qemu.host, port: qemu.ports.kubevirt }));
  const address = api.cluster.add("web");
  const fleet = opened.use(await startFleet());
  const node = await fleet.start();
  const { control } = fleet;
  await control.services.projects.add(control.admin, { name: "shop" });
  const { address: place, credentials } = await registered(api);
  const { id } = await control.services.hypervisors.add(control.admin, {
    ...{ name: "lab", platform: "kubevirt", address: `${place}${query}`, credentials },
    rules: [{ name: "shop/*", project: "shop" }],
  });
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(signal));
  const machine = await machineOf(control, address, { power: "running" });
  const owned = opened.move();
  return {
    ...{ api, fleet, node, machine },
    /** As virtctl does it. */
    async lookPast() {
      const path = "/apis/subresources.kubevirt.io/v1/namespaces/shop/virtualmachineinstances/web/vnc";
      const socket = new WebSocket(`${api.address.replace("https", "wss")}${path}`, "plain.kubevirt.io", {
        headers: { authorization: `Bearer ${api.token}` },
        ca: api.authority.pem,
      });
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      return {
        isOpen: () => socket.readyState === WebSocket.OPEN,
        [Symbol.asyncDispose]: async () => socket.terminate(),
      };
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
