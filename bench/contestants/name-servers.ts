/** Who answers for names: control as it is run, and the least that could. */
import { fileURLToPath } from "node:url";
import { start } from "../measure/child.ts";
import type { Address, Contestant } from "./contestant.ts";

/** Names that are asked for: those of a range of the default pool. */
const RANGE = "198.18.0.0/24";
const NAMES = Array.from({ length: 250 }, (_, index) => `198-18-0-${index + 1}.console.example`);

const SETTINGS = { "consoleproxy.url.domain": "*.console.example", "dns.public.ranges": "true" };

/** Has control answer for names of addresses. */
export async function answerNames(
  dns: readonly string[] | undefined,
  ask: (route: string, body: Readonly<Record<string, string>>) => Promise<unknown>,
): Promise<{ readonly port: number; readonly names: readonly string[] }> {
  for (const [name, value] of Object.entries(SETTINGS)) await ask(`PUT settings/${name}`, { value });
  await ask("POST public-ip-ranges", { range: RANGE });
  return { port: Number(dns?.[0]?.split(":").at(-1)), names: NAMES };
}

export async function startUdpAnswer(upstream: Address): Promise<Contestant> {
  await using parts = new AsyncDisposableStack();
  const args = [fileURLToPath(new URL("./udp-answer.ts", import.meta.url))];
  const child = parts.use(start({ command: process.execPath, args, part: "contestant", channel: false }));
  const port = Number(await child.firstLine());
  const owned = parts.move();
  return {
    processes: { program: child.pid },
    // No console is opened through it.
    entrance: { kind: "target", target: { kind: "tcp", ...upstream } },
    answering: async () => ({ port, names: NAMES }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
