import assert from "node:assert/strict";
import { test } from "node:test";
import { consoleUpstream } from "./console-upstream.ts";

const AT = { instance_uuid: "i", host: "192.0.2.7", port: 5901, internal_access_path: null };

test("what Nova says of a console is where a node finds it", () => {
  const vnc = { ca: "PEM" };
  const plain = { kind: "tcp", host: "192.0.2.7", port: 5901 };

  assert.deepEqual(consoleUpstream(AT, { console: "rfb", vnc: undefined }), { address: plain });
  assert.deepEqual(consoleUpstream(AT, { console: "rfb", vnc }), {
    address: plain,
    tls: { mode: "verify", serverName: "192.0.2.7", ca: "PEM" },
  });
  assert.deepEqual(consoleUpstream(AT, { console: "serial", vnc }), { address: plain });
  assert.deepEqual(
    consoleUpstream({ ...AT, internal_access_path: "/c?ref=1" }, { console: "rfb", vnc: undefined }),
    { address: { ...plain, kind: "http-connect", path: "/c?ref=1", isSecure: false } },
  );
  assert.deepEqual(consoleUpstream(AT, { console: "spice", vnc }), { address: plain });
});

const ACCESS = { ticket: "52-1e", cfgFile: "[store 1] web/web.vmx", thumbprint: "0a".repeat(20) };
const mks = (access: object | string) => ({
  ...AT,
  port: 902,
  internal_access_path: typeof access === "string" ? access : JSON.stringify(access),
});

test("what Nova says of a console of VMware's is an ESXi host's authd, and its certificate's thumbprint", () => {
  const { host } = AT;
  const { ticket, cfgFile } = ACCESS;
  const address = { kind: "authd", host, port: 902, ticket, cfgFile };
  const at = (access: object) => consoleUpstream(mks(access), { console: "webmks", vnc: { ca: "PEM" } });

  assert.deepEqual(at(ACCESS), { address, tls: { mode: "pin", pin: `sha1:${"0a".repeat(20)}` } });
  assert.deepEqual(at({ ...ACCESS, thumbprint: Array(32).fill("0A").join(":") }), {
    address,
    tls: { mode: "pin", pin: `sha256:${"0a".repeat(32)}` },
  });
});

test("what is said to authd in lines has no line's end in it, and who is called is known by a thumbprint", () => {
  const said: string[] = [];
  for (const access of [
    "52-1e",
    "null",
    {},
    { ...ACCESS, ticket: "52 1e" },
    { ...ACCESS, ticket: "52-1e\r\nCONNECT /other.vmx mks" },
    { ...ACCESS, cfgFile: "/a.vmx mks\r\nCONNECT /b.vmx" },
    { ...ACCESS, ticket: "" },
    { ...ACCESS, thumbprint: "" },
    { ...ACCESS, thumbprint: "0a".repeat(16) },
  ])
    assert.throws(
      () => consoleUpstream(mks(access), { console: "webmks", vnc: undefined }),
      (error: Error & { readonly code?: string }) => {
        said.push(error.message);
        return error.code === "nova_console_unfit";
      },
    );
  assert.ok(!said.join().includes("52-1e"), "the ticket is told");
});

test("what can be no such console is refused, and nothing is dialled", () => {
  for (const [connection, console] of [
    [{ ...AT, host: null }, "rfb"],
    [{ ...AT, port: null }, "serial"],
    [{ ...AT, internal_access_path: '{"ticket":"x"}' }, "rfb"],
    [{ ...AT, internal_access_path: "/c\r\nHost: x" }, "rfb"],
    [{ ...AT, internal_access_path: "/c" }, "serial"],
    [{ ...AT, internal_access_path: '{"ticket":"x"}' }, "spice"],
    [AT, "webmks"],
    [{ ...AT, port: null }, "spice"],
  ] as const)
    assert.throws(() => consoleUpstream(connection, { console, vnc: undefined }), {
      code: "nova_console_unfit",
    });
});
