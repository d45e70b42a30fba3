import type { ClientRequest, IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import type { GatewayError } from "#wire/gateway-error.ts";
import { answerBody } from "./answer-body.ts";
import { refusalIn, unreachable } from "./refusal.ts";

/** Resolves when control has opened the channel. Throws the GatewayError with which it did not. */
export async function opened(socket: WebSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("open", resolve);
  socket.once("error", (cause) => reject(unreachable(cause)));
  socket.once("unexpected-response", async (_request: ClientRequest, response: IncomingMessage) => {
    reject(await refusedWith(response));
    socket.terminate();
  });
  await promise;
}

async function refusedWith(response: IncomingMessage): Promise<GatewayError> {
  try {
    return refusalIn(response.statusCode ?? 0, await answerBody(response));
  } catch (cause) {
    return unreachable(cause);
  }
}
