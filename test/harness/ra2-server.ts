import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  hash,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import type { Socket } from "node:net";
import { encodeServerInit } from "#protocols/rfb/server-init.ts";
import { AesEax } from "#proxy/aes-eax.ts";
import { startUpstream } from "./test-upstream.ts";

const PIXEL_FORMAT = Uint8Array.of(32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0);
const TAG_BYTES = 16;
const padding = constants.RSA_PKCS1_PADDING;

export interface Ra2ServerOptions {
  /** 5, 129, or others. */
  readonly types: readonly number[];
  readonly bits: 128 | 256;
  readonly username?: string;
  readonly password: string;
  /** Says another proof than the right one, as whoever has put a key of their own in between would have to. */
  readonly liesOfKeys?: boolean;
}

/**
 * The server's side of RA2 as rfbproto has it, of our own, since no server of it can be had here: Debian 12 has TigerVNC 1.12, which
 * is older. It answers whatever comes behind ServerInit with an update of no rectangles.
 */
export async function startRa2Server(options: Ra2ServerOptions) {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  const said = sayKey(Buffer.from(n, "base64url"), Buffer.from(e, "base64url"));
  const heard: string[] = [];
  const upstream = await startUpstream(({ socket }) => {
    void serve(socket, { ...options, said, privateKey, heard }).catch(() => socket.destroy());
  });
  return { ...upstream, fingerprint: hash("sha1", said, "hex"), heard };
}

async function serve(
  socket: Socket,
  {
    types,
    bits,
    username,
    password,
    liesOfKeys = false,
    said,
    privateKey,
    heard,
  }: Ra2ServerOptions & {
    readonly said: Buffer;
    readonly privateKey: Parameters<typeof privateDecrypt>[0] & object;
    readonly heard: string[];
  },
): Promise<void> {
  const read = reader(socket);
  const size = bits / 8;
  socket.write("RFB 003.008\n");
  await read(12);
  socket.write(Buffer.of(types.length, ...types));
  await read(1);
  socket.write(said);
  const keyBits = await read(4);
  const keyBytes = Math.ceil(keyBits.readUInt32BE() / 8);
  const [modulus, exponent] = [await read(keyBytes), await read(keyBytes)];
  const theirs = Buffer.concat([keyBits, modulus, exponent]);
  const parts = {
    kty: "RSA",
    n: modulus.toString("base64url"),
    e: exponent.subarray(-3).toString("base64url"),
  };
  const theirRandom = privateDecrypt(
    { key: privateKey as never, padding },
    await read((await read(2)).readUInt16BE()),
  );
  const ourRandom = randomBytes(size);
  const encrypted = publicEncrypt(
    { key: createPublicKey({ key: parts, format: "jwk" }), padding },
    ourRandom,
  );
  socket.write(Buffer.concat([u16(encrypted.length), encrypted]));

  const mix = (...all: Buffer[]) => hash(bits === 128 ? "sha1" : "sha256", Buffer.concat(all), "buffer");
  const sending = sealing(mix(theirRandom, ourRandom).subarray(0, size));
  const receiving = sealing(mix(ourRandom, theirRandom).subarray(0, size));
  let plain = Buffer.alloc(0);
  const readSealed = async (length: number) => {
    while (plain.length < length) {
      const header = await read(2);
      const opened = receiving.open(header, await read(header.readUInt16BE() + TAG_BYTES));
      if (opened === undefined) throw new Error("changed");
      plain = Buffer.concat([plain, opened]);
    }
    const taken = plain.subarray(0, length);
    plain = plain.subarray(length);
    return taken;
  };
  const say = (bytes: Uint8Array) => {
    const sealed = sending.seal(u16(bytes.length), bytes);
    return Buffer.concat([u16(bytes.length), sealed]);
  };

  const proof = mix(said, theirs);
  if (liesOfKeys) proof[0] = (proof[0] ?? 0) ^ 1;
  socket.write(say(proof));
  if (!(await readSealed(proof.length)).equals(mix(theirs, said))) throw new Error("another key");
  socket.write(say(Buffer.of(username === undefined ? 2 : 1)));
  const name = (await readSealed((await readSealed(1))[0] ?? 0)).toString();
  const word = (await readSealed((await readSealed(1))[0] ?? 0)).toString();
  heard.push(`${name}:${word}`);
  if (name !== (username ?? "") || word !== password) {
    socket.end(say(Buffer.from([0, 0, 0, 1, 0, 0, 0, 2, 0x6e, 0x6f])));
    return;
  }
  socket.write(say(Buffer.alloc(4)));
  await readSealed(1);
  // In two messages, of which one is cut in the middle of a field.
  const init = encodeServerInit({ width: 640, height: 480, pixelFormat: PIXEL_FORMAT, name: "ra2" });
  socket.write(Buffer.concat([say(init.subarray(0, 7)), say(init.subarray(7))]));
  for (;;) {
    await readSealed(1);
    socket.write(say(Buffer.of(0, 0, 0, 0)));
  }
}

function sealing(key: Buffer) {
  const eax = new AesEax(key);
  let count = 0n;
  const nonce = () => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(count++);
    return bytes;
  };
  return {
    seal: (header: Buffer, plain: Uint8Array) => eax.seal(nonce(), header, plain),
    open: (header: Buffer, sealed: Buffer) => eax.open(nonce(), header, sealed),
  };
}

function sayKey(modulus: Buffer, exponent: Buffer): Buffer {
  const bits = Buffer.alloc(4);
  bits.writeUInt32BE(modulus.length * 8);
  return Buffer.concat([bits, modulus, Buffer.alloc(modulus.length - exponent.length), exponent]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** Reads so many bytes of a socket as are asked for. */
function reader(socket: Socket) {
  const chunks = socket.iterator({ destroyOnReturn: false });
  let rest = Buffer.alloc(0);
  return async (length: number): Promise<Buffer> => {
    while (rest.length < length) {
      const { value, done } = await chunks.next();
      if (done === true) throw new Error("hung up");
      rest = Buffer.concat([rest, value]);
    }
    const taken = rest.subarray(0, length);
    rest = rest.subarray(length);
    return taken;
  };
}
