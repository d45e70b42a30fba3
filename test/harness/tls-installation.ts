import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import type { Console, Node as ListedNode } from "#wire/api.ts";
import { eventually } from "./eventually.ts";
import { type Control, type Node, startControl, startNode } from "./porthole.ts";
import { scratch } from "./scratch.ts";
import { idOf } from "./serving-certificate.ts";
import { startRfbUpstream, type TestUpstream } from "./test-upstream.ts";
import { TestViewer } from "./test-viewer.ts";

/** Of a page that there is on every node. */
export const PAGE = "/p/project/console.html";

/** Control and one node as processes, whose TLS a test switches on and off. */
export interface TlsInstallation extends AsyncDisposable {
  readonly control: Control;
  readonly node: Node;
  readonly machineId: string;
  readonly machine: TestUpstream;
  readonly ca: string;
  readonly folder: string;
  use<Resource extends AsyncDisposable>(resource: Resource): Resource;
  set(name: string, value: string): Promise<void>;
  /** Resolves when every node has said that it serves TLS. */
  enable(): Promise<void>;
  disable(): Promise<void>;
  nodes(): Promise<readonly ListedNode[]>;
  /** `trusted`: in place of the installation's CA. */
  get(url: string, trusted?: string): Promise<{ readonly response: IncomingMessage; readonly shown: string }>;
  view(console: Pick<Console, "websocket"> & { readonly url?: string }): Promise<TestViewer>;
  /** The machine says something, and the viewer hears it. */
  speaks(viewer: TestViewer, words: string, caller?: number): Promise<void>;
}

export async function openInstallation({
  args = [],
  nodes: count = 1,
}: {
  readonly args?: readonly string[];
  readonly nodes?: number;
} = {}): Promise<TlsInstallation> {
  await using opened = new AsyncDisposableStack();
  const { path: folder } = opened.use(scratch());
  const control = opened.use(await startControl());
  const { api } = control;
  const set = async (name: string, value: string) => {
    await api.call("PUT", `settings/${name}`, { value });
  };
  await set("consoleproxy.loadscan.interval", "1000");
  await set("consoleproxy.session.max", "1000");
  const { token } = await api.call<{ token: string }>("POST", "join-tokens", { uses: 10 });
  const node = opened.use(await startNode({ ...control, joinToken: token }, { args }));
  const machine = opened.use(await startRfbUpstream());
  const { address } = machine.upstream;
  if (address.kind !== "tcp") throw new Error("the machine's screen is not on a port");
  const { id: machineId } = await api.addMachine({
    name: "machine",
    protocol: "rfb",
    address: `${address.host}:${address.port}`,
  });
  const { certificate: ca } = await api.call<{ certificate: string }>("GET", "node-authority");
  const nodes = async () => (await api.call<{ items: ListedNode[] }>("GET", "nodes")).items;
  const untilServes = async (isTls: boolean) => {
    await eventually(async () => {
      const all = await nodes();
      assert.deepEqual(
        all.map(({ certificate }) => certificate !== undefined),
        Array.from({ length: count }, () => isTls),
      );
    });
    // What this control has read of its nodes for links may be a moment older.
    await eventually(async () => {
      const { url } = await api.openConsole(machineId);
      assert.equal(new URL(url).protocol, isTls ? "https:" : "http:");
    });
  };
  const owned = opened.move();
  return {
    control,
    node,
    machineId,
    machine,
    ca,
    folder,
    use: (resource) => owned.use(resource),
    set,
    nodes,
    async enable() {
      await set("consoleproxy.sslEnabled", "true");
      await untilServes(true);
    },
    async disable() {
      await set("consoleproxy.sslEnabled", "false");
      await untilServes(false);
    },
    async get(url, trusted = ca) {
      const agent = new Agent({ ca: trusted, maxCachedSessions: 0 });
      const asked = request(url.replace(/#.*/, ""), { agent }).end();
      const [response] = (await once(asked, "response")) as [IncomingMessage];
      const shown = (response.socket as TLSSocket).getPeerX509Certificate()?.toString() ?? "";
      await text(response);
      agent.destroy();
      return { response, shown: idOf(shown) };
    },
    async view({ websocket, url = "https://" }) {
      const scheme = url.startsWith("https:") ? "wss" : "ws";
      const { host, port, path, token: ticket } = websocket;
      const viewer = await TestViewer.connect(`${scheme}://${host}:${port}/${path}?token=${ticket}`, {
        protocols: ["binary"],
        ca,
      });
      await viewer.handshake();
      return viewer;
    },
    async speaks(viewer, words, caller = 0) {
      machine.callers[caller]?.socket.write(words);
      await eventually(() => assert.ok(viewer.bytes.toString("latin1").includes(words), words));
      assert.equal(viewer.closed, undefined);
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** Certificates of a node change with the names that they are for. Neither a console nor a listening socket is closed by it. */
export async function changeUnder(
  at: TlsInstallation,
  { sessions, changes }: { readonly sessions: number; readonly changes: number },
): Promise<void> {
  await at.enable();
  const viewers: TestViewer[] = [];
  for (let count = 0; count < sessions; count++) {
    // On a busy machine a node may be silent for longer than it is taken to be up.
    const console = await eventually(async () => await at.control.api.openConsole(at.machineId));
    viewers.push(at.use(await at.view(console)));
  }
  const seen = new Set<string>();
  const { port } = new URL(at.node.node);
  const listening = listenersAt(port);
  assert.equal(listening.length, 1);

  for (let change = 0; change < changes; change++) {
    await at.set("consoleproxy.url.domain", `*.change-${change}.example`);
    const id = await eventually(async () => {
      const [node] = await at.nodes();
      const served = node?.certificate?.id ?? "";
      assert.ok(served !== "" && !seen.has(served), "the node has not said that it serves a new one");
      return served;
    });
    seen.add(id);
    const { shown } = await at.get(`${at.node.node.replace("http:", "https:")}${PAGE}`);
    assert.equal(shown, id);
    for (const [index, viewer] of viewers.entries()) await at.speaks(viewer, `change ${change} `, index);
    assert.deepEqual(listenersAt(port), listening, "it is the same socket that listens");
  }
}

/** The inodes of sockets that listen at a port of IPv4, which are other ones whenever somebody listens anew. */
function listenersAt(port: string): readonly string[] {
  const LISTEN = "0A";
  const hex = Number(port).toString(16).toUpperCase().padStart(4, "0");
  const rows = readFileSync("/proc/net/tcp", "utf8").trim().split("\n").slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local = "", , state]) => state === LISTEN && local.endsWith(`:${hex}`))
    .map((fields) => fields[9] ?? "");
}
