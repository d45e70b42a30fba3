import { isIP, type Socket } from "node:net";
import { formatHostPort } from "#base/config.ts";
import type { ErrorCode } from "#wire/errors.ts";
import type { Finding } from "#wire/findings.ts";
import { printable, toGatewayError } from "#wire/gateway-error.ts";
import type { CheckedScreen, SeenByNode } from "#wire/link-self-check.ts";

const limits = {
  /** Screens at once. */
  atOnce: 4,
  /**
   * Of those that have a name: a look-up holds one of the four threads that the process has for such things, and goes on where
   * a resolver is silent and nobody waits for it any more. Consoles need the others.
   */
  namesAtOnce: 1,
  /** From the connection to the server's first bytes. */
  greetingMs: 3_000,
  /** RFC 6143 §7.1.1: "RFB 003.008\n". */
  greetingBytes: 12,
} as const;

/** Connects as for a console, under the same rules. Throws a GatewayError. */
export type DialScreen = (address: CheckedScreen["address"], signal: AbortSignal) => Promise<Socket>;

/** Whether each screen can be reached from here, and what speaks there; nothing is said to it. */
export async function screenLines(
  screens: readonly CheckedScreen[],
  dial: DialScreen,
  signal: AbortSignal,
): Promise<readonly SeenByNode[]> {
  if (screens.length === 0) return [{ check: "node.hypervisor", finding: "skipped_no_hypervisors" }];
  const found = new Map<CheckedScreen, SeenByNode>();
  const look = async (waiting: IterableIterator<CheckedScreen>) => {
    for (const screen of waiting) found.set(screen, await screenLine(screen, dial, signal));
  };
  const [named, others] = [screens.filter(isNamed).values(), screens.filter((one) => !isNamed(one)).values()];
  await Promise.all([
    ...Array.from({ length: limits.namesAtOnce }, () => look(named)),
    ...Array.from({ length: limits.atOnce }, () => look(others)),
  ]);
  return screens.flatMap((screen) => found.get(screen) ?? []);
}

function isNamed({ address }: CheckedScreen): boolean {
  return address.kind === "tcp" && isIP(address.host) === 0;
}

async function screenLine(
  { machine, address }: CheckedScreen,
  dial: DialScreen,
  signal: AbortSignal,
): Promise<SeenByNode> {
  const line = (finding: Finding, facts: Readonly<Record<string, string>> = {}): SeenByNode => ({
    check: "node.hypervisor",
    subject: address.kind === "unix" ? `unix:${address.path}` : formatHostPort(address),
    finding,
    facts: { machine, ...facts },
  });
  if (signal.aborted) return line("check_out_of_time");
  const began = performance.now();
  try {
    const socket = await dial(address, signal);
    const took = `${Math.round(performance.now() - began)} ms`;
    const greeting = await greetingOf(socket, signal);
    if (greeting === undefined) return line("hypervisor_silent", { took });
    const isRfb = /^RFB \d{3}\.\d{3}\n/.test(greeting);
    return line(isRfb ? "ok" : "hypervisor_other", { took, greeting: printable(greeting.trim()) });
  } catch (error) {
    if (signal.aborted) return line("check_out_of_time");
    return line(FINDINGS[toGatewayError(error).code] ?? "connect_unreachable");
  }
}

const FINDINGS: Readonly<Partial<Record<ErrorCode, Finding>>> = {
  upstream_not_allowed: "hypervisor_forbidden",
  upstream_address_reserved: "hypervisor_reserved",
  upstream_is_porthole: "hypervisor_is_porthole",
  upstream_name_unresolved: "hypervisor_unnamed",
  upstream_connection_refused: "connect_refused",
  upstream_timeout: "connect_silent",
  upstream_unreachable: "connect_unreachable",
  upstream_lost: "connect_cut",
};

/** What a server says first, up to its end; `undefined` where it says nothing in time. Ends the connection. */
async function greetingOf(socket: Socket, signal: AbortSignal): Promise<string | undefined> {
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(limits.greetingMs)]);
  const { promise, resolve } = Promise.withResolvers<void>();
  const chunks: Buffer[] = [];
  const over = () => resolve();
  inTime.addEventListener("abort", over, { once: true });
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    if (Buffer.concat(chunks).length >= limits.greetingBytes) resolve();
  });
  socket.on("error", over);
  socket.on("close", over);
  socket.resume();
  try {
    if (!inTime.aborted) await promise;
    const said = Buffer.concat(chunks).subarray(0, limits.greetingBytes).toString("latin1");
    return said === "" ? undefined : said;
  } finally {
    inTime.removeEventListener("abort", over);
    socket.destroy();
  }
}
