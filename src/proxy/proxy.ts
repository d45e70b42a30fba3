import { systemClock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { ConsoleProtocol, Upstream } from "#wire/grant.ts";
import { forwardAddress, listenAddresses, type ProxyConfig, publicOrigins, sharesAddress } from "./config.ts";
import { Admission } from "./console/admission.ts";
import { Door } from "./console/door.ts";
import type { Connecting } from "./console/opening.ts";
import { Sessions } from "./console/sessions.ts";
import { withDeadline } from "./deadline.ts";
import type { Deadlines } from "./deadlines.ts";
import { type DialRules, dial } from "./dial.ts";
import { Draining } from "./draining.ts";
import { openForwarding } from "./forward/forwarding.ts";
import { answerAcmeChallenge } from "./http/acme-challenge.ts";
import { type Handlers, Listener } from "./http/listener.ts";
import { checkOrigin, type OwnOrigins } from "./http/origin.ts";
import { OriginsBefore } from "./http/origins-before.ts";
import { Pages } from "./http/pages.ts";
import { readViewerFiles } from "./http/viewer-files.ts";
import { nodeIdOf } from "./link/certificate.ts";
import { createCommands } from "./link/commands.ts";
import { type Identity, joinAgain, keepIdentity, loadOrJoin } from "./link/identity.ts";
import { LinkClient } from "./link/link-client.ts";
import { NodeLink } from "./link/node-link.ts";
import { refusal } from "./link/refusal.ts";
import { byNewestRules } from "./newest-rules.ts";
import { observeNode } from "./observe/observe-node.ts";
import { listeningOf } from "./own-listeners.ts";
import { reach } from "./reach.ts";
import { SelfCheck } from "./self-check/self-check.ts";
import { Lines } from "./serial/lines.ts";
import { sessionCeiling } from "./session-ceiling.ts";
import { OwnSignIns } from "./sign-ins/sign-ins.ts";
import { WorkersSignIns } from "./sign-ins/workers-sign-ins.ts";
import { noPicture } from "./thumbnails/no-picture.ts";
import { shootRfb } from "./thumbnails/shoot-rfb.ts";
import { Thumbnails } from "./thumbnails/thumbnails.ts";
import { type BoundAddresses, tlsListenAddresses, tlsOrigins, wantedAddress } from "./tls/addresses.ts";
import { TlsFront } from "./tls/front.ts";
import { redirectToTls } from "./tls/require-tls.ts";
import { createServed } from "./tls/serving.ts";

/** How a small picture of a screen is made, by the protocol that it speaks. What WebMKS begins with is RFB; of a serial line and of SPICE there is none. */
const SHOOTINGS: Readonly<Record<ConsoleProtocol, typeof shootRfb>> = {
  rfb: shootRfb,
  serial: noPicture,
  webmks: shootRfb,
  spice: noPicture,
};

/** For a screen that the self-check tries: so that many that are silent are not waited for too long. */
const SCREEN_DIAL_MS = 3_000;

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
  /** Where it is watched, if it is. */
  readonly admin?: string;
  /** Rejects with a GatewayError when control wants nothing more to do with this start of the node. */
  readonly kept: Promise<void>;
  /** Resolves when control wants this process to end, once nothing is open in it: for ever, or to come back. */
  readonly left: Promise<"restart" | "stop">;
  /**
   * Before it is disposed of: waits until nothing is open, for so many milliseconds at most or until the signal aborts, and
   * sends those who come meanwhile to other nodes.
   */
  waitForSessions(timeoutMs: number, signal: AbortSignal): Promise<void>;
}

