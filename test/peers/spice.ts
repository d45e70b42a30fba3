import assert from "node:assert/strict";
import { constants, createPublicKey, publicEncrypt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { scratch } from "../harness/scratch.ts";
import type { TestViewer } from "../harness/test-viewer.ts";
import { type Qemu, type QemuGuest, startQemu, startQemuGuest } from "./qemu.ts";

/** A machine whose screen is SPICE's, and VNC's beside that. */
export interface SpiceMachine<Machine extends Qemu<"vnc"> = Qemu<"vnc">> extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly qemu: Machine;
  /** What its viewers sign in with. */
  readonly password: string;
}

const PASSWORD = "ticket-123";

/** A paused one: enough for everything before the picture. */
export async function startSpice(): Promise<SpiceMachine> {
  return await withSpice(async (args) => await startQemu({ vnc: {} }, { args }));
}

/** One with a guest, whose shell waits on the screen for what is typed. */
export async function startSpiceGuest(): Promise<SpiceMachine<QemuGuest<"vnc">>> {
  return await withSpice(async (args) => await startQemuGuest({ vnc: {} }, { args }));
}

async function withSpice<Machine extends Qemu<"vnc">>(
  start: (args: readonly string[]) => Promise<Machine>,
): Promise<SpiceMachine<Machine>> {
  const folder = scratch();
  const file = join(folder.path, "password");
  writeFileSync(file, PASSWORD, { mode: 0o600 });
  const secret = ["-object", `secret,id=spice,file=${file}`];
  // It takes no port of the kernel's choice.
  return await onFreePort(async (port) => {
    const qemu = await start([...secret, "-spice", `addr=${LOOPBACK},port=${port},password-secret=spice`]);
    return {
      ...{ host: LOOPBACK, port, qemu, password: PASSWORD },
      [Symbol.asyncDispose]: async () => {
        await qemu[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  });
}

/** The Spice Protocol, "Channel types". */
export const CHANNEL = { main: 1, display: 2, inputs: 3, cursor: 4 } as const;

/** What a client can do, in one word: choose how it signs in, sign in by ticket, take short headers (spice/protocol.h). */
const COMMON_CAPS = 0b1011;
const KEY_BYTES = 162;
/** SPICE_MSG_MAIN_INIT, of which the first word is the session's number. */
const MAIN_INIT = 103;

/** What a viewer says first on a connection. */
export function linkMessage(channelType: number, connectionId = 0): Buffer {
  const message = Buffer.alloc(16 + 18 + 4);
  message.write("REDQ", "latin1");
  message.writeUInt32LE(2, 4); // major version
  message.writeUInt32LE(2, 8); // minor version
  message.writeUInt32LE(22, 12); // size
  message.writeUInt32LE(connectionId, 16);
  message.writeUInt8(channelType, 20);
  message.writeUInt32LE(1, 22); // num_common_caps
  message.writeUInt32LE(18, 30); // caps_offset
  message.writeUInt32LE(COMMON_CAPS, 34);
  return message;
}

/** Links one channel and signs in, as spice-html5 does. Resolves to the server's result, 0 where it takes the password. */
export async function linkChannel(
  viewer: TestViewer,
  channelType: number,
  { password, connectionId = 0 }: { readonly password: string; readonly connectionId?: number },
): Promise<number> {
  viewer.send(linkMessage(channelType, connectionId));
  const header = await bytesOf(viewer, 0, 16);
  assert.equal(header.toString("latin1", 0, 4), "REDQ");
  const size = header.readUInt32LE(12);
  const reply = await bytesOf(viewer, 16, size);
  assert.equal(reply.readUInt32LE(0), 0, "the server refuses the link");
  const key = createPublicKey({ key: reply.subarray(4, 4 + KEY_BYTES), format: "der", type: "spki" });
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const ticket = publicEncrypt({ key, padding, oaepHash: "sha1" }, Buffer.from(`${password}\0`));
  viewer.send(Buffer.concat([Buffer.of(1, 0, 0, 0), ticket])); // By ticket.
  return (await bytesOf(viewer, 16 + size, 4)).readUInt32LE(0);
}

/** The session's number, from what the server says on the main channel once that is signed in. */
export async function sessionNumber(viewer: TestViewer): Promise<number> {
  const start = 16 + (await bytesOf(viewer, 0, 16)).readUInt32LE(12) + 4;
  const message = await bytesOf(viewer, start, 2 + 4 + 4);
  assert.equal(message.readUInt16LE(0), MAIN_INIT);
  return message.readUInt32LE(6);
}

async function bytesOf(viewer: TestViewer, start: number, length: number): Promise<Buffer> {
  return await eventually(() => {
    assert.ok(
      viewer.bytes.length >= start + length,
      `it said ${viewer.bytes.length} bytes: ${viewer.closed?.reason}`,
    );
    return viewer.bytes.subarray(start, start + length);
  });
}
