import { eventually } from "./eventually.ts";
import type { NativeClient } from "./native-client.ts";
import { type Node, startNode } from "./porthole.ts";
import type { Database } from "./postgres.ts";
import { type Replica, startReplicas } from "./replica.ts";
import { startRfbUpstream, type TestUpstream } from "./test-upstream.ts";
import { TestViewer } from "./test-viewer.ts";

/** Replicas of control over one PostgreSQL, and a machine whose screen nodes can open. All are processes of their own. */
export interface Fleet extends AsyncDisposable {
  readonly replicas: readonly Replica[];
  /** The native API of one replica, as the first administrator. */
  api(replica?: number): NativeClient;
  readonly machine: TestUpstream;
  readonly machineId: string;
  /** A new node that knows these links, which may lead over ways that can be cut; all replicas' where none are named. */
  node(options?: NodeOptions): Promise<Node>;
  /** Opens a console and resolves when its picture has come. */
  open(replica?: number): Promise<OpenConsole>;
  /** Resolves when control has the session in this state. */
  untilState(sessionId: string, state: string, replica?: number): Promise<void>;
}

interface NodeOptions {
  readonly links?: readonly string[];
  readonly args?: readonly string[];
  /** Where its identity is, so that it can be started again. */
  readonly data?: string;
}

export interface OpenConsole {
  readonly sessionId: string;
  readonly viewer: TestViewer;
}

/** So that a node that falls silent is missed in seconds. */
const SETTINGS = { "consoleproxy.loadscan.interval": "1000" } as const;

/** The database is closed with the fleet. */
export async function startFleet(count: number, database: Database): Promise<Fleet> {
  await using opened = new AsyncDisposableStack();
  opened.use(database);
  const { replicas, keys } = opened.use(await startReplicas(count, { url: database.url }));
  const machine = opened.use(await startRfbUpstream());
  const api = (replica = 0) => replicaAt(replicas, replica).api(keys);
  for (const [name, value] of Object.entries(SETTINGS))
    await api().call("PUT", `settings/${name}`, { value });
  const { address } = machine.upstream;
  if (address.kind !== "tcp") throw new Error("the machine's screen is not on a port");
  const { id: machineId } = await api().addMachine({
    name: "machine",
    protocol: "rfb",
    address: `${address.host}:${address.port}`,
  });
  const { token: joinToken } = await api().call<{ token: string }>("POST", "join-tokens", { uses: 50 });
  const owned = opened.move();

  return {
    replicas,
    api,
    machine,
    machineId,

    async node({ links = replicas.map(({ link }) => link), ...options } = {}) {
      return owned.use(await startNode({ link: links.join(","), joinToken }, options));
    },

    async open(replica = 0) {
      const { sessionId, websocket } = await api(replica).openConsole(machineId);
      const origin = `http://${websocket.host}:${websocket.port}`;
      const viewer = owned.use(await TestViewer.porthole(origin, websocket.token));
      await viewer.handshake();
      return { sessionId, viewer };
    },

    async untilState(sessionId, state, replica = 0) {
      await eventually(async () => {
        const session = await api(replica).session(sessionId);
        if (session.state !== state) throw new Error(`the session is ${session.state}, not ${state}`);
      });
    },

    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function replicaAt(replicas: readonly Replica[], index: number): Replica {
  const replica = replicas[index];
  if (replica === undefined) throw new Error(`there is no replica ${index}`);
  return replica;
}
