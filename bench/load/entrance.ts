/** How a viewer comes to a console of a contestant: straight away, or by asking an API for it first. */
import { createHmac } from "node:crypto";
import { ACKNOWLEDGING, type Target } from "./console.ts";
import { HttpConnection } from "./http-connection.ts";

export type Entrance =
  | { readonly kind: "target"; readonly target: Target }
  | {
      readonly kind: "cloudstack";
      readonly origin: string;
      readonly apiKey: string;
      readonly secretKey: string;
      readonly machineId: string;
      /** Where viewers come in, whatever address they are told. */
      readonly through?: { readonly host: string; readonly port: number };
    }
  | { readonly kind: "featureless"; readonly origin: string };

/** One caller's way in. Callers have a connection to the API each, and ask one thing at a time. */
export interface Caller extends Disposable {
  /** Where the next console is. */
  next(): Promise<Target>;
}

export async function callerAt(entrance: Entrance, from: string): Promise<Caller> {
  switch (entrance.kind) {
    case "target":
      return { next: async () => entrance.target, [Symbol.dispose]() {} };
    case "cloudstack":
      return apiCaller(entrance.origin, from, signedRequest(entrance), (body) => ({
        ...cloudstackTarget(body),
        ...entrance.through,
      }));
    case "featureless":
      return apiCaller(entrance.origin, from, get("/console", entrance.origin), featurelessTarget);
  }
}

async function apiCaller(
  origin: string,
  from: string,
  request: string,
  read: (body: string) => Target,
): Promise<Caller> {
  const connection = await HttpConnection.open(origin, from);
  return {
    next: async () => read(await connection.ask(request)),
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

function get(path: string, origin: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${new URL(origin).host}\r\n\r\n`;
}

const SIGNATURE_LIFE_MS = 15 * 60 * 1000;

/** Signed as CloudStack's clients sign, once: the same question is asked again and again, and judged each time. */
function signedRequest(entrance: Entrance & { readonly kind: "cloudstack" }): string {
  const expires = new Date(Date.now() + SIGNATURE_LIFE_MS).toISOString().replace(/\.\d+Z$/, "+0000");
  const parameters = Object.entries({
    apiKey: entrance.apiKey,
    command: "createConsoleEndpoint",
    expires,
    response: "json",
    signatureVersion: "3",
    virtualmachineid: entrance.machineId,
  }).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const signed = parameters.toSorted().join("&").toLowerCase();
  const signature = createHmac("sha1", entrance.secretKey).update(signed).digest("base64");
  const query = [...parameters, `signature=${encodeURIComponent(signature)}`].join("&");
  return get(`/client/api?${query}`, entrance.origin);
}

interface ConsoleEndpoint {
  readonly success?: boolean;
  readonly details?: string;
  readonly url?: string;
  readonly websocket?: {
    readonly host: string;
    readonly port: string;
    readonly path: string;
    readonly token: string;
  };
}

function cloudstackTarget(body: string): Target {
  const answer = JSON.parse(body) as {
    readonly createconsoleendpointresponse?: { readonly consoleendpoint?: ConsoleEndpoint };
  };
  const { websocket, url } = answer.createconsoleendpointresponse?.consoleendpoint ?? {};
  if (websocket === undefined) throw new Error(`no console: ${body}`);
  return {
    kind: "websocket",
    host: websocket.host,
    port: Number(websocket.port),
    path: `/${websocket.path}`,
    protocols: [ACKNOWLEDGING, `porthole.ticket.${websocket.token}`],
    ...(url?.startsWith("https:") ? { tls: true } : {}),
  };
}

function featurelessTarget(body: string): Target {
  const { host, port, token } = JSON.parse(body) as { host: string; port: number; token: string };
  return { kind: "websocket", host, port, path: `/websockify?token=${token}`, protocols: ["binary"] };
}
