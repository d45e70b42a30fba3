import type { IssuedConsole } from "../../services.ts";
import type { ConsoleType } from "./console-types.ts";

/**
 * Where a console of that type is, as Nova writes it: noVNC's pages take the WebSocket's address out of `path`, so the ticket stands
 * there, behind what the base already says; everybody else has it as `token`. Without a base it is the console's node: its page, or of
 * a serial line its WebSocket, which is all that clients of those look for.
 */
export function consoleUrlOf(type: ConsoleType, base: string, issued: IssuedConsole): string {
  const url = new URL(base === "" ? onNode(type, issued) : base);
  const { searchParams } = url;
  const ticket = `token=${issued.ticket}`;
  if (type !== "novnc") return `${url.href}${url.search === "" ? "?" : "&"}${ticket}`;
  const path = searchParams.get("path") ?? "";
  searchParams.set("path", `${path}${path.includes("?") ? "&" : "?"}${ticket}`);
  return url.href;
}

/** A path that ends in a slash, as all of Nova's do: there are clients that look for `/?token=`. */
function onNode(type: ConsoleType, { url, webSocketUrl }: IssuedConsole): string {
  return type === "serial" ? `${webSocketUrl}/` : withoutFragment(url);
}

function withoutFragment(page: string): string {
  const url = new URL(page);
  url.hash = "";
  return url.href;
}
