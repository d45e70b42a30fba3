import { SaxesParser } from "saxes";
import { ProtocolError } from "#base/protocol-error.ts";

const limits = {
  /** Of one domain's XML; what QEMU bears has some thousands. */
  elements: 50_000,
  depth: 64,
  /** As for one that is on record. It goes into grants, of which many go to a node in one frame; servers read eight characters. */
  passwordCharacters: 255,
} as const;

/** A name, or an address with or without a zone. */
const HOST = /^[\w.:%-]{1,253}$/;
/** sockaddr_un.sun_path of Linux, less its NUL. */
const PATH = /^\/[^\p{Cc}]{1,106}$/u;

/** As the grant has it. */
const ALIAS = /^[\w.-]{1,64}$/;

/** Where QEMU listens. */
export type Listen =
  | { readonly kind: "tcp"; readonly address: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** `<graphics type="vnc">`, as the domain has it now. */
export interface VncGraphics {
  /** Absent where nobody can connect to it: it does not run, or listens nowhere. */
  readonly listen?: Listen;
  /** Only in XML that was asked for with secrets. */
  readonly password?: string;
}

/** A `<serial>` that somebody can be at, or a `<console>` that is none of those. */
export interface SerialLine {
  readonly port: number;
  /** Absent where libvirt alone reaches it: a pseudo-terminal. */
  readonly listen?: Listen;
  /** The alias by which libvirt opens it as a stream; absent where it is no pseudo-terminal (libvirt 9 opens nothing else), or not running. */
  readonly device?: string;
  readonly isTelnet: boolean;
  readonly isTls: boolean;
}

export interface DomainConsoles {
  /** Of the domain, in lower case. */
  readonly uuid: string | undefined;
  readonly vnc: readonly VncGraphics[];
  readonly serial: readonly SerialLine[];
}

export type Attributes = Readonly<Record<string, string>>;

/** Below `<devices>`, with the first child of each name. */
interface Device {
  readonly name: string;
  readonly attributes: Attributes;
  readonly children: Map<string, Attributes>;
}

/** The consoles that stand in a domain's XML. Throws a ProtocolError where it is none. */
export function readConsoles(xml: string): DomainConsoles {
  const { uuid, devices } = readDomain(xml);
  return {
    uuid,
    vnc: devices.filter(isVnc).map(toVnc),
    serial: [...devices.flatMap(toSerial), ...devices.flatMap(toFurther)],
  };
}

/** Every `<graphics type="vnc">`, as it stands there. */
export function readVncDevices(xml: string): readonly Device[] {
  return readDomain(xml).devices.filter(isVnc);
}

function isVnc({ name, attributes }: Device): boolean {
  return name === "graphics" && attributes["type"] === "vnc";
}

/** The id of libosinfo in `<libosinfo:os id="…">`, whatever prefix its namespace has. */
export function readOsId(xml: string): string | undefined {
  let found: string | undefined;
  walk(xml, {
    visit: ({ path, attributes }) => {
      if (/(^|:)os$/.test(path.at(-1) ?? "")) found ??= attributes["id"];
    },
  });
  return found;
}

function readDomain(xml: string): {
  readonly uuid: string | undefined;
  readonly devices: readonly Device[];
} {
  const devices: Device[] = [];
  let [root, uuid]: (string | undefined)[] = [];
  walk(xml, {
    visit: ({ path, attributes }) => {
      root ??= path[0];
      const [, parent, name, child] = path;
      if (parent !== "devices" || name === undefined) return;
      const device = devices.at(-1);
      if (path.length === 3) devices.push({ name, attributes, children: new Map() });
      else if (path.length === 4 && child !== undefined && device?.children.has(child) === false)
        device.children.set(child, attributes);
    },
    text: (path, text) => {
      if (path.length === 2 && path[1] === "uuid") uuid ??= text.trim().toLowerCase();
    },
  });
  if (root !== "domain") throw new ProtocolError("no domain's XML", root);
  return { uuid, devices };
}

interface Walk {
  readonly visit: (element: { readonly path: readonly string[]; readonly attributes: Attributes }) => void;
  readonly text?: (path: readonly string[], text: string) => void;
}

function walk(xml: string, { visit, text }: Walk): void {
  const path: string[] = [];
  let elements = 0;
  const parser = new SaxesParser();
  parser.on("doctype", () => {
    throw new ProtocolError("XML with a document type");
  });
  parser.on("opentag", ({ name, attributes }) => {
    path.push(name);
    elements++;
    if (elements > limits.elements || path.length > limits.depth) throw new ProtocolError("too much XML");
    visit({ path, attributes });
  });
  parser.on("closetag", () => void path.pop());
  if (text !== undefined) parser.on("text", (each) => text(path, each));
  try {
    parser.write(xml).close();
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    throw new ProtocolError(cause instanceof Error ? cause.message : "not XML");
  }
}

function toVnc({ attributes, children }: Device): VncGraphics {
  const listen = children.get("listen") ?? {};
  const { passwd: password } = attributes;
  if (password !== undefined && password.length > limits.passwordCharacters)
    throw new ProtocolError("password too long", password.length);
  const where = listenOf(attributes, listen);
  return {
    ...(where === undefined ? {} : { listen: where }),
    ...(password === undefined ? {} : { password }),
  };
}

/**
 * libvirt: formatdomain, "Graphical framebuffers". The attributes of `<graphics>` repeat what older clients know. What nobody could
 * connect to is nowhere.
 */
function listenOf(attributes: Attributes, listen: Attributes): Listen | undefined {
  const path = listen["socket"] ?? attributes["socket"];
  if (path !== undefined) return PATH.test(path) ? { kind: "unix", path } : undefined;
  const port = Number(attributes["port"] ?? -1);
  const address = listen["address"] ?? attributes["listen"];
  const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535;
  return isPort && address !== undefined && HOST.test(address) ? { kind: "tcp", address, port } : undefined;
}

/** A console that is no serial port, as virtio's and that of a container: libvirt lists the first serial port as one, too. */
function toFurther({ name, attributes, children }: Device): readonly SerialLine[] {
  const isSerial = (children.get("target")?.["type"] ?? "serial") === "serial";
  if (name !== "console" || isSerial) return [];
  return toSerial({ name: "serial", attributes, children });
}

/** Those that are a pseudo-terminal or a socket of QEMU's; one that goes to a file or nowhere is no console. */
function toSerial({ name, attributes, children }: Device): readonly SerialLine[] {
  if (name !== "serial" || !["pty", "unix", "tcp"].includes(attributes["type"] ?? "")) return [];
  const port = Number(children.get("target")?.["port"] ?? 0);
  if (!Number.isInteger(port) || port < 0) return [];
  const { mode, path: socket, host, service, tls } = children.get("source") ?? {};
  const spoken = children.get("protocol")?.["type"] ?? "raw";
  // What connects to somebody else has nobody listening.
  const place = socket === undefined ? { listen: host, port: service } : { socket };
  const listen = attributes["type"] === "pty" || mode !== "bind" ? undefined : listenOf(known(place), {});
  const device = children.get("alias")?.["name"];
  const isStreamed = attributes["type"] === "pty" && device !== undefined && ALIAS.test(device);
  return [
    {
      port,
      ...(listen === undefined ? {} : { listen }),
      ...(isStreamed ? { device } : {}),
      isTelnet: spoken === "telnet" || spoken === "telnets",
      isTls: spoken === "tls" || spoken === "telnets" || tls === "yes",
    },
  ];
}

function known(values: Readonly<Record<string, string | undefined>>): Attributes {
  const entries = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  return Object.fromEntries(entries);
}
