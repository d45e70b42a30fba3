import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { proxmoxAccess } from "./access.ts";

const secret = new Secret("01234567-89ab-cdef-0123-456789abcdef");
const given = { username: "porthole@pve!consoles", secret, isReadOnly: false };
const pin = `sha256:${"0".repeat(64)}`;

test("a cluster is named by one of its nodes or by several, each with its port if that is another", () => {
  const placesOf = (address: string) => proxmoxAccess(address, given).places;

  assert.deepEqual(placesOf("https://pve1.example.com"), [{ host: "pve1.example.com", port: 8006 }]);
  assert.deepEqual(placesOf("https://192.0.2.7:443/"), [{ host: "192.0.2.7", port: 443 }]);
  assert.deepEqual(placesOf("https://pve1,[2001:db8::1]:8007"), [
    { host: "pve1", port: 8006 },
    { host: "2001:db8::1", port: 8007 },
  ]);
});

test("what is no address of Proxmox VE is refused, with what is wrong with it", () => {
  for (const address of [
    ...["pve1", "http://pve1", "https://", "https://pve1/api2", "https://root@pve1", "https://pve1:0"],
    ...[
      "https://pve1:65536",
      "https://pve 1",
      "https://pve1,",
      "https://[pve1]",
      "https://-pve",
      "https://pve1?x=1",
    ],
  ])
    assert.throws(() => proxmoxAccess(address, given), /must be https|is no host|there is no port/, address);
});

test("nothing but an API token opens it, and one pin fits one node", () => {
  const refused = (more: object, why: RegExp, address = "https://pve1") =>
    assert.throws(() => proxmoxAccess(address, { ...given, ...more }), why);

  for (const username of ["root@pam", "", "root!x", "a@pve!x=y", "a;b@pve!x", "a b@pve!x", "é@pve!x"])
    refused({ username }, /API token/);
  refused({ secret: undefined }, /secret is missing/);
  refused({ secret: new Secret("a\r\nhost: b") }, /none of an API token's/);
  refused({ pin: "sha256:1" }, /a pin is/);
  refused({ pin }, /none can be pinned/, "https://pve1,pve2");
  assert.equal(proxmoxAccess("https://pve1", { ...given, pin }).trust.pin, pin);
});
