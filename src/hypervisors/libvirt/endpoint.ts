import { isIP } from "node:net";

/** Where a libvirt is, read off an address such as libvirt's own tools have it. */
export interface Endpoint {
  readonly way: Way;
  /** What libvirt itself is told to open, such as qemu:///system. */
  readonly uri: string;
}

export type Way =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tls"; readonly host: string; readonly port: number }
  | {
      readonly kind: "ssh";
      readonly host: string;
      readonly port: number;
      readonly user: string;
      /** On the far side; absent: libvirt's helper there knows. */
      readonly path: string | undefined;
    };

const TLS_PORT = 16_514;
const SSH_PORT = 22;
const DEFAULT_SOCKET = "/run/libvirt/libvirt-sock";

const FORM =
  /^(?<driver>[a-z]+)(?:\+(?<transport>[a-z0-9]+))?:\/\/(?<authority>[^/?#]*)(?<path>\/[^?#]*)(?:\?(?<query>[^#]*))?$/;
const AUTHORITY = /^(?:(?<user>[\w.-]+)@)?(?:\[(?<v6>[^\]]+)\]|(?<name>[\w.-]+))(?::(?<port>\d{1,5}))?$/;
/** It stands in a command line of the far side's shell. */
const SOCKET_PATH = /^\/[\w./-]{1,106}$/;

/** Throws an Error that says what is wrong with the address. */
export function parseEndpoint(text: string): Endpoint {
  const { driver = "", transport, authority = "", path = "", query = "" } = FORM.exec(text)?.groups ?? {};
  if (driver === "")
    throw new Error(
      "not of the form DRIVER+TRANSPORT://[USER@]HOST[:PORT]/PATH, as qemu+tls://host7/system is",
    );
  const socket = socketOf(query);
  if (!/^(\/[\w-][\w.-]*)+$/.test(path))
    throw new Error(`the path ${path} is none of libvirt's, as /system is`);
  const way = wayOf(transport ?? (authority === "" ? "unix" : "tls"), authority, socket);
  return { way, uri: `${driver}://${path}` };
}

/** Where it is, however one gets there. */
export function wayInWords(way: Way): string {
  if (way.kind === "unix") return way.path;
  const where = `${way.host}:${way.port}`;
  return way.kind === "ssh" && way.path !== undefined ? `${where}${way.path}` : where;
}

function wayOf(transport: string, authority: string, socket: string | undefined): Way {
  switch (transport) {
    case "unix":
      if (authority !== "") throw new Error("a UNIX socket has no host");
      return { kind: "unix", path: socket ?? DEFAULT_SOCKET };
    case "tls": {
      const { host, port, user } = hostOf(authority);
      if (user !== undefined)
        throw new Error("with TLS nobody is named: the client certificate says who calls");
      if (socket !== undefined) throw new Error("with TLS there is no socket");
      return { kind: "tls", host, port: port ?? TLS_PORT };
    }
    case "ssh": {
      const { host, port, user } = hostOf(authority);
      if (user === undefined)
        throw new Error("with SSH the user has to be named, as in qemu+ssh://porthole@host7/system");
      return { kind: "ssh", host, port: port ?? SSH_PORT, user, path: socket };
    }
    case "tcp":
      throw new Error("libvirt's TCP is neither encrypted nor does it ask who calls: use tls or ssh");
    default:
      throw new Error(`the transport ${transport} is not spoken: unix, tls and ssh are`);
  }
}

function hostOf(authority: string): {
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
} {
  const { user, v6, name, port: digits } = AUTHORITY.exec(authority)?.groups ?? {};
  const host = v6 ?? name;
  if (host === undefined || host.startsWith("-") || (v6 !== undefined && isIP(v6) !== 6))
    throw new Error(`${authority === "" ? "the host is missing" : `${authority} is no host`}`);
  if (user?.startsWith("-") === true) throw new Error(`${user} is no user`);
  if (digits === undefined) return { host, ...(user === undefined ? {} : { user }) };
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw new Error(`there is no port ${digits}`);
  return { host, port, ...(user === undefined ? {} : { user }) };
}

function socketOf(query: string): string | undefined {
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys())
    if (name !== "socket") throw new Error(`the parameter ${name} is not taken here`);
  const socket = parameters.get("socket") ?? undefined;
  if (socket !== undefined && !SOCKET_PATH.test(socket))
    throw new Error("the socket is no absolute path of plain characters");
  return socket;
}
