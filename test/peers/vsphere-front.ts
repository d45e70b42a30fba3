import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { parseVsphereEndpoint } from "#hypervisors/vsphere/endpoint.ts";
import type { Vcsim } from "./vcsim.ts";

export interface VsphereFront extends Pick<Vcsim, "address" | "access">, AsyncDisposable {
  /** Which methods were asked for, in their order. */
  readonly calls: readonly string[];
  /** What it has given to be kept secret: sessions and tickets. */
  readonly secrets: ReadonlySet<string>;
  /** What is to become of the answers to a method from now on: it is given what the simulator says, and says what is said instead. */
  on(method: string, answer: (real: string) => string | Promise<string>): void;
}

/** Stands in front of a simulator as whoever is there, hears what is asked, and may say something else than it does. */
export async function startVsphereFront({
  address,
  access,
  authority,
  server,
}: Vcsim): Promise<VsphereFront> {
  const { host, port } = parseVsphereEndpoint(address);
  const calls: string[] = [];
  const secrets = new Set<string>();
  const answers = new Map<string, (real: string) => string | Promise<string>>();

  async function pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await textOf(asked);
    const method = /<soapenv:Body><(\w+)/.exec(body)?.[1] ?? asked.url ?? "";
    calls.push(method);
    const { method: verb, url: path, headers } = asked;
    const handed = request({ host, port, method: verb, path, headers, ca: authority.pem });
    handed.end(body);
    const [real] = (await once(handed, "response")) as [IncomingMessage];
    const said = await textOf(real);
    for (const each of real.headers["set-cookie"] ?? []) keep(secrets, /="?([^";]+)/.exec(each)?.[1]);
    keep(secrets, /<ticket>([^<]+)/.exec(said)?.[1]);
    const instead = (await answers.get(method)?.(said)) ?? said;
    const { "content-length": _, "transfer-encoding": __, ...kept } = real.headers;
    answer.writeHead(real.statusCode ?? 0, kept).end(instead, "latin1");
  }

  const listening = createServer({ cert: server.pem, key: server.keyPem }, (asked, answer) => {
    pass(asked, answer).catch(() => answer.destroy());
  });
  await once(listening.listen(0, host), "listening");
  const own = `https://${host}:${(listening.address() as AddressInfo).port}`;
  return {
    address: own,
    access: { ...access, endpoint: parseVsphereEndpoint(own) },
    calls,
    secrets,
    on: (method, answer) => void answers.set(method, answer),
    [Symbol.asyncDispose]: async () => {
      listening.closeAllConnections();
      await new Promise((done) => listening.close(done));
    },
  };
}

function keep(secrets: Set<string>, secret: string | undefined): void {
  if (secret !== undefined) secrets.add(secret);
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}
