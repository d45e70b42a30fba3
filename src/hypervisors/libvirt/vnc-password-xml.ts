import { type Attributes, readVncDevices } from "./domain-xml.ts";

/** `<graphics type="vnc">` as it has to be said again where its password is changed. */
export interface PasswordedVnc {
  readonly attributes: Attributes;
  /** `<listen>`, and `<audio>`, which it would lose if it were said without. */
  readonly children: ReadonlyMap<string, Attributes>;
  readonly password: string | undefined;
  /** Milliseconds since 1970; undefined: without end. */
  readonly validTo: number | undefined;
}

/** The first VNC of a domain's XML that was asked for with its secrets. */
export function readPasswordedVnc(xml: string): PasswordedVnc | undefined {
  const [device] = readVncDevices(xml);
  if (device === undefined) return undefined;
  const { attributes, children } = device;
  const { passwd: password, passwdValidTo: end } = attributes;
  // libvirt: formatdomain; the time is UTC, and says so nowhere.
  const validTo = end === undefined ? undefined : Date.parse(`${end}Z`);
  return { attributes, children, password, validTo };
}

/** The whole element with this password and this end, in seconds, as libvirt has them. */
export function withPassword(
  { attributes, children }: PasswordedVnc,
  { password, validTo }: { readonly password: string; readonly validTo: number },
): string {
  const passwdValidTo = new Date(validTo).toISOString().slice(0, "2026-11-27T00:00:00".length);
  const graphics = { ...attributes, passwd: password, passwdValidTo };
  const inner = [...children].map(([name, child]) => `<${name}${written(child)}/>`);
  return `<graphics${written(graphics)}>${inner.join("")}</graphics>`;
}

function written(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escaped(value)}"`)
    .join("");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
