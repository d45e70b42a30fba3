import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import { ConfigError, formatHostPort, type HostPort } from "#base/config.ts";

const limits = {
  /** How long requests that run may take to finish when the process is to stop. */
  finishMs: 5000,
} as const;

/** A server that listens. */
export interface Serving {
  /** With the port that the system gave, where 0 was asked for. */
  readonly address: HostPort;
  /** Takes no more connections, lets the requests that run finish within a bound, then closes what is left. */
  close(): Promise<void>;
}

/** Throws a ConfigError, named after the flag, when the address cannot be listened on. */
export async function serve(app: FastifyInstance, at: HostPort, flag: string): Promise<Serving> {
  finishRequestsBeforeClose(app);
  try {
    await app.listen({ host: at.host, port: at.port });
  } catch (cause) {
    await app.close();
    if (!isListenError(cause)) throw cause;
    throw new ConfigError([`--${flag} ${formatHostPort(at)}: ${cause.message}`]);
  }
  const address = app.server.address();
  const port = typeof address === "object" && address !== null ? address.port : at.port;
  return { address: { host: at.host, port }, close: async () => await app.close() };
}

function finishRequestsBeforeClose(app: FastifyInstance): void {
  let running = 0;
  let finished = Promise.withResolvers<void>();
  finished.resolve();
  // Not by hooks: of a request that an earlier hook refuses, only some are called.
  app.server.on("request", (_request: IncomingMessage, response: ServerResponse) => {
    if (running++ === 0) finished = Promise.withResolvers<void>();
    response.once("close", () => {
      if (--running === 0) finished.resolve();
    });
  });
  app.addHook("preClose", async () => {
    const deadline = setTimeout(() => finished.resolve(), limits.finishMs);
    await finished.promise;
    clearTimeout(deadline);
  });
}

function isListenError(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}
