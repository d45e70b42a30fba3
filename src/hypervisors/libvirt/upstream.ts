import ipaddr from "ipaddr.js";
import type { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import type { VncGraphics } from "./domain-xml.ts";
import type { Way } from "./endpoint.ts";

/**
 * What a node dials. A password of the domain's own goes before one that is on record. Throws `upstream_unreachable` where the console
 * is one that only the hypervisor itself reaches, and we are somewhere else.
 */
export function toUpstream(
  vnc: VncGraphics | undefined,
  { way, password }: { readonly way: Way; readonly password: Secret | undefined },
): Upstream {
  const secret = vnc?.password ?? password?.expose();
  const opened = secret === undefined ? {} : { password: secret };
  const listen = vnc?.listen;
  if (listen === undefined) throw unreachable("the machine has no VNC that listens anywhere");
  if (listen.kind === "unix") {
    if (way.kind !== "unix") throw unreachable("the machine's VNC is a UNIX socket of its hypervisor");
    return { address: listen, ...opened };
  }
  const { address: host, port } = listen;
  return { address: { kind: "tcp", host: hostOf(host, way), port }, ...opened };
}

function hostOf(listen: string, way: Way): string {
  switch (rangeOf(listen)) {
    case "unspecified":
      if (way.kind !== "unix") return way.host;
      return listen.includes(":") ? "::1" : "127.0.0.1";
    case "loopback":
      if (way.kind !== "unix") throw unreachable("the machine's VNC listens to its hypervisor alone");
      return listen;
    default:
      return listen;
  }
}

function rangeOf(listen: string): string {
  if (listen === "localhost") return "loopback";
  return ipaddr.isValid(listen) ? ipaddr.process(listen).range() : "name";
}

function unreachable(detail: string): GatewayError {
  return new GatewayError("upstream_unreachable", { detail });
}
