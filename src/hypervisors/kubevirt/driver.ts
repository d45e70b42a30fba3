import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import type { HypervisorDriver, PowerAction } from "../driver.ts";
import { explained, ifThere, notSupported } from "../explained.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { toNodeTls } from "../trust.ts";
import type { KubeVirtAccess } from "./access.ts";
import { KubernetesClient, Refused } from "./client.ts";
import { type Found, hasScreen, hasSerial, isRunning, toKnown } from "./machine.ts";
import { type Kind, listMachines, parseMachineAddress, requireMachine, subresourcePath } from "./machines.ts";
import { SeenMachines } from "./seen.ts";
import { Watch } from "./watch.ts";

const limits = {
  /** While somebody waits for a console. */
  consoleMs: 10_000,
} as const;

const WHO = "KubeVirt";
/** staging/src/kubevirt.io/client-go/subresources/constants.go */
const SUBPROTOCOL = "plain.kubevirt.io";

/** Of virt-handler's, which virt-api quotes from 1.7.1 on; what it answers with itself is status 500, whatever the reason. */
const IN_USE = { words: "Active VNC connection", code: "upstream_consoles_exhausted" } as const;
/** virt-api's own, of a machine that stopped just now: an instance goes with it (pkg/virt-api/rest/subresource.go). */
const STOPPED = ["VMI is not running", '" not found'].map(
  (words) => ({ words, code: "machine_not_running" }) as const,
);

/** virt-api's sub-resources (pkg/virt-api/rest/lifecycle.go). A stop without grace is what pulling the plug is. */
const ORDERS: Readonly<
  Record<PowerAction, { readonly of: Kind; readonly what: string; readonly body: object }>
> = {
  start: { of: "machines", what: "start", body: {} },
  stop: { of: "machines", what: "stop", body: {} },
  cut: { of: "machines", what: "stop", body: { gracePeriod: 0 } },
  restart: { of: "machines", what: "restart", body: {} },
  reset: { of: "instances", what: "reset", body: {} },
};

