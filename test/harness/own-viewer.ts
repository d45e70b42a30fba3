import { fileURLToPath } from "node:url";
import { LOOPBACK } from "./free-port.ts";
import { lacking } from "./requirements.ts";
import { type StaticServer, startStaticServer } from "./static-server.ts";

/** Debian's noVNC 1.3, as somebody would embed it who brings their own viewer. */
export const lackingStockNoVnc = lacking("novnc");

/** What noVNC and Chromium write to the console about refusals, and about a file that Debian leaves out. */
export const STOCK_NOVNC_COMPLAINTS =
  /WebSocket connection to|favicon|Failed to load resource|Security (negotiation|handshake)|Failed when|package\.json/;

export interface WebSocketPlace {
  readonly host: string;
  readonly port: string | number;
  readonly path: string;
  readonly token: string;
  readonly extra?: string;
}

export async function startStockNoVnc(): Promise<StaticServer> {
  return await startStaticServer(
    fileURLToPath(new URL("../../.cache/novnc/usr/share/novnc", import.meta.url)),
  );
}

/** As noVNC's documentation says to embed it: host, port, and a path that carries the token. */
export function stockNoVncUrl(
  { port: sitePort }: StaticServer,
  { host, port, path, token, extra }: WebSocketPlace,
  { file = "vnc_lite.html", site = `http://${LOOPBACK}:${sitePort}` } = {},
): string {
  const query = new URLSearchParams({ token, ...(extra === undefined ? {} : { extra }) });
  const settings = new URLSearchParams({
    host,
    port: `${port}`,
    path: `${path}?${query}`,
    autoconnect: "true",
  });
  return `${site}/${file}?${settings.toString().replaceAll("+", "%20")}`;
}
