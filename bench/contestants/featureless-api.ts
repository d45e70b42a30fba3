/**
 * Half of the path of an open without its features, in control's place and on control's libraries: hands out
 * random tokens, keeps them in memory, redeems each once. No signature, no encryption, no database, no TLS, no log.
 */
import { randomBytes } from "node:crypto";
import fastify from "fastify";
import { type Static, Type } from "typebox";

const [upstreamHost = "", upstreamPort = ""] = process.argv.slice(2);
const HOST = "127.0.0.1";

const Relay = Type.Object({ port: Type.Integer() });
const Redemption = Type.Object({ token: Type.String({ maxLength: 64 }) });

const tokens = new Set<string>();
let relayPort = 0;

const app = fastify({ logger: false, forceCloseConnections: true });
app.post<{ Body: Static<typeof Relay> }>("/relay", { schema: { body: Relay } }, async ({ body }) => {
  relayPort = body.port;
  return {};
});
app.get("/console", async () => {
  const token = randomBytes(16).toString("hex");
  tokens.add(token);
  return { host: HOST, port: relayPort, token };
});
app.post<{ Body: Static<typeof Redemption> }>(
  "/redeem",
  { schema: { body: Redemption } },
  async ({ body }, reply) => {
    if (!tokens.delete(body.token)) return await reply.code(404).send({});
    return { host: upstreamHost, port: Number(upstreamPort) };
  },
);
const origin = new URL(await app.listen({ host: HOST, port: 0, backlog: 4096 }));
console.log(JSON.stringify({ host: HOST, port: Number(origin.port) }));
process.on("disconnect", () => process.exit(0));
