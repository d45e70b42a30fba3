import { isIP } from "node:net";
import { type Connected, connectTo, hostOf } from "./connection.ts";
import { type Answered, ask, type Opened, openWebSocket } from "./exchange.ts";
import { connectionFailure, type ProbeFacts, ProbeFailure, type ProbeFinding } from "./probe-failure.ts";
import type { ResolveName } from "./resolve-name.ts";
import type { Trust } from "./seen-certificate.ts";

/** Where browsers find a node. */
interface ProbedEntrance {
  /** A page that every node has. */
  readonly page: URL;
  /** With the scheme of HTTP. */
  readonly webSocket: URL;
}

/** How a node is known by what it says. */
interface Speech {
  /** Stands in that page and in no other. */
  readonly pageMark: string;
  readonly protocol: string;
  /** Of the message with which a node ends a WebSocket; `undefined` for any other. */
  readonly endingCode: (text: string) => string | undefined;
}

export interface ProbeOptions {
  readonly speech: Speech;
  readonly resolve: ResolveName;
  readonly trust: Trust;
  /** For each step. */
  readonly stepMs: number;
  readonly skewMs: number;
  readonly signal: AbortSignal;
}

type ProbeStep = "name" | "tls" | "page" | "clock" | "websocket";

export interface Probed {
  readonly check: ProbeStep;
  readonly subject: string;
  readonly finding: ProbeFinding | "ok" | "skipped_earlier" | "skipped_plain" | "clock_off";
  readonly facts: ProbeFacts;
}

/** The status with which a proxy says that it does not reach what is behind it. */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);
/** What is answered where the upgrade was taken out of the request, or is not understood. */
const NOT_UPGRADED_STATUSES: ReadonlySet<number> = new Set([200, 400, 404, 405, 426, 501, 505]);

/**
 * Goes the way of a browser that opens a console, up to where a ticket would be needed: name, certificate, page, WebSocket.
 * Takes nothing as it is told, and goes on behind what a browser would stop at. Rejects only when `signal` aborts.
 */
export async function probeEntrance(
  entrance: ProbedEntrance,
  options: ProbeOptions,
): Promise<readonly Probed[]> {
  const page = await probePage(entrance.page, options);
  // Where the page's place is not reached, the WebSocket at the same place is not either.
  const isReached = page.some(({ check }) => check === "tls") && !page.some(isSkipped);
  const webSocket = await probeWebSocket(entrance, options, isReached);
  return [...page, ...webSocket];
}

function isSkipped({ finding }: Probed): boolean {
  return finding === "skipped_earlier";
}

async function probePage(url: URL, options: ProbeOptions): Promise<readonly Probed[]> {
  const { speech } = options;
  const way = new Lines(url.origin);
  const own = new Lines(url.href);
  const connected = await reach(url, options, { way, own, check: "page" });
  if (connected === undefined) return [...way.lines, ...own.lines];
  try {
    const answer = await ask(url, connected, { signal: within(options), headers: { accept: "text/html" } });
    own.add("page", pageFinding(answer, speech), factsOf(answer));
    const { date } = answer.headers;
    if (date !== undefined) way.add(...clockLine(date, options));
  } catch (error) {
    const { finding, facts } = failureOf(error, options.signal);
    own.add("page", finding, facts);
  }
  return [...way.lines, ...own.lines];
}

async function probeWebSocket(
  { page, webSocket: url }: ProbedEntrance,
  options: ProbeOptions,
  isReached: boolean,
): Promise<readonly Probed[]> {
  const { speech } = options;
  const isBeside = page.origin === url.origin;
  const seen = new Lines(url.href.replace(/^http/, "ws"));
  if (isBeside && !isReached) return seen.add("websocket", "skipped_earlier").lines;
  const way = new Lines(url.origin);
  const connected = await reach(url, options, { way, own: seen, check: "websocket" });
  // Of the same place all that is told already.
  const told = isBeside ? [] : way.lines;
  if (connected === undefined) return [...told, ...seen.lines];
  try {
    const opened = await openWebSocket(url, connected, {
      protocols: [speech.protocol],
      origin: page.origin,
      signal: within(options),
    });
    seen.add("websocket", webSocketFinding(opened, speech), factsOfOpened(opened, speech));
  } catch (error) {
    const { finding, facts } = failureOf(error, options.signal);
    seen.add("websocket", finding, facts);
  }
  return [...told, ...seen.lines];
}

