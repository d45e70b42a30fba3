import ipaddr from "ipaddr.js";
import type { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { PlainAddress, Upstream } from "#wire/grant.ts";
import type { DriverTls } from "../driver.ts";
import { toNodeTls } from "../trust.ts";
import { toUpstreamTls } from "../upstream-tls.ts";
import type { Listen, SerialLine, VncGraphics } from "./domain-xml.ts";
import type { Endpoint, Way } from "./endpoint.ts";
import type { Credentials } from "./transport.ts";

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

/** How nodes get to serial lines of one libvirt. */
interface SerialWay {
  readonly endpoint: Endpoint;
  /** By which nodes sign in to libvirt, for lines that it alone reaches; absent: they are not to. */
  readonly streams?: Pick<Credentials, "caCertificate" | "clientCertificate" | "clientKey"> | undefined;
}

/**
 * Of a domain's lines the one that is its serial console: the first that a node can dial, for that takes nothing of libvirt; else the first that
 * libvirt opens, where nodes may have it do so; else one that nodes do not reach, to be told why. Undefined where there is none.
 */
export function chooseLine(
  lines: readonly SerialLine[],
  { endpoint: { way }, streams }: SerialWay,
): SerialLine | undefined {
  return (
    lines.find((line) => isDialled(line, way)) ??
    (streams === undefined ? undefined : lines.find(({ device }) => device !== undefined)) ??
    lines.find(({ listen }) => listen !== undefined)
  );
}

/** Of a domain without a line to choose: that libvirt alone reaches the one it has, and what has it opened. Undefined where it has none. */
export function withheldLine(lines: readonly SerialLine[], serial: SerialWay): string | undefined {
  if (chooseLine(lines, serial) !== undefined || !lines.some(({ device }) => device !== undefined))
    return undefined;
  return serial.endpoint.way.kind === "ssh"
    ? "its serial line is a pseudo-terminal, which nodes have opened by libvirt's socket or TLS and not by SSH; a <serial type='tcp'> they dial"
    : "its serial line is a pseudo-terminal, which libvirt opens for nodes once “porthole hypervisor update NAME --serial-streams” lets them sign in there";
}

/** The same as `toUpstream` of a serial line. TLS is around it from the first byte on, or not at all. */
export function toSerialUpstream(
  line: SerialLine | undefined,
  { tls, domain, ...reached }: SerialWay & { readonly tls?: DriverTls | undefined; readonly domain: string },
): Upstream {
  const { way } = reached.endpoint;
  if (line?.device !== undefined && reached.streams !== undefined && !isDialled(line, way))
    return toStream({ domain, device: line.device }, reached.endpoint, reached.streams);
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

function isDialled({ listen }: SerialLine, way: Way): boolean {
  if (listen === undefined) return false;
  if (way.kind === "unix") return true;
  return listen.kind === "tcp" && rangeOf(listen.address) !== "loopback";
}

/** A node that knows libvirt as control does, and shows what it is to show. */
function toStream(
  line: { readonly domain: string; readonly device: string },
  { way, uri }: Endpoint,
  trust: NonNullable<SerialWay["streams"]>,
): Upstream {
  const stream = { kind: "libvirt" as const, uri, ...line };
  if (way.kind === "unix") return { address: { ...stream, at: way } };
  if (way.kind !== "tls") throw unreachable("by SSH nodes do not sign in to libvirt");
  const { host, port } = way;
  return { address: { ...stream, at: { kind: "tcp", host, port } }, tls: toNodeTls(trust, host) };
}

type Called = "VNC" | "serial line";

/** What has it listen to others. What runs listens where it did when it was started. */
const LISTENING: Readonly<Record<Called, string>> = {
  VNC: 'set vnc_listen = "0.0.0.0" in its qemu.conf, or listen= in the definition of the machine, then stop and start the machine',
  "serial line":
    "set host= of its <source> in the definition of the machine, then stop and start the machine",
};

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
      if (way.kind !== "unix")
        throw unreachable(`the machine's ${what} listens to its hypervisor alone: ${LISTENING[what]}`);
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
