import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";

test("addresses are those of libvirt's own tools", () => {
  const cases: Readonly<Record<string, Endpoint>> = {
    "qemu:///system": { way: { kind: "unix", path: "/run/libvirt/libvirt-sock" }, uri: "qemu:///system" },
    "test+unix:///default?socket=/a/b.sock": {
      way: { kind: "unix", path: "/a/b.sock" },
      uri: "test:///default",
    },
    "qemu://host7/system": { way: { kind: "tls", host: "host7", port: 16_514 }, uri: "qemu:///system" },
    "qemu+tls://[fd00::7]:1/system": {
      way: { kind: "tls", host: "fd00::7", port: 1 },
      uri: "qemu:///system",
    },
    "qemu+ssh://porthole@host7.example:2222/session": {
      way: { kind: "ssh", host: "host7.example", port: 2222, user: "porthole", path: undefined },
      uri: "qemu:///session",
    },
    "qemu+ssh://porthole@host7/system?socket=/run/libvirt/virtqemud-sock": {
      way: { kind: "ssh", host: "host7", port: 22, user: "porthole", path: "/run/libvirt/virtqemud-sock" },
      uri: "qemu:///system",
    },
  };
  for (const [text, endpoint] of Object.entries(cases)) assert.deepEqual(parseEndpoint(text), endpoint, text);
});

test("what is not spoken, or would be read as something else on the way, is refused with what is wrong", () => {
  const cases: Readonly<Record<string, RegExp>> = {
    "": /not of the form/,
    host7: /not of the form/,
    "qemu+tcp://host7/system": /neither encrypted/,
    "qemu+libssh2://host7/system": /libssh2 is not spoken/,
    "qemu+tls:///system": /host is missing/,
    "qemu+tls://user@host7/system": /nobody is named/,
    "qemu+ssh://host7/system": /user has to be named/,
    "qemu+ssh://a@-oProxyCommand=x/system": /is no host/,
    "qemu+ssh://-l@host7/system": /is no user/,
    "qemu+ssh://a@host7/system?socket=/a;id": /plain characters/,
    "qemu+ssh://a@host7/system?socket=/a%20b": /plain characters/,
    "qemu+ssh://a@host7/system?keyfile=/root/.ssh/id": /keyfile is not taken/,
    "qemu+ssh://a@host7/$(id)": /path/,
    "qemu+tls://host7:0/system": /no port 0/,
    "qemu+tls://[host7]/system": /is no host/,
    "qemu+unix://host7/system": /no host/,
  };
  for (const [text, message] of Object.entries(cases))
    assert.throws(() => parseEndpoint(text), { message }, text);
});

test("nothing that is taken has a character that a shell or ssh would read", () => {
  const text = fc.string({
    unit: fc.constantFrom(..."aZ1-_.:/@[]?=&%$;`'\" \n|<>".split("")),
    maxLength: 30,
  });
  fc.assert(
    fc.property(text, text, text, (authority, path, socket) => {
      let endpoint: Endpoint;
      try {
        endpoint = parseEndpoint(`qemu+ssh://${authority}/${path}?socket=/${socket}`);
      } catch {
        return;
      }
      assert.ok(endpoint.way.kind === "ssh");
      const { host, user, path: far = "/" } = endpoint.way;
      for (const each of [host, user, far, endpoint.uri]) assert.match(each, /^[\w./:][\w./:-]*$/);
    }),
  );
});