/** Finds the name and connects; `undefined` where that does not come about, and the lines of it are there. */
async function reach(
  url: URL,
  options: ProbeOptions,
  { way, own, check }: { readonly way: Lines; readonly own: Lines; readonly check: ProbeStep },
): Promise<Connected | undefined> {
  const { resolve, trust, signal } = options;
  let isNamed = false;
  try {
    const began = performance.now();
    const addresses = await resolve(hostOf(url), within(options));
    isNamed = true;
    const took = since(began);
    // An address needs no resolver.
    if (isIP(hostOf(url)) === 0) way.add("name", "ok", { addresses: addresses.join(", "), took });
    const connected = await connectTo({ url, addresses }, trust, within(options));
    const { certificate } = connected;
    way.add("tls", certificate?.finding ?? "skipped_plain", certificate?.facts);
    return connected;
  } catch (error) {
    const failure = failureOf(error, signal);
    const { finding, facts } = failure;
    if (isNamed && !finding.startsWith("tls_")) own.add(check, finding, facts);
    else {
      way.add(isNamed ? "tls" : "name", finding, facts);
      own.add(check, "skipped_earlier");
    }
    return undefined;
  }
}

/** Throws what is none: nobody wants to know any more. */
function failureOf(error: unknown, signal: AbortSignal): ProbeFailure {
  const failure = connectionFailure(error, signal);
  if (failure instanceof ProbeFailure) return failure;
  throw failure;
}

function pageFinding(answer: Answered, { pageMark }: Speech): Probed["finding"] {
  const { status, body } = answer;
  if (status === 200) return body.includes(pageMark) ? "ok" : "page_other";
  if (status >= 300 && status < 400) return "page_redirected";
  if (GATEWAY_STATUSES.has(status) && codeIn(body) === undefined) return "page_gateway";
  return "page_status";
}

function webSocketFinding(opened: Opened, { protocol, endingCode }: Speech): Probed["finding"] {
  if (opened.kind === "status") {
    const { status, body } = opened.answer;
    if (NOT_UPGRADED_STATUSES.has(status)) return "websocket_not_passed";
    return GATEWAY_STATUSES.has(status) && codeIn(body) === undefined
      ? "websocket_gateway"
      : "websocket_status";
  }
  const code = opened.kind === "text" ? endingCode(opened.text) : undefined;
  if (code === undefined || opened.protocol !== protocol) return "websocket_other";
  if (code === "origin_refused") return "websocket_origin";
  // That we have no ticket is what any other refusal comes to, and it is the node's own.
  return code === "tls_required" ? "websocket_tls" : "ok";
}

function factsOf({ status, headers, body }: Answered): ProbeFacts {
  const code = codeIn(body);
  return {
    status: String(status),
    ...(headers.location === undefined ? {} : { location: shown(headers.location) }),
    ...(headers["server"] === undefined ? {} : { server: shown(String(headers["server"])) }),
    ...(code === undefined ? {} : { answer: code }),
  };
}

function factsOfOpened(opened: Opened, { endingCode }: Speech): ProbeFacts {
  if (opened.kind === "status") return factsOf(opened.answer);
  const code = opened.kind === "text" ? endingCode(opened.text) : undefined;
  return code === undefined ? {} : { answer: code };
}

/** Of an error of ours, which nobody else answers with. */
function codeIn(body: string): string | undefined {
  const [, code] = /^\{"error":\{"code":"([a-z_]{1,64})"/.exec(body) ?? [];
  return code;
}

function clockLine(date: string, { skewMs }: ProbeOptions): ["clock", Probed["finding"], ProbeFacts] {
  const skew = Date.parse(date) - Date.now();
  const isOff = !(Math.abs(skew) <= skewMs);
  return ["clock", isOff ? "clock_off" : "ok", { skew: `${Math.round(skew / 1000)} s` }];
}

function within({ signal, stepMs }: ProbeOptions): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(stepMs)]);
}

function since(began: number): string {
  return `${Math.round(performance.now() - began)} ms`;
}

function shown(header: string): string {
  return header.slice(0, 200);
}

/** What was found of one place. */
class Lines {
  readonly lines: Probed[] = [];
  readonly #subject: string;

  constructor(subject: string) {
    this.#subject = subject;
  }

  add(check: ProbeStep, finding: Probed["finding"], facts: ProbeFacts = {}): this {
    this.lines.push({ check, subject: this.#subject, finding, facts });
    return this;
  }
}
