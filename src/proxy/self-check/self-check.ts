import type { IncomingMessage } from "node:http";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { probeEntrance } from "#base/process/probe/probe-entrance.ts";
import { systemNames } from "#base/process/probe/resolve-name.ts";
import { systemRoots } from "#base/process/probe/seen-certificate.ts";
import type { Finding } from "#wire/findings.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { type CheckCommand, type SeenByNode, withinBounds } from "#wire/link-self-check.ts";
import { NODE_SPEECH, placesOf, type SeenRequest, selfCheckLimits } from "#wire/self-check.ts";
import type { OwnOrigins } from "../http/origin.ts";
import { isSecuredAhead, peerOf, viewerOf } from "../http/viewer-address.ts";
import { isSecure } from "../tls/require-tls.ts";
import { CheckTokens } from "./check-tokens.ts";
import { type DialScreen, screenLines } from "./screen-lines.ts";

const limits = {
  /** For all that is looked at in one run: control waits a little longer. */
  runMs: 12_000,
  /** For each step of the way to the node's own entrance. */
  stepMs: 4_000,
} as const;

/**
 * What is told otherwise than of a browser: a node may be where its own public address does not lead, knows the installation's
 * CA without its being imported, and does not know others that browsers do.
 */
const FOR_NODES: Readonly<Record<string, Finding>> = {
  tls_own_authority: "ok",
  connect_refused: "hairpin",
  connect_silent: "hairpin",
  connect_unreachable: "hairpin",
  tls_unknown_authority: "tls_not_known_to_node",
  tls_self_signed: "tls_not_known_to_node",
  tls_chain_incomplete: "tls_alone_to_node",
};

export interface SelfCheckOptions {
  /** Where browsers are sent. */
  readonly entrance: () => OwnOrigins;
  /** What a front proxy has put before its paths there. */
  readonly publicPath: string | null;
  /** The installation's CA, PEM. */
  readonly authority: string;
  /** Control's clock, and this machine's. */
  readonly clock: Clock;
  readonly own: Clock;
  /** Has control say once more what may be dialled, as whoever runs this may have just allowed it. Never rejects. */
  readonly newestRules: (signal: AbortSignal) => Promise<void>;
  readonly dial: DialScreen;
  /** Tells control. Throws where it cannot be told. */
  readonly tell: (run: string, lines: readonly SeenByNode[], signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/** What a node looks at when control asks it to: itself, as browsers see it, and the screens that it is to reach. */
export class SelfCheck {
  readonly #options: SelfCheckOptions;
  readonly #tokens: CheckTokens;
  readonly #lifetime = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: SelfCheckOptions) {
    this.#options = options;
    this.#tokens = new CheckTokens(options.own);
  }

  /** Whether it looks: one run at a time. Control is told when it is over. */
  begin({ run, token, screens }: Pick<CheckCommand, "run" | "token" | "screens">): boolean {
    this.#tokens.take(token);
    if (this.#running !== undefined || this.#lifetime.signal.aborted) return false;
    this.#running = this.#run(run, screens).finally(() => {
      this.#running = undefined;
    });
    return true;
  }

  /** How a request reached the node, for who has a token. Throws a GatewayError for others. */
  seen(request: IncomingMessage, token: string): SeenRequest {
    if (!this.#tokens.has(token)) throw new GatewayError("forbidden");
    const { address, doubt } = viewerOf(request);
    return {
      address,
      ...(doubt === undefined ? {} : { doubt }),
      peer: peerOf(request.socket),
      isTls: isSecure(request.socket),
      isSecuredAhead: isSecuredAhead(request),
    };
  }

  /** Looks no further. Resolves when nothing of a run is left. */
  async stop(): Promise<void> {
    this.#lifetime.abort();
    await this.#running;
  }

  async #run(run: string, screens: CheckCommand["screens"]): Promise<void> {
    const { log, tell } = this.#options;
    const { signal } = this.#lifetime;
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(limits.runMs)]);
    try {
      const [entrance, found] = await Promise.all([
        this.#entranceLines(inTime),
        this.#screenLines(screens, inTime),
      ]);
      const lines = [this.#clockLine(), ...entrance, ...found];
      if (!signal.aborted) await tell(run, withinBounds(lines), signal);
      log.debug({ lines: lines.length }, "The node looked at itself");
    } catch (error) {
      if (!signal.aborted) log.warn({ error }, "Control could not be told what the node saw of itself");
    }
  }

  async #screenLines(screens: CheckCommand["screens"], signal: AbortSignal): Promise<readonly SeenByNode[]> {
    const { newestRules, dial } = this.#options;
    await newestRules(signal);
    return await screenLines(screens, dial, signal);
  }

  #clockLine(): SeenByNode {
    const skew = this.#options.own.now() - this.#options.clock.now();
    return {
      check: "node.clock",
      finding: Math.abs(skew) > selfCheckLimits.skewMs ? "clock_off" : "ok",
      facts: { skew: `${Math.round(skew / 1000)} s` },
    };
  }

  async #entranceLines(signal: AbortSignal): Promise<readonly SeenByNode[]> {
    const { entrance, publicPath, authority } = this.#options;
    const own = entrance();
    const places = placesOf({ ...own, ...(publicPath === null ? {} : { publicPath }) });
    try {
      const probed = await probeEntrance(places, {
        speech: NODE_SPEECH,
        resolve: systemNames,
        trust: { roots: systemRoots(), authority },
        stepMs: limits.stepMs,
        skewMs: selfCheckLimits.skewMs,
        signal,
      });
      return probed
        .filter(({ check }) => check !== "clock") // It would be our own.
        .map(({ check, finding, ...seen }) => ({
          ...seen,
          check: `node.${check}`,
          finding: FOR_NODES[finding] ?? finding,
        }));
    } catch (error) {
      if (!signal.aborted) throw error;
      return [{ check: "node.page", subject: own.pageOrigin, finding: "check_out_of_time" }];
    }
  }
}
