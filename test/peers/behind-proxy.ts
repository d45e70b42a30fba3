import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { SUBPROTOCOL, TICKET_ENTRY_PREFIX } from "#wire/viewer.ts";
import { type Control, startControl, startNode } from "../harness/porthole.ts";
import { startRfbUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { type FrontProxy, type FrontProxyName, type StartNodes, startFrontProxy } from "./front-proxies.ts";

/** Control, two nodes behind a front proxy, and a machine. */
export interface Installation extends AsyncDisposable {
  readonly control: Control;
  readonly machineId: string;
  readonly proxy: FrontProxy;
}

interface Options {
  /** Whose nodes they are to be, where that is others' as well. */
  readonly control?: Control;
  readonly nodeArgs?: readonly string[];
  readonly change?: (configuration: string) => string;
  readonly path?: string;
}

export async function startBehind(
  name: FrontProxyName,
  { control: given, nodeArgs = [], change, path }: Options = {},
): Promise<Installation> {
  await using opened = new AsyncDisposableStack();
  const control = given ?? opened.use(await startControl());
  const { upstream } = opened.use(await startRfbUpstream());
  assert.ok(upstream.address.kind === "tcp");
  const address = `${upstream.address.host}:${upstream.address.port}`;
  const { id: machineId } = await control.api.addMachine({
    name: `guest ${randomUUID()}`,
    protocol: "rfb",
    address,
  });
  const proxy = opened.use(await startFrontProxy(name, twoNodesOf(control, { nodeArgs }), { change, path }));
  const owned = opened.move();
  return { control, machineId, proxy, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

/** Two nodes of this control, for a proxy that they are behind. */
export function twoNodesOf(
  control: Control,
  {
    nodeArgs = [],
    onStarted,
  }: { readonly nodeArgs?: readonly string[]; readonly onStarted?: (id: string) => void } = {},
): StartNodes {
  return async (publicUrl, port, nodes) => {
    const startOne = async (host: string): Promise<string> => {
      // The proxy's own port, at another address: a node has one that is known before it listens.
      const listen = `${host}:${port}`;
      const args = ["--public-url", publicUrl, "--behind-proxy", "--listen", listen, ...nodeArgs];
      const { id } = nodes.use(await startNode(control, { args }));
      onStarted?.(id);
      return listen;
    };
    return [await startOne("127.0.0.2"), await startOne("127.0.0.3")];
  };
}

/** Opens a console through the proxy; resolves when the viewer is let in, or told why not. */
export async function open(
  { control, machineId, proxy }: Installation,
  {
    callerAddress,
    ...from
  }: {
    readonly callerAddress?: string;
    readonly localAddress?: string;
    readonly headers?: Record<string, string>;
  } = {},
): Promise<TestViewer> {
  const bound = callerAddress === undefined ? {} : { callerAddress };
  const { url, websocket } = await control.api.openConsole(machineId, bound);
  assert.equal(new URL(url).origin, proxy.origin);
  const protocols = [SUBPROTOCOL, `${TICKET_ENTRY_PREFIX}${websocket.token}`];
  const address = `${proxy.origin.replace("https:", "wss:")}/p/x/websockify`;
  return await TestViewer.connect(address, { protocols, ca: proxy.ca, ...from });
}