/**
 * Starts a node and resolves once control knows it. One that control has forgotten joins anew, where it has something to
 * join with: a pod that is made again on the disk of one that was taken away comes back by itself. Disposing of it ends its sessions, says so to their viewers and
 * to control, and closes whatever was opened, each step within its deadline.
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const joining = { ...options.config, log: options.log, signal: options.signal };
  try {
    return await startAs(options, async () => await loadOrJoin(joining));
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "node_forgotten") throw error;
    return await startAs(options, async () => {
      const identity = await joinAgain(joining);
      if (identity === undefined) throw error;
      return identity;
    });
  }
}

async function startAs(options: ProxyOptions, identify: () => Promise<Identity>): Promise<RunningProxy> {
  const { config, deadlines, version, signal } = options;
  await using opened = new AsyncDisposableStack();
  const observed = opened.use(await observeNode(config, { log: options.log, version }));
  const { meters, tracing } = observed.observing;
  const maxSessions = sessionCeiling(config.maxSessions);
  const files = readViewerFiles(options.viewerFolder);
  const identity = await identify();
  const log = options.log.child({ nodeId: nodeIdOf(identity.certificate) });
  const tls = new TlsFront({ ...deadlines, log });
  const { listener, bound } = await openListener({ ...options, log }, tls);
  const origins = publicOrigins(config, bound.plain);
  const secure = tlsOrigins(config, bound);
  const served = createServed((loaded) => tls.use(loaded), log);
  const forwarding = await openForwarding({
    listen: config.forwardListen ?? { host: listenAddresses(config)[0]?.host ?? "", port: 0 },
    identity,
    log,
    deadlines,
    maxSessions,
    refusal: () => draining.passingRefusal,
    link: () => link,
  });

  const draining: Draining = new Draining({
    admitting: () => door.admitting,
    sessions: () => sessions,
    passing: forwarding.passing,
    sharesPort: config.reusePort,
    clock: () => link.clock,
    tellControl: async (deadline) => await link.leave(deadline),
    log,
  });
  const obey = createCommands({
    incarnation: () => link.incarnation,
    end: (session, reason) => {
      link.forgetGrant(session);
      return sessions.end(session, reason);
    },
    keepGrants: (grants) => link.keepGrants(grants),
    takeKeys: (keys) => link.takeKeys(keys),
    serve: (certificate) => served.take(certificate),
    check: (command) => selfCheck.begin(command),
    output: async (machineId) => await lines.output(machineId),
    drain: (command) => draining.obey(command),
    leave: (command) => draining.leave(command),
    isReporting: (session) => link.isReporting(session),
  });
  const client = opened.use(new LinkClient({ controls: config.control, credentials: identity, obey }));
  const link: NodeLink = new NodeLink({
    ...origins,
    secure,
    wantedAddress: wantedAddress(config, bound),
    publicPath: config.publicPath,
    sharesAddress: sharesAddress(config),
    forwardAddress: (local) => forwardAddress(config, { listened: forwarding.address, local }),
    client,
    identity,
    keepIdentity: async (renewed) => await keepIdentity(config.data, renewed),
    onRenewed: (renewed) => forwarding.renew(renewed),
    log,
    version,
    maximumSessions: maxSessions,
    sessions: () => sessions.size,
    redeemMs: deadlines.redeemMs,
    whyMs: deadlines.whyMs,
    powerMs: deadlines.powerMs,
    meters,
    end: (session) => sessions.end(session, refusal(session)),
    onBack: () => sessions.reportAll(),
  });
  const own = (): OwnOrigins =>
    tls.isServing ? (link.settings?.secure.given ?? secure) : (link.settings?.given ?? origins);
  const named = () => (tls.isServing ? link.settings?.secure.found : link.settings?.found);
  const before = new OriginsBefore();
  const foundAt = (): readonly [OwnOrigins, ...OwnOrigins[]] => {
    const now = named() ?? own();
    return [now, own(), ...before.beside(now)];
  };
  const dialRules = (): DialRules => ({
    allow: link.settings?.upstreamAllow ?? { rules: [] },
    listening: listeningOf({
      own: [...bound.plain, ...bound.tls, forwarding.address],
      admin: observed.admin?.origin,
      peers: link.settings?.peers.values() ?? [],
      control: { addresses: client.remoteAddresses, ports: link.settings?.controlPorts ?? [] },
    }),
  });
  const allowedOrigins = () => link.settings?.allowedOrigins ?? new Set<string>();
  const connect = async (upstream: Upstream, connecting: Connecting) =>
    await byNewestRules(async (rules) => await reach(upstream, { ...rules, ...connecting }), {
      rules: dialRules,
      refresh: async (left) => await link.refreshRules(left),
      signal: connecting.signal,
    });
  // Nobody has opened a picture, and a page of them would have control asked all the time.
  const connectForPicture = async (upstream: Upstream, connecting: Connecting) =>
    await reach(upstream, { ...dialRules(), ...connecting });
  const signIns = config.worker ? new WorkersSignIns(process) : new OwnSignIns();
  const lines = new Lines();
  const sessions = new Sessions({
    log,
    clock: link.clock,
    deadlines,
    connect,
    signIns,
    lines,
    report: (report) => link.report(report),
    why: async (session) => await link.why(session),
    order: async (order) => await link.power(order),
    entrances: () => link.settings?.entrances ?? [],
    notice: () => draining.notice,
    timeouts: () => link.settings ?? { sessionTimeoutMs: 0, idleTimeoutMs: 0 },
    observing: observed.observing,
  });
  const admission = new Admission(link, tracing);
  const thumbnails: Thumbnails = new Thumbnails({
    clock: link.clock,
    shoot: async (grant, box, abort) =>
      await SHOOTINGS[grant.protocol](grant, box, {
        ...{ deadlines, signIns, signal: abort },
        connect: connectForPicture,
      }),
    headers: () => pages.headers,
    addressee: forwarding.addressee,
    forward: forwarding.request,
    admit: async (credentials) => await admission.admit(credentials, "thumbnail"),
    report: (report) => link.report(report),
    meters,
  });
  const pages = new Pages({
    origins: foundAt,
    files,
    log,
    allowedOrigins,
    frameAncestors: () => link.settings?.frameAncestors ?? [],
    reopen: async (request) => await link.reopen(request),
    thumbnail: async (request, response) => await thumbnails.handle(request, response),
    seen: (request, token) => selfCheck.seen(request, token),
  });
  const door: Door = new Door({
    log,
    maxSessions,
    closingMs: deadlines.closingMs,
    sessions,
    leaving: () => draining.refusal,
    headers: () => pages.headers,
    addressee: forwarding.addressee,
    forward: forwarding.upgrade,
    requiresTls: () => tls.isServing,
    checkOrigin: (origin, ports) => checkOrigin(origin, foundAt(), allowedOrigins(), ports),
    admit: async (credentials) => await admission.admit(credentials),
    meters,
  });
  const selfCheck: SelfCheck = new SelfCheck({
    entrance: () => foundAt()[0],
    publicPath: config.publicPath,
    authority: identity.authority,
    clock: link.clock,
    own: systemClock,
    newestRules: async (abort) => await link.refreshRules(abort),
    dial: async (address, abort) =>
      await withDeadline(SCREEN_DIAL_MS, abort, (inTime) =>
        dial(address, { ...dialRules(), signal: inTime }),
      ),
    tell: async (run, lines, abort) => await link.tellChecked(run, lines, abort),
    log,
  });
  const isChallenge = (...asked: Parameters<Handlers["request"]>) =>
    answerAcmeChallenge(...asked, link.settings?.acmeThumbprint);
  const handlers: Handlers = {
    request: (request, response) => {
      if (!isChallenge(request, response)) pages.handle(request, response);
    },
    // An authority looks on port 80, whatever is served on 443.
    unsecured: (request, response) => {
      if (isChallenge(request, response)) return;
      redirectToTls(request, response, {
        ...foundAt()[0],
        publicPath: config.publicPath,
        webSocketPort: bound.plain[1]?.port,
      });
    },
    upgrade: (request, socket, head) => door.handle(request, socket, head),
  };
  listener.serve(handlers);
  forwarding.serve(handlers);

  // How a node stops, from the last line to the first.
  opened.defer(async () => await link.finish(deadlines.lastReportsMs));
  opened.defer(async () => await forwarding.closed());
  opened.defer(async () => await listener.closed());
  opened.defer(() => lines.stop());
  opened.defer(async () => await sessions.endAll(new GatewayError("node_stopping")));
  opened.defer(async () => await door.close());
  opened.defer(async () => await thumbnails.stop());
  opened.defer(() => link.stopAsking());
  opened.defer(async () => await selfCheck.stop());
  opened.defer(() => forwarding.stop());
  opened.defer(() => listener.stopListening());
  opened.defer(() => observed.stopping());

  const { nodeId, kept } = await link.start(signal);
  observed.watch({ link, sessions, draining });
  const admin = observed.admin?.origin;
  const owned = opened.move();
  return {
    ...own(),
    id: nodeId,
    kept,
    left: draining.left,
    waitForSessions: async (timeoutMs, now) => await draining.waitForSessions(timeoutMs, now),
    ...(admin === undefined ? {} : { admin }),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function openListener({ config, deadlines, log }: ProxyOptions, tls: TlsFront) {
  const plain = listenAddresses(config);
  const own = tlsListenAddresses(config);
  const listener = await Listener.open({
    ...config,
    ...deadlines,
    addresses: config.tlsListen === null ? plain : [...plain, ...own],
    unasked: config.tlsListen === null ? own : [],
    tls,
    log,
  });
  const got = listener.addresses;
  const bound: BoundAddresses = { plain: got.slice(0, plain.length), tls: got.slice(plain.length) };
  return { listener, bound };
}
