import assert from "node:assert/strict";
import { test } from "node:test";
import { parseXenAddress } from "./address.ts";

test("a pool is one of its hosts or several, at one port, with consoles by CONNECT unless it says otherwise", () => {
  assert.deepEqual(parseXenAddress("https://Xen1.Example.com"), {
    ...{ hosts: ["xen1.example.com"], port: 443, consoles: "connect" },
  });
  assert.deepEqual(parseXenAddress("https://10.0.0.1,[FD00::2],xen3:8443/"), {
    ...{ hosts: ["10.0.0.1", "fd00::2", "xen3"], port: 8443, consoles: "connect" },
  });
  assert.deepEqual(parseXenAddress("https://xen1?consoles=websocket"), {
    ...{ hosts: ["xen1"], port: 443, consoles: "websocket" },
  });
});

test("what is no such address is refused with what is wrong with it", () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    "http://xen1": /https:/,
    xen1: /https:/,
    "https://": /https:/,
    "https://root:secret@xen1": /https:/,
    "https://xen1/jsonrpc": /https:/,
    "https://xen1,": /https:/,
    "https://fd00::1": /https:/,
    "https://[xen1]": /no IPv6/,
    "https://xen1:0": /port/,
    "https://xen1:70000": /port/,
    "https://xen1,XEN1": /twice/,
    "https://xen 1": /https:/,
    "https://xen1?consoles=vnc": /consoles=/,
    "https://xe!n": /no name/,
    [`https://${Array.from({ length: 17 }, (_, index) => `x${index}`).join()}`]: /up to 16/,
  };
  for (const [text, told] of Object.entries(wrong)) assert.throws(() => parseXenAddress(text), told, text);
});
