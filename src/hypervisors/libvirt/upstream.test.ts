import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import type { SerialLine } from "./domain-xml.ts";
import type { Way } from "./endpoint.ts";
import { chooseLine, toSerialUpstream, toUpstream, withheldLine } from "./upstream.ts";

const DOMAIN = "6695eb01-f6a4-8304-79aa-97f2502e193f";
const UNIX: Way = { kind: "unix", path: "/s" };
const TLS: Way = { kind: "tls", host: "host7", port: 1 };
const tcp = (address: string) => ({ listen: { kind: "tcp", address, port: 5901 } }) as const;

test("a VNC on all addresses is dialled where its hypervisor is", () => {
  const hostOf = (listen: string, way: Way) => toUpstream(tcp(listen), { way, password: undefined }).address;
  const at = (host: string) => ({ kind: "tcp", host, port: 5901 });

  assert.deepEqual(hostOf("0.0.0.0", TLS), at("host7"));
  assert.deepEqual(hostOf("::", TLS), at("host7"));
  assert.deepEqual(hostOf("0.0.0.0", UNIX), at("127.0.0.1"));
  assert.deepEqual(hostOf("::", UNIX), at("::1"));
  assert.deepEqual(hostOf("10.0.0.7", TLS), at("10.0.0.7"));
  assert.deepEqual(hostOf("127.0.0.1", UNIX), at("127.0.0.1"));
});

test("a console that only a hypervisor elsewhere reaches is not looked for here", () => {
  const elsewhere = [
    ...["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost"].map(tcp),
    { listen: { kind: "unix", path: "/run/vnc.sock" } } as const,
    {},
    undefined,
  ];

  for (const vnc of elsewhere)
    assert.throws(() => toUpstream(vnc, { way: TLS, password: undefined }), { code: "upstream_unreachable" });
});

test("a serial line is dialled as a VNC is, by telnet and within TLS where the domain says so", () => {
  const line = { ...tcp("0.0.0.0"), port: 0, isTelnet: true, isTls: false };
  const tls = { mode: "verify", clientKey: undefined } as const;
  const at = { endpoint: { way: TLS, uri: "qemu:///system" }, domain: DOMAIN };

  assert.deepEqual(toSerialUpstream(line, { ...at, tls }), {
    address: { kind: "tcp", host: "host7", port: 5901 },
    telnet: true,
  });
  assert.deepEqual(toSerialUpstream({ ...line, isTelnet: false, isTls: true }, { ...at, tls }), {
    address: { kind: "tls", host: "host7", port: 5901 },
    tls: { mode: "verify", serverName: "host7" },
  });
  for (const nowhere of [undefined, { port: 0, isTelnet: false, isTls: false }, { ...line, ...tcp("::1") }])
    assert.throws(() => toSerialUpstream(nowhere, at), { code: "upstream_unreachable" });
});

test("of a domain's lines nodes dial what they can, and libvirt opens the others where they may sign in to it", () => {
  const pty = { port: 0, device: "serial0", isTelnet: false, isTls: false };
  const bare = { port: 0, isTelnet: false, isTls: false };
  const socket = { ...bare, listen: { kind: "unix", path: "/run/line" } } as const;
  const far = { ...bare, ...tcp("0.0.0.0") };
  const near = { ...far, ...tcp("::1") };
  const streams = { caCertificate: "CA", clientCertificate: "PEM", clientKey: new Secret("KEY") };
  const chosen = (lines: readonly SerialLine[], way: Way, signsIn = true) => {
    const at = {
      endpoint: { way, uri: "qemu:///system" },
      domain: DOMAIN,
      streams: signsIn ? streams : undefined,
    };
    return toSerialUpstream(chooseLine(lines, at), at);
  };
  const stream = { kind: "libvirt", uri: "qemu:///system", domain: DOMAIN, device: "serial0" };
  const overTls = {
    address: { ...stream, at: { kind: "tcp", host: "host7", port: 1 } },
    tls: {
      ...{ mode: "verify", serverName: "host7", ca: "CA" },
      client: { certificate: "PEM", key: "KEY" },
    },
  };

  assert.deepEqual(chosen([pty, far], TLS).address, { kind: "tcp", host: "host7", port: 5901 });
  assert.deepEqual(chosen([near, socket, pty], TLS), overTls);
  assert.deepEqual(chosen([socket], UNIX), { address: socket.listen });
  assert.deepEqual(chosen([pty], UNIX), { address: { ...stream, at: UNIX } });
  for (const lines of [[pty], [socket], [near]])
    assert.throws(() => chosen(lines, TLS, false), { code: "upstream_unreachable" });
  assert.equal(chooseLine([pty], { endpoint: { way: UNIX, uri: "qemu:///system" } }), undefined);
});

test("of a line that libvirt alone reaches it is said what opens it, and of none nothing", () => {
  const pty = { port: 0, device: "serial0", isTelnet: false, isTls: false };
  const far = { port: 0, ...tcp("0.0.0.0"), isTelnet: false, isTls: false };
  const ssh = { kind: "ssh", host: "host7", port: 22, user: "u", path: undefined } as const;
  const uri = "qemu:///system";
  const streams = { caCertificate: "CA", clientCertificate: "PEM", clientKey: new Secret("KEY") };

  assert.match(
    withheldLine([pty], { endpoint: { way: UNIX, uri } }) ?? "",
    /hypervisor update NAME --serial-streams/,
  );
  assert.match(withheldLine([pty], { endpoint: { way: ssh, uri } }) ?? "", /not by SSH/);
  assert.equal(withheldLine([pty], { endpoint: { way: TLS, uri }, streams }), undefined);
  assert.equal(withheldLine([pty, far], { endpoint: { way: TLS, uri } }), undefined);
  assert.equal(withheldLine([], { endpoint: { way: UNIX, uri } }), undefined);
});

test("of a console that listens to its hypervisor alone it is said how it listens to others", () => {
  const line = { port: 0, ...tcp("127.0.0.1"), isTelnet: false, isTls: false };
  const at = { endpoint: { way: TLS, uri: "qemu:///system" }, domain: DOMAIN };
  const told = (work: () => unknown, words: RegExp) =>
    assert.throws(work, (error: Error) => error.message.length < 300 && words.test(error.message));

  told(
    () => toUpstream(tcp("127.0.0.1"), { way: TLS, password: undefined }),
    /vnc_listen = "0\.0\.0\.0" in its qemu\.conf.*start/,
  );
  told(() => toSerialUpstream(line, at), /host= of its <source>.*start/);
});

test("the password that the domain has goes before the one on record", () => {
  const password = new Secret("record");

  assert.equal(toUpstream({ ...tcp("10.0.0.7"), password: "own" }, { way: TLS, password }).password, "own");
  assert.equal(toUpstream(tcp("10.0.0.7"), { way: TLS, password }).password, "record");
  assert.equal("password" in toUpstream(tcp("10.0.0.7"), { way: TLS, password: undefined }), false);
});

test("a console by TLS is for the hypervisor's name, whichever address it listens on, or for the name that was said", () => {
  const tls = { mode: "verify", ca: "PEM", clientKey: undefined } as const;
  const nameOf = (way: Way, said = {}) => {
    const { tls: judged } = toUpstream(tcp("10.0.0.7"), {
      way,
      password: undefined,
      tls: { ...tls, ...said },
    });
    return judged?.mode === "verify" ? judged.serverName : undefined;
  };

  assert.equal(nameOf(TLS), "host7");
  assert.equal(nameOf(UNIX), "10.0.0.7");
  assert.equal(nameOf(TLS, { serverName: "vnc.host7" }), "vnc.host7");
});
