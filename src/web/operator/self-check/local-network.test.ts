import assert from "node:assert/strict";
import { test } from "node:test";
import { localNetworkLine } from "./local-network.ts";
import { isMixed } from "./look.ts";

function entrance(address: string) {
  const origin = "https://node.example";
  return { nodeId: "n", pageOrigin: origin, webSocketOrigin: origin, addresses: [address] };
}

async function findingOf({
  page = "8.8.8.8",
  node = "10.0.0.7",
  isSecure = true,
  known = {},
}: {
  readonly page?: string;
  readonly node?: string;
  readonly isSecure?: boolean;
  readonly known?: Readonly<Record<string, string>>;
}) {
  const query = async (name: string) => {
    const state = known[name];
    if (state === undefined) throw new TypeError(`${name} is not a permission`);
    return state;
  };
  const { finding, facts } = await localNetworkLine(
    { addresses: [page], entrances: [entrance(node)] },
    { isSecure, query },
  );
  return [finding, facts?.["permission"]];
}

test("a page of a public address that reaches for nodes at private ones is asked about by the name that the browser knows", async () => {
  assert.deepEqual(await findingOf({ known: { "local-network": "granted" } }), [
    "ok",
    "local-network: granted",
  ]);
  assert.deepEqual(await findingOf({ known: { "local-network-access": "denied" } }), [
    "local_network_denied",
    "local-network-access: denied",
  ]);
  assert.deepEqual(await findingOf({ node: "127.0.0.1", known: { "loopback-network": "prompt" } }), [
    "local_network_asks",
    "loopback-network: prompt",
  ]);
});

test("where the browser asks nobody, or cannot be asked, that is what is told", async () => {
  assert.deepEqual(await findingOf({}), ["skipped_permission_unknown", undefined]);
  assert.deepEqual(await findingOf({ isSecure: false }), ["local_network_insecure", undefined]);
  assert.deepEqual(await findingOf({ node: "8.8.4.4" }), ["skipped_same_network", undefined]);
  assert.deepEqual(await findingOf({ page: "10.0.0.1" }), ["skipped_same_network", undefined]);
});

test("a page of https cannot ask nodes that speak plain HTTP, but for this machine's own", () => {
  assert.equal(isMixed("https://control.example/", "http://node.example"), true);
  assert.equal(isMixed("https://control.example/", "http://127.0.0.1:8081"), false);
  assert.equal(isMixed("http://control.example/", "http://node.example"), false);
  assert.equal(isMixed("https://control.example/", "https://node.example"), false);
});
