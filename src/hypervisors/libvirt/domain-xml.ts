import { SaxesParser } from "saxes";
import { ProtocolError } from "#base/protocol-error.ts";

const limits = {
  /** Of one domain's XML; what QEMU bears has some thousands. */
  elements: 50_000,
  depth: 64,
} as const;

/** `<graphics type="vnc">`, as the domain has it now. */
export interface VncGraphics {
  /** Absent where nobody can connect to it: it does not run, or listens nowhere. */
  readonly listen?:
    | { readonly kind: "tcp"; readonly address: string; readonly port: number }
    | { readonly kind: "unix"; readonly path: string };
  /** Only in XML that was asked for with secrets. */
  readonly password?: string;
}

/** A `<serial>` that libvirt itself carries. */
interface SerialLine {
  readonly port: number;
}

export interface DomainConsoles {
  readonly vnc: readonly VncGraphics[];
  readonly serial: readonly SerialLine[];
}

type Attributes = Readonly<Record<string, string>>;

/** Below `<devices>`, with the first child of each name. */
interface Device {
  readonly name: string;
  readonly attributes: Attributes;
  readonly children: Map<string, Attributes>;
}

/** The consoles that stand in a domain's XML. Throws a ProtocolError where it is none. */
export function readConsoles(xml: string): DomainConsoles {
  const devices = readDevices(xml);
  return {
    vnc: devices
      .filter(({ name, attributes }) => name === "graphics" && attributes["type"] === "vnc")
      .map(toVnc),
    serial: devices.flatMap(toSerial),
  };
}

/** The id of libosinfo in `<libosinfo:os id="…">`, whatever prefix its namespace has. */
export function readOsId(xml: string): string | undefined {
  let found: string | undefined;
  walk(xml, ({ path, attributes }) => {
    if (/(^|:)os$/.test(path.at(-1) ?? "")) found ??= attributes["id"];
  });
  return found;
}

function readDevices(xml: string): readonly Device[] {
  const devices: Device[] = [];
  let root: string | undefined;
  walk(xml, ({ path, attributes }) => {
    root ??= path[0];
    const [, parent, name, child] = path;
    if (parent !== "devices" || name === undefined) return;
    const device = devices.at(-1);
    if (path.length === 3) devices.push({ name, attributes, children: new Map() });
    else if (path.length === 4 && child !== undefined && device?.children.has(child) === false)
      device.children.set(child, attributes);
  });
  if (root !== "domain") throw new ProtocolError("no domain's XML", root);
  return devices;
}

function walk(
  xml: string,
  visit: (element: { readonly path: readonly string[]; readonly attributes: Attributes }) => void,
): void {
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
  const where = listenOf(attributes, listen);
  return {
    ...(where === undefined ? {} : { listen: where }),
    ...(password === undefined ? {} : { password }),
  };
}

/** libvirt: formatdomain, "Graphical framebuffers". The attributes of `<graphics>` repeat what older clients know. */
function listenOf(attributes: Attributes, listen: Attributes): VncGraphics["listen"] {
  const path = listen["socket"] ?? attributes["socket"];
  if (path !== undefined) return { kind: "unix", path };
  const port = Number(attributes["port"] ?? -1);
  const address = listen["address"] ?? attributes["listen"];
  const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535;
  return isPort && address !== undefined ? { kind: "tcp", address, port } : undefined;
}

/** Those that are a pseudo-terminal or a socket of QEMU's; one that goes to a file or nowhere is no console. */
function toSerial({ name, attributes, children }: Device): readonly SerialLine[] {
  if (name !== "serial" || !["pty", "unix", "tcp"].includes(attributes["type"] ?? "")) return [];
  const port = Number(children.get("target")?.["port"] ?? 0);
  return Number.isInteger(port) && port >= 0 ? [{ port }] : [];
}