/** Machines of one cluster's KubeVirt. Each has one VNC and one serial line, which one viewer has at a time (pkg/virt-handler/rest/console.go). */
export function createKubeVirtDriver(
  access: KubeVirtAccess,
  { settleMs }: { readonly settleMs?: number } = {},
): HypervisorDriver {
  const client = new KubernetesClient(access);
  const closing = new AbortController();
  const { namespace, preservesSession, isReadOnly } = access;
  const require = (address: string, signal: AbortSignal) => requireMachine(client, address, signal);
  const soon = () => AbortSignal.timeout(limits.consoleMs);

  return {
    parseAddress(text) {
      parseMachineAddress(text);
      return text;
    },

    check: ({ address }) =>
      explained(WHO, async () => {
        const found = await require(address, soon());
        return {
          running: isRunning(found),
          protocols: [
            ...(hasScreen(found) ? ["rfb" as const] : []),
            ...(hasSerial(found) ? ["serial" as const] : []),
          ],
          isExclusive: true,
        };
      }),

    resolve: ({ address, protocol }) =>
      explained(WHO, async (): Promise<Upstream> => {
        const found = await require(address, soon());
        const isLine = protocol === "serial";
        if (isLine) requireLine(found);
        else requireScreen(found);
        const { host, port, prefix, trust, token } = await client.cluster();
        const what = isLine ? "console" : "vnc";
        const path = subresourcePath("instances", parseMachineAddress(address), what);
        // Of a serial line KubeVirt knows no such parameter: who comes last has it.
        const query = preservesSession && !isLine ? "?preserveSession=true" : "";
        return {
          address: {
            ...{ kind: "websocket", host, port, isSecure: true, subprotocol: SUBPROTOCOL },
            refusals: isLine ? STOPPED : [IN_USE, ...STOPPED],
            path: `${prefix}${path}${query}`,
            ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token.expose()}` } }),
          },
          tls: toNodeTls(trust, host),
        };
      }),

    list: (signal) => explained(WHO, () => listMachines(client, namespace, signal)),

    identity: (signal) =>
      explained(WHO, async () => {
        // The namespace that every cluster has, and that is there for as long as it is.
        const { metadata } = await client.ask("namespace", {
          path: "/api/v1/namespaces/kube-system",
          signal,
        });
        return `cluster ${metadata.uid}${namespace === undefined ? "" : `, namespace ${namespace}`}`;
      }),

    find: (address, signal) =>
      ifThere(() => explained(WHO, async () => toKnown(await require(address, signal)))),

    consoles: (address, signal) =>
      explained(WHO, async () => {
        const found = await require(address, signal);
        return [
          ...(hasScreen(found) ? [{ protocol: "rfb", isExclusive: true } as const] : []),
          ...(hasSerial(found) ? [{ protocol: "serial", isExclusive: true } as const] : []),
        ];
      }),

    follow: (onChange, signal) =>
      explained(WHO, () =>
        follow(client, { namespace, onChange, settleMs, signal, closing: closing.signal }),
      ),

    power: (address, action, signal) =>
      explained(WHO, async () => {
        if (isReadOnly) throw new HypervisorError("rights", `${WHO} is registered to show only`);
        const found = await require(address, signal);
        const { of, what, body } = ORDERS[action];
        if (of === "machines" && found.machine === undefined)
          throw notSupported(WHO, "an instance that no VirtualMachine has made can only be reset");
        if (of === "instances" && !isRunning(found)) throw new GatewayError("machine_not_running");
        const path = subresourcePath(of, parseMachineAddress(address), what);
        await order(client, { path, body, signal });
      }),

    screenshot: (address, signal) =>
      explained(WHO, async () => {
        requireScreen(await require(address, signal));
        const path = subresourcePath("instances", parseMachineAddress(address), "vnc/screenshot");
        const headers = { accept: "image/png, application/json" };
        const bytes = await client.send({ method: "GET", path, headers, signal, isRepeatable: true });
        return { mediaType: "image/png", bytes };
      }),

    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error("closed from here"));
      client[Symbol.dispose]();
    },
  };
}

function requireScreen(found: Found): void {
  if (!isRunning(found)) throw new GatewayError("machine_not_running");
  if (!hasScreen(found))
    throw new GatewayError("upstream_unreachable", { detail: "the machine has no graphics device" });
}

function requireLine(found: Found): void {
  if (!isRunning(found)) throw new GatewayError("machine_not_running");
  if (!hasSerial(found))
    throw new GatewayError("upstream_unreachable", { detail: "the machine has no serial console" });
}

async function order(
  client: KubernetesClient,
  { path, body, signal }: { readonly path: string; readonly body: object; readonly signal: AbortSignal },
): Promise<void> {
  const headers = { "content-type": "application/json" };
  try {
    await client.send({ method: "PUT", path, headers, body: JSON.stringify(body), signal });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 409) throw new GatewayError("machine_not_running", { cause: error });
    if (error.status === 404) throw notSupported(WHO, `${error.message}; older releases do not have it`);
    throw error;
  }
}

/** Both kinds are watched: a machine says whether it runs, and its instance which guest it has. */
async function follow(
  client: KubernetesClient,
  {
    namespace,
    onChange,
    settleMs,
    signal,
    closing,
  }: {
    readonly namespace: string | undefined;
    readonly onChange: (address: string) => void;
    readonly settleMs: number | undefined;
    readonly signal: AbortSignal;
    readonly closing: AbortSignal;
  },
): Promise<{ readonly ended: Promise<unknown> }> {
  const over = new AbortController();
  const until = AbortSignal.any([signal, closing, over.signal]);
  const seen = new SeenMachines(onChange, settleMs);
  const kinds = ["machines", "instances"] as const;
  const watches = await Promise.all(
    kinds.map((kind) => Watch.begin(client, { kind, namespace, seen }, until)),
  );
  until.throwIfAborted();
  until.addEventListener("abort", () => seen.stop(), { once: true });
  seen.begin();
  const ended = Promise.race(watches.map((watch) => watch.run(until))).then(
    (never) => never,
    (error: unknown) => {
      over.abort(error);
      return error;
    },
  );
  return { ended };
}
