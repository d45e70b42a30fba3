import assert from "node:assert/strict";
import { test } from "node:test";
import { parseUpstreamAllow } from "#wire/upstream-allow.ts";
import { streamsOutside } from "./streams-allowed.ts";

const { signal } = new AbortController();
const LIBVIRT = { platform: "libvirt", has_serial_streams: 1 } as const;

test("the place where nodes sign in for serial lines is named as upstream.allow would have it, where it has not", async () => {
  const outside = async (address: string, allow: string) =>
    await streamsOutside({ ...LIBVIRT, address }, parseUpstreamAllow(allow), { signal });

  assert.equal(await outside("qemu:///system", "127.0.0.0/8"), "unix:/run/libvirt/libvirt-sock");
  assert.equal(await outside("qemu:///system?socket=/run/l", "unix:/run/*"), undefined);
  assert.equal(await outside("qemu+tls://192.0.2.7/system", "192.0.2.7:5900-5999"), "192.0.2.7:16514");
  assert.equal(await outside("qemu+tls://[2001:db8::7]:1/system", "::1"), "[2001:db8::7]:1");
  assert.equal(await outside("qemu+tls://192.0.2.7/system", "192.0.2.0/24"), undefined);
  assert.equal(await outside("qemu+tls://nobody.invalid/system", ""), undefined);
});

test("of one that nodes are not to sign in to, nothing is said", async () => {
  const allow = parseUpstreamAllow("");
  const address = "qemu:///system";

  const silent = { ...LIBVIRT, address, has_serial_streams: 0 } as const;
  assert.equal(await streamsOutside(silent, allow, { signal }), undefined);
  const other = { ...LIBVIRT, address: "x", platform: "command" } as const;
  assert.equal(await streamsOutside(other, allow, { signal }), undefined);
});

test("of several addresses one that nodes may dial is enough, and a resolver that never answers is not waited for", async () => {
  const row = { ...LIBVIRT, address: "qemu+tls://kvm-7.example.com/system" };
  const allow = parseUpstreamAllow("192.0.2.7");
  const both = async () => ["198.51.100.7", "192.0.2.7"];
  const other = async () => ["198.51.100.7"];
  const never = async () => await new Promise<never>(() => {});
  const stop = new AbortController();

  const waiting = streamsOutside(row, allow, { signal: stop.signal, resolve: never });
  stop.abort();

  assert.equal(await streamsOutside(row, allow, { signal, resolve: both }), undefined);
  assert.equal(await streamsOutside(row, allow, { signal, resolve: other }), "198.51.100.7:16514");
  assert.equal(await waiting, undefined);
  assert.equal(await streamsOutside(row, allow, { signal: stop.signal, resolve: never }), undefined);
});
