import assert from "node:assert/strict";
import { test } from "node:test";
import { parseVsphereEndpoint } from "./endpoint.ts";
import { guestFamily } from "./guest-family.ts";
import { isAtLeast, readVersion } from "./version.ts";

test("an address is a host and a port, and names no account and no path", () => {
  assert.deepEqual(parseVsphereEndpoint("https://vcenter.example.com"), {
    host: "vcenter.example.com",
    port: 443,
  });
  assert.deepEqual(parseVsphereEndpoint("https://[2001:db8::7]:8443/"), { host: "2001:db8::7", port: 8443 });
  assert.deepEqual(parseVsphereEndpoint("https://esx-7/sdk").host, "esx-7");
  for (const wrong of [
    "vcenter.example.com",
    "http://vcenter.example.com",
    "https://root:geheim@vcenter.example.com",
    "https://vcenter.example.com/ui",
    "https://vcenter.example.com/?x",
    "https://",
  ])
    assert.throws(() => parseVsphereEndpoint(wrong), Error, wrong);
});

test("versions are compared number by number", () => {
  const least = [7, 0];
  for (const [version, is] of [
    ["10.0", true],
    ["7", true],
    ["7.0.3.1", true],
    ["8.0.2.0-rc1", true],
    ["6.99", false],
    ["6.7.3", false],
  ] as const)
    assert.equal(isAtLeast(readVersion(version) ?? [], least), is, version);
  assert.equal(readVersion("dev"), undefined);
});

test("a guest's family is what its identifier says", () => {
  const families = {
    windows2019srv_64Guest: "windows",
    winNetStandardGuest: "windows",
    debian12_64Guest: "linux",
    other5xLinux64Guest: "linux",
    rhel9_64Guest: "linux",
    freebsd14_64Guest: "bsd",
    darwin21_64Guest: "macos",
    solaris11_64Guest: "other",
    otherGuest64: "unknown",
  };
  for (const [id, family] of Object.entries(families)) assert.equal(guestFamily(id), family, id);
  assert.equal(guestFamily(undefined), "unknown");
});
