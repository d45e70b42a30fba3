import type { IssuedConsole } from "../../services.ts";
import type { ConsoleType } from "./console-types.ts";

/**
 * Where a console of that type is, as Nova writes it: noVNC's pages take the WebSocket's address out of `path`, so the ticket stands
 * there, behind what the base already says; every other viewer has it as `token`. Without a base it is our own page, on the node.
 */
export function consoleUrlOf(type: ConsoleType, base: string, issued: IssuedConsole): string {
  const url = new URL(base === "" ? withoutFragment(issued.url) : base);
  const { searchParams } = url;
  const ticket = `token=${issued.ticket}`;
  if (type !== "novnc") return `${url.href}${url.search === "" ? "?" : "&"}${ticket}`;
  const path = searchParams.get("path") ?? "";
  searchParams.set("path", `${path}${path.includes("?") ? "&" : "?"}${ticket}`);
  return url.href;
}

function withoutFragment(page: string): string {
  const url = new URL(page);
  url.hash = "";
  return url.href;
}
