import { encodePacket, type Packet } from "./packet.ts";

/** The program that only asks whether somebody is there: libvirt's virkeepaliveprotocol.x. */
export const KEEPALIVE_PROGRAM = 0x6b656570;
const PROCEDURES = { ping: 1, pong: 2 } as const;

export function isPing({ program, procedure }: Packet): boolean {
  return program === KEEPALIVE_PROGRAM && procedure === PROCEDURES.ping;
}

export function encodeKeepalive(kind: keyof typeof PROCEDURES): Uint8Array<ArrayBuffer> {
  return encodePacket({
    program: KEEPALIVE_PROGRAM,
    version: 1,
    procedure: PROCEDURES[kind],
    type: "message",
    serial: 0,
    status: "ok",
    body: new Uint8Array(0),
  });
}
