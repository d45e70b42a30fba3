import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import type { NovaConsole } from "#wire/link-nova.ts";
import type { VncTrust } from "./config.ts";
import type { ConsoleConnection } from "./console-tokens.ts";
import { mksUpstream } from "./mks-access.ts";

/** As a node says it in a request line. */
const REQUEST_PATH = /^\/[!-~]*$/;

/**
 * Where a node finds a Nova's console, for a viewer that takes it for one of that kind. SPICE is reached as VNC is, without TLS. Throws `nova_console_unfit` where it can be none.
 */
export function consoleUpstream(
  { host, port, internal_access_path: path }: ConsoleConnection,
  { console, vnc }: { readonly console: NovaConsole; readonly vnc: VncTrust | undefined },
): Upstream {
  if (host === null || port === null)
    throw new GatewayError("nova_console_unfit", { detail: "Nova says no host and port for it" });
  if (console === "serial") {
    if (path !== null)
      throw new GatewayError("nova_console_unfit", { detail: "a serial line has no internal access path" });
    return { address: { kind: "tcp", host, port } };
  }
  if (console === "webmks") return mksUpstream({ host, port }, path);
  const tls =
    vnc === undefined || console !== "rfb"
      ? {}
      : { tls: { mode: "verify", serverName: host, ...vnc } as const };
  if (path === null || path === "") return { address: { kind: "tcp", host, port }, ...tls };
  if (!REQUEST_PATH.test(path))
    throw new GatewayError("nova_console_unfit", {
      detail: "its internal access path is not one of HTTP: is it one of MKS?",
    });
  return { address: { kind: "http-connect", host, port, path, isSecure: false }, ...tls };
}
