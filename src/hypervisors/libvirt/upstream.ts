import ipaddr from "ipaddr.js";
import type { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { PlainAddress, Upstream } from "#wire/grant.ts";
import type { DriverTls } from "../driver.ts";
import { toUpstreamTls } from "../upstream-tls.ts";
import type { Listen, SerialLine, VncGraphics } from "./domain-xml.ts";
import type { Way } from "./endpoint.ts";

/**
 * What a node dials. A password of the domain's own goes before one that is on record. Throws `upstream_unreachable` where the console
 * is one that only the hypervisor itself reaches, and we are somewhere else.
 */
export function toUpstream(
  vnc: VncGraphics | undefined,
  {
    way,
    password,
    tls,
  }: { readonly way: Way; readonly password: Secret | undefined; readonly tls?: DriverTls | undefined },
): Upstream {
  const secret = vnc?.password ?? password?.expose();
  const address = addressOf(vnc?.listen, way, "VNC");
  // Certificates are for the hypervisor, whichever of its addresses a VNC listens on.
  const name = way.kind === "unix" ? undefined : way.host;
  return {
    address,
    ...(secret === undefined ? {} : { password: secret }),
    ...(tls === undefined ? {} : { tls: toUpstreamTls(tls, address, name) }),
  };
}

/** The same of a serial line. TLS is around it from the first byte on, or not at all. */
export function toSerialUpstream(
  line: SerialLine | undefined,
  { way, tls }: { readonly way: Way; readonly tls?: DriverTls | undefined },
): Upstream {
  const plain = addressOf(line?.listen, way, "serial line");
  const isTls = line?.isTls === true && plain.kind === "tcp";
  const address = isTls ? { ...plain, kind: "tls" as const } : plain;
  const name = way.kind === "unix" ? undefined : way.host;
  return {
    address,
    ...(isTls && tls !== undefined ? { tls: toUpstreamTls(tls, address, name) } : {}),
    ...(line?.isTelnet === true ? { telnet: true as const } : {}),
  };
}

type Called = "VNC" | "serial line";

function addressOf(listen: Listen | undefined, way: Way, what: Called): PlainAddress {
  if (listen === undefined) throw unreachable(`the machine has no ${what} that listens anywhere`);
  if (listen.kind === "tcp")
    return { kind: "tcp", host: hostOf(listen.address, way, what), port: listen.port };
  if (way.kind !== "unix") throw unreachable(`the machine's ${what} is a UNIX socket of its hypervisor`);
  return listen;
}

function hostOf(listen: string, way: Way, what: Called): string {
  switch (rangeOf(listen)) {
    case "unspecified":
      if (way.kind !== "unix") return way.host;
      return listen.includes(":") ? "::1" : "127.0.0.1";
    case "loopback":
      if (way.kind !== "unix") throw unreachable(`the machine's ${what} listens to its hypervisor alone`);
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
