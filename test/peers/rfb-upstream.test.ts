import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { ByteWriter, fromLatin1 } from "#base/bytes.ts";
import { Secret } from "#base/secret.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { type UpstreamReady, upstreamHandshake } from "#protocols/rfb/upstream-handshake.ts";
import { RFB_VERSIONS, type RfbVersion } from "#protocols/rfb/version.ts";
import { encryptDes } from "#proxy/des.ts";
import { lackingQemu, type Qemu, startQemu } from "./qemu.ts";
import { lackingTigerVnc, startTigerVnc, type TigerVnc } from "./tigervnc.ts";

const PASSWORD = "s3cret!";

const GREETINGS: Readonly<Record<RfbVersion, string>> = {
  "3.3": "RFB 003.003\n",
  "3.7": "RFB 003.007\n",
  "3.8": "RFB 003.008\n",
};

interface Options {
  readonly password?: string;
  /** The highest version that the server shall seem to speak; it then really speaks that. */
  readonly version?: RfbVersion;
}

/** The handshake with a real server, and what it says right behind when it is asked for the screen. */
async function handshake(
  address: NetConnectOpts,
  { password, version = "3.8" }: Options,
): Promise<UpstreamReady> {
  const socket = connect(address);
  await once(socket, "connect");
  try {
    const driver = new SequenceDriver(
      upstreamHandshake({
        send: (bytes) => socket.write(bytes),
        encryptDes,
        password: password === undefined ? undefined : new Secret(password),
      }),
    );
    const [greeting] = await once(socket, "data");
    assert.equal(greeting.toString("latin1"), GREETINGS["3.8"]);
    driver.push(fromLatin1(GREETINGS[version]));
    await feed(socket, driver);
    await assertUpdateComes(socket);
    return driver.result;
  } finally {
    socket.destroy();
  }
}

async function feed(socket: Socket, driver: SequenceDriver<unknown>): Promise<void> {
  while (!driver.done) {
    const [chunk] = await Promise.race([once(socket, "data"), once(socket, "end")]);
    assert.ok(chunk !== undefined, "the server hung up");
    driver.push(chunk);
  }
}

/** RFC 6143 §7.5.3: the whole of the first pixel row; §7.6.1 is the answer. */
async function assertUpdateComes(socket: Socket): Promise<void> {
  socket.write(new ByteWriter().u8(3).u8(0).u16(0).u16(0).u16(16).u16(1).finish());
  const [update] = await once(socket, "data");
  assert.equal(update[0], 0, "message-type FramebufferUpdate");
}

describe("QEMU's VNC server", { skip: lackingQemu }, () => {
  let qemu: Qemu<"open" | "locked" | "closed">;
  before(async () => {
    qemu = await startQemu({ open: {}, locked: { password: PASSWORD }, closed: { password: "" } });
  });
  after(async () => await qemu[Symbol.asyncDispose]());
  const address = (screen: "open" | "locked" | "closed") => ({ host: qemu.host, port: qemu.ports[screen] });

  for (const version of RFB_VERSIONS) {
    test(`lets us in without a password, in RFB ${version}`, async () => {
      const ready = await handshake(address("open"), { version });

      assert.equal(ready.version, version);
      assert.equal(ready.security, "none");
      assert.equal(ready.serverInit.name, "QEMU");
      assert.ok(ready.serverInit.width >= 640 && ready.serverInit.height >= 400);
    });

    test(`lets us in with its password, in RFB ${version}`, async () => {
      const ready = await handshake(address("locked"), { version, password: PASSWORD });

      assert.equal(ready.security, "vnc-authentication");
    });

    test(`does not let us in with another, in RFB ${version}`, async () => {
      await assert.rejects(handshake(address("locked"), { version, password: "guess" }), {
        name: "HandshakeError",
        kind: "authentication-failed",
      });
    });
  }

  test("says why it does not let us in", async () => {
    await assert.rejects(handshake(address("locked"), { password: "guess" }), {
      reason: "Authentication failed",
    });
  });

  test("is not taken for the machine with a password where it asks for none", async () => {
    await assert.rejects(handshake(address("open"), { password: PASSWORD }), { kind: "password-not-asked" });
  });

  test("is not tried without a password where it asks for one", async () => {
    await assert.rejects(handshake(address("locked"), {}), { kind: "password-missing" });
  });

  test("takes a password that was set while it runs", async () => {
    await qemu.qmp("set_password", { protocol: "vnc", display: "closed", password: "later" });

    const ready = await handshake(address("closed"), { password: "later" });

    assert.equal(ready.security, "vnc-authentication");
  });
});

describe("TigerVNC's server", { skip: lackingTigerVnc }, () => {
  let [open, locked]: (TigerVnc | undefined)[] = [];
  before(async () => {
    [open, locked] = await Promise.all([startTigerVnc(), startTigerVnc({ password: PASSWORD })]);
  });
  after(async () => {
    await open?.[Symbol.asyncDispose]();
    await locked?.[Symbol.asyncDispose]();
  });
  const address = (server: TigerVnc | undefined) => ({ host: server?.host ?? "", port: server?.port ?? 0 });

  for (const version of RFB_VERSIONS) {
    test(`lets us in without a password, in RFB ${version}`, async () => {
      const ready = await handshake(address(open), { version });

      assert.deepEqual([ready.version, ready.security], [version, "none"]);
      assert.deepEqual([ready.serverInit.width, ready.serverInit.height], [800, 600]);
    });

    test(`lets us in with its password, in RFB ${version}`, async () => {
      const ready = await handshake(address(locked), { version, password: PASSWORD });

      assert.equal(ready.security, "vnc-authentication");
    });
  }

  test("does not let us in with another password, and says so", async () => {
    await assert.rejects(handshake(address(locked), { password: "guess" }), {
      kind: "authentication-failed",
      reason: "Authentication failure",
    });
  });

  test("lets us in again after many wrong passwords, since all viewers come from one address", async () => {
    for (let attempt = 0; attempt < 8; attempt++)
      await assert.rejects(handshake(address(locked), { password: "guess" }));

    const ready = await handshake(address(locked), { password: PASSWORD });

    assert.equal(ready.security, "vnc-authentication");
  });

  test("is reached on a UNIX socket", async () => {
    const ready = await handshake({ path: open?.path ?? "" }, {});

    assert.equal(ready.serverInit.width, 800);
  });
});
