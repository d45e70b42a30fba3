import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ProtocolError } from "#base/protocol-error.ts";
import { readConsoles, readOsId } from "./domain-xml.ts";
import { guestFamily } from "./guest-family.ts";

const inDevices = (devices: string) => `<domain type='kvm' id='3'><devices>${devices}</devices></domain>`;

test("VNC is read as libvirt writes it, where it listens and where it does not", () => {
  const cases: Readonly<Record<string, ReturnType<typeof readConsoles>["vnc"][number]>> = {
    "<graphics type='vnc' port='5903' autoport='yes' listen='10.0.0.7'><listen type='address' address='10.0.0.7'/></graphics>":
      { listen: { kind: "tcp", address: "10.0.0.7", port: 5903 } },
    "<graphics type='vnc' port='5903' listen='10.0.0.7' passwd='a&amp;b&lt;'/>": {
      listen: { kind: "tcp", address: "10.0.0.7", port: 5903 },
      password: "a&b<",
    },
    "<graphics type='vnc' port='5900'><listen type='network' address='fd00::7' network='default'/></graphics>":
      {
        listen: { kind: "tcp", address: "fd00::7", port: 5900 },
      },
    "<graphics type='vnc' socket='/a'><listen type='socket' socket='/a'/></graphics>": {
      listen: { kind: "unix", path: "/a" },
    },
    "<graphics type='vnc'><listen type='none'/></graphics>": {},
    "<graphics type='vnc' port='-1' autoport='yes' listen='0.0.0.0'/>": {},
    "<graphics type='vnc' port='65536' listen='0.0.0.0'/>": {},
    "<graphics type='vnc' port='5900' listen=''/>": {},
    "<graphics type='vnc' port='5900' listen='a b'/>": {},
    "<graphics type='vnc' socket=''/>": {},
    "<graphics type='vnc' socket='run/vnc'/>": {},
    "<graphics type='vnc' port='5900' listen='fe80::7%eth0'/>": {
      listen: { kind: "tcp", address: "fe80::7%eth0", port: 5900 },
    },
  };
  for (const [xml, vnc] of Object.entries(cases))
    assert.deepEqual(readConsoles(inDevices(xml)).vnc, [vnc], xml);
});

test("a password that no server would read is refused, since it travels with others", () => {
  const xml = (length: number) => inDevices(`<graphics type='vnc' passwd='${"x".repeat(length)}'/>`);

  assert.equal(readConsoles(xml(255)).vnc[0]?.password?.length, 255);
  assert.throws(() => readConsoles(xml(256)), ProtocolError);
});

test("what is wrong is said in bounded words, however much was said", () => {
  const endless = "x".repeat(100_000);
  for (const xml of [`<${endless}/>`, `<domain></${endless}>`])
    assert.throws(
      () => readConsoles(xml),
      (error) =>
        error instanceof ProtocolError && JSON.stringify([error.message, error.received]).length < 2_000,
    );
});

test("only consoles below the domain's own devices count", () => {
  const vnc = "<graphics type='vnc' port='5900' listen='10.0.0.7'/>";
  const others = [
    `<domain><metadata><devices>${vnc}</devices></metadata></domain>`,
    `<domain><devices><disk>${vnc}</disk></devices></domain>`,
    `<domain><devices><!-- ${vnc} --><![CDATA[${vnc}]]></devices></domain>`,
    inDevices("<graphics type='spice' port='5900' listen='10.0.0.7'/>"),
  ];

  for (const xml of others)
    assert.deepEqual(readConsoles(xml), { uuid: undefined, vnc: [], serial: [] }, xml);
});

test("the domain's UUID is its own, and none that stands elsewhere", () => {
  const [own, other] = ["6695EB01-f6a4-8304-79aa-97f2502e193f", "00000000-f6a4-8304-79aa-97f2502e193f"];
  const uuidOf = (inner: string) => readConsoles(`<domain>${inner}</domain>`).uuid;

  assert.equal(uuidOf(`<name>web</name>\n<uuid>\n ${own}</uuid><uuid>${other}</uuid>`), own.toLowerCase());
  for (const elsewhere of [
    `<uuid><!-- ${other} --></uuid>`,
    `<metadata><uuid>${other}</uuid></metadata>`,
    `<sysinfo><system><entry name='uuid'>${other}</entry></system></sysinfo>`,
    `<uuid><uuid>${other}</uuid></uuid>`,
    other,
  ])
    assert.equal(uuidOf(elsewhere), undefined, elsewhere);
});

