import { Value } from "typebox/value";
import { readConsoles, readOsId } from "#hypervisors/libvirt/domain-xml.ts";
import { guestFamily } from "#hypervisors/libvirt/guest-family.ts";
import { chooseLine, toSerialUpstream, toUpstream } from "#hypervisors/libvirt/upstream.ts";
import { readPasswordedVnc, withPassword } from "#hypervisors/libvirt/vnc-password-xml.ts";
import { XdrReader, XdrWriter } from "#protocols/libvirt/xdr.ts";
import { GatewayError, printable } from "#wire/gateway-error.ts";
import { placeOf, Upstream } from "#wire/grant.ts";
import { ascii, type Target } from "../target.ts";
import { outcome, told } from "./told.ts";

const WAYS = [
  { kind: "unix", path: "/run/libvirt/libvirt-sock" },
  { kind: "tls", host: "hypervisor.example", port: 16_514 },
] as const;
const SERIAL_WAYS = WAYS.map((way) => ({ endpoint: { way, uri: "qemu:///system" }, streams: {} }));
const DOMAIN = "6695eb01-f6a4-8304-79aa-97f2502e193f";

/** A domain's XML, up to what a node would dial. */
export const xml: Target = {
  name: "libvirt-xml",
  words: ascii(
    ...["<domain>", "</domain>", "<devices>", "<graphics type='vnc' port='5900' listen='0.0.0.0'/>"],
    ...["<listen type='socket' socket='/run/vnc'/>", "socket=''", "port='-1'", "passwd='x'", "::", "]]>"],
    ...["<!DOCTYPE x>", "<!ENTITY e 'e'>", "&e;", "&#0;", "&#x10ffff;", "<!--", "-->", "<![CDATA[", "<?x ?>"],
    ...["<serial type='pty'><target port='0'/></serial>", "xmlns:a='b'", "__proto__='1'", "constructor="],
    ...["<a:os id='http://microsoft.com/win/11'/>", "\ufeff", "\u0000", "\ud83d"],
  ),
  maxBytes: 64 * 1024,
  run(input) {
    return told([
      outcome(() => dialled(textOf(input))),
      outcome(() => guest(textOf(input))),
      outcome(() => saidAgain(textOf(input))),
    ]);
  },
};

/** As libvirt's answer has it. */
function textOf(input: Uint8Array): string {
  const padded = new XdrWriter().uint(input.length).fixedOpaque(input).finish();
  return new XdrReader(padded).string();
}

function guest(text: string): unknown {
  const id = readOsId(text);
  return [guestFamily(id), printable(id ?? "")];
}

/** As libvirt is told it with another password: what came of its own words has to be XML again. */
function saidAgain(text: string): unknown {
  const vnc = readPasswordedVnc(text);
  if (vnc === undefined) return undefined;
  const said = withPassword(vnc, { password: "x", validTo: 0 });
  const [again] = readDevice(said);
  if (again?.password !== "x") throw new Error(`it is not what was meant: ${said}`);
  return said;
}

function readDevice(device: string) {
  try {
    return readConsoles(`<domain><devices>${device}</devices></domain>`).vnc;
  } catch (cause) {
    throw new Error(`no XML any more: ${device}`, { cause });
  }
}

function dialled(text: string): unknown {
  const { vnc, serial } = readConsoles(text);
  const upstreams = vnc.flatMap((graphics) =>
    WAYS.map((way) => upstreamOf(() => toUpstream(graphics, { way, password: undefined }))),
  );
  const lines = SERIAL_WAYS.map((way) =>
    upstreamOf(() => toSerialUpstream(chooseLine(serial, way), { ...way, domain: DOMAIN })),
  );
  return { upstreams, lines, serial };
}

function upstreamOf(work: () => Upstream): Upstream | string {
  try {
    const upstream = work();
    if (!Value.Check(Upstream, upstream)) throw new Error(`no upstream: ${told(upstream)}`);
    const place = placeOf(upstream);
    const where = place.kind === "unix" ? place.path : place.host;
    const isPlain = place.kind === "unix" ? /^\/[^\0]+$/.test(where) : /^[^\s\0]{1,253}$/.test(where);
    if ((upstream.password ?? "").length > 255) throw new Error("a password of endless length");
    if (!isPlain) throw new Error(`nothing to dial: ${told(place)}`);
    return upstream;
  } catch (error) {
    if (error instanceof GatewayError) return error.message;
    throw error;
  }
}
