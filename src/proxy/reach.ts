import type { Socket } from "node:net";
import { GatewayError } from "#wire/gateway-error.ts";
import { isWithinTls, type Upstream, type UpstreamTls } from "#wire/grant.ts";
import type { Connecting } from "./console/opening.ts";
import { UpstreamLeg } from "./console/upstream-leg.ts";
import { type DialRules, dial } from "./dial.ts";
import { overAuthd } from "./upstream-authd.ts";
import { overHttpConnect } from "./upstream-http-connect.ts";
import { enterTermproxy } from "./upstream-termproxy.ts";
import { overTls } from "./upstream-tls.ts";
import { overWebSocket } from "./upstream-web-socket.ts";

/**
 * Connects to a console by whatever lies below what it speaks: TCP or a UNIX socket, TLS from the first byte on, a WebSocket, HTTP's
 * CONNECT, an ESXi host's authd. It is paused. Throws a GatewayError, or the signal's reason.
 */
export async function reach(
  { address, tls }: Pick<Upstream, "address" | "tls">,
  { signal, onStep, ...rules }: Connecting & DialRules,
): Promise<UpstreamLeg> {
  const dialling = { ...rules, signal, ...(onStep === undefined ? {} : { onStep }) };
  if (address.kind === "tcp" || address.kind === "unix")
    return await UpstreamLeg.open((onread) => dial(address, { ...dialling, onread }));
  const dialled = await dial({ ...address, kind: "tcp" }, dialling);
  try {
    if (address.kind === "authd")
      return UpstreamLeg.over(await overAuthd(dialled, { ...dialling, address, tls: demanded(tls) }));
    const secured = isWithinTls({ address }) ? await secure(dialled, tls, dialling) : dialled;
    if (address.kind === "tls") return UpstreamLeg.over(secured);
    onStep?.("handshake");
    if (address.kind === "http-connect")
      return UpstreamLeg.over(await overHttpConnect(secured, { address, signal }));
    const stream = await overWebSocket(secured, { address, signal });
    const { termproxy } = address;
    if (termproxy !== undefined) {
      onStep?.("authentication");
      await enterTermproxy(stream, { ...termproxy, signal });
    }
    return UpstreamLeg.over(stream);
  } catch (error) {
    dialled.destroy();
    throw error;
  }
}

async function secure(socket: Socket, tls: Upstream["tls"], { signal, onStep }: Connecting): Promise<Socket> {
  const known = demanded(tls);
  onStep?.("tls");
  return await overTls(socket, { tls: known, kind: "x509", signal });
}

function demanded(tls: Upstream["tls"]): UpstreamTls {
  if (tls === undefined) throw new GatewayError("upstream_tls_needed");
  return tls;
}
