import assert from "node:assert/strict";
import { test } from "node:test";
import { readPasswordedVnc, withPassword } from "./vnc-password-xml.ts";

test("a VNC is said again as it is, but for its password and its end", () => {
  const xml = `<domain><devices><graphics type='spice'/><graphics type='vnc' port='5901' keymap='a&amp;"b'
    passwd='old' passwdValidTo='2026-11-27T10:00:00'><listen type='address' address='::1'/><audio id='2'/></graphics></devices></domain>`;
  const vnc = readPasswordedVnc(xml);

  assert.ok(vnc !== undefined);
  assert.deepEqual([vnc.password, vnc.validTo], ["old", Date.UTC(2026, 10, 27, 10)]);
  const again = withPassword(vnc, { password: "new<&", validTo: Date.UTC(2026, 10, 27, 11, 0, 1, 999) });
  const read = readPasswordedVnc(`<domain><devices>${again}</devices></domain>`);
  assert.deepEqual({ ...read?.children.get("audio") }, { id: "2" });
  assert.deepEqual(read && { ...read, attributes: { ...read.attributes } }, {
    ...vnc,
    attributes: { ...vnc.attributes, passwd: "new<&", passwdValidTo: "2026-11-27T11:00:01" },
    password: "new<&",
    validTo: Date.UTC(2026, 10, 27, 11, 0, 1),
  });
});

test("a password without an end is good for ever, and a domain without VNC has none", () => {
  const vnc = readPasswordedVnc("<domain><devices><graphics type='vnc' passwd='x'/></devices></domain>");

  assert.deepEqual([vnc?.password, vnc?.validTo], ["x", undefined]);
  assert.equal(readPasswordedVnc("<domain><devices/></domain>"), undefined);
});
