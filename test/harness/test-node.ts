import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { pino } from "pino";
import { readConfig } from "#base/config.ts";
import { FIELDS, type ProxyConfig } from "#proxy/config.ts";
import { DEADLINES, type Deadlines } from "#proxy/deadlines.ts";
import { type RunningProxy, startProxy } from "#proxy/proxy.ts";
import type { NodeSettings } from "#wire/link.ts";
import { LinkDouble } from "./link-double.ts";
import { scratch } from "./scratch.ts";

/** A node in this process, with real sockets on both sides and a link whose far end the test holds. */
export interface TestNode extends AsyncDisposable {
  readonly proxy: RunningProxy;
  readonly control: LinkDouble;
  /** The node's origin, for pages and WebSocket alike. */
  readonly origin: string;
  readonly folder: string;
  /** Everything that was logged, at every level. */
  log(): string;
  stop(): Promise<void>;
}

export interface TestNodeOptions {
  readonly flags?: Readonly<Record<string, string>>;
  readonly deadlines?: Partial<Deadlines>;
  readonly settings?: Partial<NodeSettings>;
  /** How far control's clock is from the node's. */
  readonly clockOffsetMs?: number;
  /** Runs before the node joins. */
  readonly prepare?: (control: LinkDouble) => void;
}

/** Files as the build leaves them: a page, and assets with a hash in their names, of which one has encoded forms. */
const LARGE = `export const sentences = "${"The quick brown fox. ".repeat(100)}";`;
const VIEWER_FILES: Readonly<Record<string, string | Buffer>> = {
  "console.html": "<!doctype html><title>Console</title>",
  "assets/console-Ab12Cd34.js": "export {};",
  "assets/large-Ab12Cd34.js": LARGE,
  "assets/large-Ab12Cd34.js.br": brotliCompressSync(LARGE),
  "assets/large-Ab12Cd34.js.gz": gzipSync(LARGE),
  "icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
};

export async function startTestNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const { flags = {}, deadlines = {}, settings = {}, clockOffsetMs = 0 } = options;
  await using opened = new AsyncDisposableStack();
  const { path: folder } = opened.use(scratch());
  const control = opened.use(await LinkDouble.start());
  control.clockOffsetMs = clockOffsetMs;
  control.settings = { ...control.settings, ...settings };
  options.prepare?.(control);
  const log = captureLog();
  const proxy = await startProxy({
    config: testConfig({ folder, control, flags }),
    log: log.logger,
    deadlines: { ...DEADLINES, ...deadlines },
    viewerFolder: writeViewer(folder),
    version: "0.0.0-test",
    signal: AbortSignal.timeout(60_000),
  });
  const stop = async () => await proxy[Symbol.asyncDispose]();
  opened.defer(stop);
  const owned = opened.move();
  return {
    proxy,
    control,
    origin: proxy.pageOrigin,
    folder,
    log: log.text,
    stop,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

export function testConfig(parts: {
  readonly folder: string;
  readonly control: { readonly url: string; readonly joinToken: string };
  readonly flags?: Readonly<Record<string, string>>;
}): ProxyConfig {
  const joinTokenFile = join(parts.folder, "join-token");
  writeFileSync(joinTokenFile, `${parts.control.joinToken}\n`);
  const flags = {
    control: parts.control.url,
    "join-token-file": joinTokenFile,
    data: join(parts.folder, "data"),
    listen: "127.0.0.1:0",
    ...parts.flags,
  };
  return readConfig(FIELDS, { flags, env: {}, file: {} });
}

export function writeViewer(folder: string): string {
  const viewer = join(folder, "viewer");
  mkdirSync(join(viewer, "assets"), { recursive: true });
  for (const [name, content] of Object.entries(VIEWER_FILES)) writeFileSync(join(viewer, name), content);
  return viewer;
}

export function captureLog() {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString("utf8"));
      done();
    },
  });
  return { logger: pino({ level: "trace", errorKey: "error" }, sink), text: () => lines.join("") };
}