test("serial lines are those that can be talked to", () => {
  const xml = inDevices(
    "<serial type='pty'><target port='0'/></serial><serial type='file'><target port='1'/></serial>" +
      "<serial type='unix'><target port='2'/></serial><console type='pty'><target type='serial' port='0'/></console>",
  );

  const nowhere = { isTelnet: false, isTls: false };
  assert.deepEqual(readConsoles(xml).serial, [
    { port: 0, ...nowhere },
    { port: 2, ...nowhere },
  ]);
});

test("libvirt opens pseudo-terminals by their aliases, also consoles that are no serial port", () => {
  const bind = "<source mode='bind' path='/run/line'/>";
  const target = (port: number, type = "") => `<target port='${port}'${type}/>`;
  const alias = (name: string) => `<alias name='${name}'/>`;
  const xml = inDevices(
    `<console type='pty'>${target(0, " type='serial'")}${alias("serial0")}</console>` +
      `<console type='pty'>${target(1, " type='virtio'")}${alias("console1")}</console>` +
      `<serial type='pty'>${target(0)}${alias("serial0")}</serial>` +
      `<serial type='unix'>${bind}${target(1)}${alias("serial1")}</serial>` +
      `<serial type='pty'>${target(2)}${alias("ua-mine.2")}</serial>` +
      `<serial type='tcp'>${target(3)}${alias("serial3")}</serial>` +
      `<serial type='pty'>${target(4)}${alias("a b")}</serial>`,
  );

  assert.deepEqual(
    readConsoles(xml).serial.map(({ device }) => device),
    ["serial0", undefined, "ua-mine.2", undefined, undefined, "console1"],
  );
});

test("a serial line is where QEMU listens, and nowhere where it calls somebody else", () => {
  const tcp = "type='tcp'><source mode='bind' host='0.0.0.0' service='4555'/>";
  const xml = inDevices(
    `<serial ${tcp}<protocol type='telnet'/><target port='0'/></serial>` +
      `<serial ${tcp.replace("'/>", "' tls='yes'/>")}<protocol type='raw'/><target port='1'/></serial>` +
      `<serial ${tcp.replace("bind", "connect")}<target port='2'/></serial>` +
      "<serial type='unix'><source mode='bind' path='/run/line'/><target port='3'/></serial>",
  );

  const listen = { kind: "tcp", address: "0.0.0.0", port: 4555 };
  assert.deepEqual(readConsoles(xml).serial, [
    { port: 0, listen, isTelnet: true, isTls: false },
    { port: 1, listen, isTelnet: false, isTls: true },
    { port: 2, isTelnet: false, isTls: false },
    { port: 3, listen: { kind: "unix", path: "/run/line" }, isTelnet: false, isTls: false },
  ]);
});

test("what is no domain's XML, or more than a domain has, is refused", () => {
  const wrong = [
    "",
    "x",
    "<domain>",
    "<domain></devices>",
    "<network/>",
    "<domain/><domain/>",
    "<domain>&nothing;</domain>",
    "<!DOCTYPE domain [<!ENTITY a 'a'>]><domain>&a;</domain>",
    `${"<a>".repeat(65)}${"</a>".repeat(65)}`,
    `<domain>${"<a/>".repeat(50_000)}</domain>`,
  ];

  for (const xml of wrong) assert.throws(() => readConsoles(xml), ProtocolError, xml.slice(0, 60));
});

test("whatever is read, it is consoles or no domain's XML", () => {
  const piece = fc.constantFrom(
    ..."< > / ' \" = & ; domain devices graphics type vnc port listen <domain> </domain> <devices> <graphics type='vnc'> <! [CDATA[ ]]> <? ?>".split(
      " ",
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece).map((all) => all.join("")),
        fc.string({ unit: "binary" }),
      ),
      (xml) => {
        for (const read of [readConsoles, readOsId]) {
          try {
            read(xml);
          } catch (error) {
            assert.ok(error instanceof ProtocolError, String(error));
          }
        }
      },
    ),
  );
});

test("the guest's family is told by libosinfo's id, with any prefix", () => {
  const ids = {
    "http://microsoft.com/win/11": "windows",
    "http://debian.org/debian/12": "linux",
    "http://freebsd.org/freebsd/14.0": "bsd",
    "http://apple.com/macosx/10.7": "macos",
    "http://oracle.com/solaris/11": "other",
    "12": "unknown",
  } as const;
  for (const [id, family] of Object.entries(ids)) {
    const xml = `<x:libosinfo xmlns:x='u'><x:os id='${id}'/></x:libosinfo>`;
    assert.equal(guestFamily(readOsId(xml)), family);
  }
  assert.equal(guestFamily(readOsId("<libosinfo/>")), "unknown");
});
