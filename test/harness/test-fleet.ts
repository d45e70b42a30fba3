import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DEADLINES, type Deadlines } from "#proxy/deadlines.ts";
import { type RunningProxy, startProxy } from "#proxy/proxy.ts";
import type { Upstream } from "#wire/grant.ts";
import type { TestControl, TestControlOptions } from "./control.ts";
import { openLink } from "./open-link.ts";
import { scratch } from "./scratch.ts";
import { captureLog, testConfig, writeViewer } from "./test-node.ts";

/** What a node shows to others, PEM. */
interface NodeCredentials {
  readonly nodeId: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly authority: string;
}

export interface FleetNode {
  readonly proxy: RunningProxy;
  readonly id: string;
  readonly origin: string;
  readonly credentials: NodeCredentials;
  /** Everything that was logged, at every level. */
  log(): string;
  stop(): Promise<void>;
}

/** Real control and real nodes in one process: consoles are given to the node that was there first. */
export interface TestFleet extends AsyncDisposable {
  readonly control: TestControl;
  /** Where control's link is. */
  readonly link: string;
  start(options?: {
    readonly pool?: string;
    readonly flags?: Readonly<Record<string, string>>;
    readonly deadlines?: Partial<Deadlines>;
  }): Promise<FleetNode>;
  /** A ticket for a console of a machine that is there. */
  issue(
    upstream: Upstream,
    options?: { readonly purpose?: "console" | "thumbnail"; readonly extra?: string },
  ): Promise<{ readonly sessionId: string; readonly ticket: string }>;
}

export async function startFleet(options: TestControlOptions = {}): Promise<TestFleet> {
  await using opened = new AsyncDisposableStack();
  const { control, origin: link } = opened.use(await openLink({}, options));
  const { admin, services, clock } = control;
  await services.settings.set(admin, "upstream.allow", "127.0.0.0/8");
  const nodes = opened.use(new AsyncDisposableStack());
  const owned = opened.move();

  return {
    control,
    link,

    async start({ pool = "default", flags = {}, deadlines = {} } = {}) {
      const { path: folder } = owned.use(scratch());
      clock.advance(1); // Nodes are taken in the order in which they came.
      const { token: joinToken } = await services.nodes.addJoinToken(admin, { pool });
      const log = captureLog();
      const proxy = await startProxy({
        config: testConfig({ folder, control: { url: link, joinToken }, flags }),
        log: log.logger,
        deadlines: { ...DEADLINES, ...deadlines },
        viewerFolder: writeViewer(folder),
        version: "0.0.0-test",
        signal: AbortSignal.timeout(60_000),
      });
      nodes.use(proxy);
      const credentials: NodeCredentials = JSON.parse(
        readFileSync(join(folder, "data", "node-identity.json"), "utf8"),
      );
      return {
        proxy,
        id: proxy.id,
        origin: proxy.pageOrigin,
        credentials,
        log: log.text,
        stop: async () => await proxy[Symbol.asyncDispose](),
      };
    },

    async issue({ address }, { purpose = "console", extra } = {}) {
      if (address.kind !== "tcp") throw new Error("a machine of the fleet is found by TCP");
      const machine = await control.machine({ address: `${address.host}:${address.port}` });
      return await services.consoles.open(admin, {
        machineId: machine.id,
        api: "native",
        purpose,
        ...(extra === undefined ? {} : { extra }),
      });
    },

    [Symbol.asyncDispose]: async () => {
      await nodes.disposeAsync();
      await owned.disposeAsync();
    },
  };
}
