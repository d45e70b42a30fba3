import type { Log } from "#base/process/log.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { Grant } from "#wire/grant.ts";
import { LINK_ROUTES, ReopenResponse } from "#wire/link.ts";
import { listenAddresses, type ProxyConfig, publicOrigins } from "./config.ts";
import { Admission } from "./console/admission.ts";
import { Door } from "./console/door.ts";
import { Sessions } from "./console/sessions.ts";
import type { Deadlines } from "./deadlines.ts";
import { dial } from "./dial.ts";
import { Listener } from "./http/listener.ts";
import { checkOrigin } from "./http/origin.ts";
import { Pages } from "./http/pages.ts";
import { readViewerFiles } from "./http/viewer-files.ts";
import { ControlClock } from "./link/control-clock.ts";
import { loadOrJoin } from "./link/identity.ts";
import { LinkClient } from "./link/link-client.ts";
import { Registration } from "./link/registration.ts";
import { Reporter } from "./link/reporter.ts";

export interface ProxyOptions {
  readonly config: ProxyConfig;
  readonly log: Log;
  readonly deadlines: Deadlines;
  /** The built viewer. */
  readonly viewerFolder: string;
  readonly version: string;
  /** Gives up the start. A node that has started is stopped with `stop`. */
  readonly signal: AbortSignal;
}

export interface RunningProxy extends AsyncDisposable {
  readonly id: string;
  readonly pageOrigin: string;
  readonly webSocketOrigin: string;
  /** Rejects with a GatewayError when control wants nothing more to do with this start of the node. */
  readonly kept: Promise<void>;
}

/**
 * Starts a node and resolves once control knows it. Disposing of it ends its sessions, says so to their viewers and
 * to control, and closes whatever was opened, each step within its deadline.
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { config, log, deadlines, version, signal } = options;
  await using starting = new AsyncDisposableStack();
  const files = readViewerFiles(options.viewerFolder);
  const identity = await loadOrJoin({ ...config, log, signal });
  const listener = await Listener.open({ ...config, addresses: listenAddresses(config), log });
  const origins = publicOrigins(config, listener.addresses);

  const lifetime = new AbortController();
  const link = starting.use(new LinkClient(config.control, identity));
  const clock = new ControlClock();
  const registration = new Registration({
    ...origins,
    link,
    clock,
    log,
    version,
    sessions: () => sessions.size,
  });
  const { incarnation } = registration;
  const reporter = new Reporter({ link, incarnation, log });
  const settings = () => registration.current?.settings;

  const sessions = new Sessions({
    log,
    clock,
    deadlines,
    connect: ({ address }, abort) =>
      dial(address, {
        allow: settings()?.upstreamAllow ?? { rules: [] },
        deadlineMs: deadlines.dialMs,
        signal: abort,
      }),
    report: (report) => reporter.report(report),
    entrances: () => settings()?.entrances ?? [],
  });
  const calls = { deadlineMs: deadlines.redeemMs, signal: lifetime.signal };
  const admission = new Admission({
    clock,
    incarnation,
    registered: () => registration.current,
    redeem: (request) => link.call(LINK_ROUTES.redeem, { ...request, incarnation }, Grant, calls),
  });
  const pages = new Pages({
    ...origins,
    files,
    log,
    settings,
    reopen: (request) => link.call(LINK_ROUTES.reopen, { ...request, incarnation }, ReopenResponse, calls),
  });
  const door = new Door({
    log,
    maxSessions: config.maxSessions,
    closingMs: deadlines.closingMs,
    sessions,
    headers: () => pages.headers,
    checkOrigin: (origin) => checkOrigin(origin, origins, settings()?.allowedOrigins ?? new Set()),
    admit: (credentials) => admission.admit(credentials),
  });
  listener.serve({
    request: (request, response) => pages.handle(request, response),
    upgrade: (request, socket, head) => door.handle(request, socket, head),
  });

  // Undone from the last to the first: see `stop`.
  starting.defer(() => registration.deregister());
  starting.defer(() => reporter.finish(deadlines.lastReportsMs));
  starting.defer(() => listener.closed());
  starting.defer(() => sessions.endAll(new GatewayError("node_stopping")));
  starting.defer(() => door.close());
  starting.defer(() => lifetime.abort(new GatewayError("node_stopping")));
  starting.defer(() => listener.stopListening());

  const { nodeId } = await registration.register(signal);
  const kept = untilAborted(
    lifetime.signal,
    registration.keep(lifetime.signal),
    reporter.run(lifetime.signal),
  );
  const started = starting.move();
  return { ...origins, id: nodeId, kept, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/** Rejects with what breaks the work before the signal aborts; what the abort does to it is of no interest. */
async function untilAborted(signal: AbortSignal, ...work: readonly Promise<void>[]): Promise<void> {
  try {
    await Promise.all(work);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
