import {
  authenticationTypes,
  getMetadata,
  getState,
  getXml,
  listAllDomains,
  lookupByUuid,
  open,
  polkit,
  registerLifecycle,
  screenshot,
} from "#protocols/libvirt/calls.ts";
import { LIFECYCLE_PROCEDURE, readLifecycle } from "#protocols/libvirt/lifecycle.ts";
import { type Packet, PacketReader } from "#protocols/libvirt/packet.ts";
import { readRemoteError } from "#protocols/libvirt/remote-error.ts";
import { XdrReader } from "#protocols/libvirt/xdr.ts";
import { ascii, type Target } from "../target.ts";
import { outcome, told } from "./told.ts";

/** libvirt's test driver has it. */
export const DOMAIN = { name: "test", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 1 };

/** In the order in which they were recorded, from a connection's beginning. */
export const CALLS = [
  authenticationTypes(),
  open("test:///default", { isReadOnly: false }),
  registerLifecycle(),
  listAllDomains(0),
  lookupByUuid(DOMAIN.uuid),
  getState(DOMAIN),
  getXml(DOMAIN, { isSecure: true }),
  getMetadata(DOMAIN, "urn:none"),
  lookupByUuid("00000000-0000-0000-0000-000000000000"),
  polkit(),
];
export const PICTURE = screenshot(DOMAIN);

const word = (...numbers: readonly number[]) =>
  Uint8Array.from(numbers.flatMap((number) => [number >>> 24, number >>> 16, number >>> 8, number]));
export const words = [
  ...ascii("test", "qemu", "http://libosinfo.org/xmlns/libvirt/domain/1.0"),
  ...[word(0x20008086, 1), word(0x6b656570, 1, 1), word(28), word(1, 1, 0), word(2, 0, 1), word(3, 1, 2)],
  ...[word(273, 1), word(14, 1), word(318, 2), word(211, 3), word(0xffffffff)],
];

/** Packets, and all that may stand in one. */
export const rpc: Target = {
  name: "libvirt-rpc",
  words,
  maxBytes: 64 * 1024,
  run(input, cut) {
    const packets: string[] = [];
    const reader = new PacketReader();
    const ending = outcome(() => {
      for (const piece of cut(input)) for (const packet of reader.push(piece)) packets.push(read(packet));
    });
    return `${ending} ${told(packets)}`;
  },
};

function read(packet: Packet): string {
  const { procedure, type, status, body } = packet;
  const call = [...CALLS, PICTURE].find((each) => each.procedure === procedure);
  return told([
    packet,
    outcome(() => {
      if (status === "error") return readRemoteError(new XdrReader(body)).message;
      if (type === "message" && procedure === LIFECYCLE_PROCEDURE) return readLifecycle(body);
      return type === "reply" ? call?.read(new XdrReader(body)) : undefined;
    }),
  ]);
}
