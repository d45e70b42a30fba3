import assert from "node:assert/strict";
import { test } from "node:test";
import { type Sequence, SequenceDriver } from "#base/sequence.ts";
import { authdConnect, authdSignIn, authdWelcome, readThumbprint } from "./authd.ts";

/** VMware Workstation's, as nmap's vmauthd-brute has it. */
const WELCOME =
  "220 VMware Authentication Daemon Version 1.10: SSL Required, ServerDaemonProtocol:SOAP, MKSDisplayProtocol:VNC , , NFCSSL supported\r\n";
const THUMBPRINT = "A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D";
const DIGITS = "a9993e364706816aba3e25717850c26c9cd0d89d";

/** Byte by byte: what came out, and what was left. */
function run<Result>(sequence: Sequence<Result>, said: string): { result: Result; rest: string } {
  const driver = new SequenceDriver(sequence);
  for (const byte of Buffer.from(said, "latin1")) driver.push(Uint8Array.of(byte));
  return { result: driver.result, rest: Buffer.from(driver.rest).toString("latin1") };
}

test("the ticket is said twice, then the nonce, then whose mks it is to be", () => {
  const said: string[] = [];
  const send = (bytes: Uint8Array) => void said.push(Buffer.from(bytes).toString());
  const cfgFile = "/vmfs/volumes/4a/büro 1/büro 1.vmx";

  assert.equal(run(authdWelcome(), `${WELCOME}\x16`).rest, "\x16");
  run(authdSignIn("52-1e", send), "331 Password required for 52-1e.\r\n230 User 52-1e logged in.\r\n");
  const { result } = run(
    authdConnect({ nonce: "AAAA", cfgFile }, send),
    `200 ${THUMBPRINT}\r\n200 Connect ${cfgFile}\r\n`,
  );

  assert.deepEqual(said, [
    "USER 52-1e\r\n",
    "PASS 52-1e\r\n",
    "THUMBPRINT AAAA\r\n",
    `CONNECT ${cfgFile} mks\r\n`,
  ]);
  assert.equal(result, DIGITS);
});

test("a line may end in LF alone, and say nothing behind its status", () => {
  assert.deepEqual(run(authdWelcome(), "220\nrest"), { result: undefined, rest: "rest" });
});

const nobody = () => {};
const signIn = () => authdSignIn("52-1e", nobody);
const connect = () => authdConnect({ nonce: "AAAA", cfgFile: "/x.vmx" }, nobody);

for (const [title, start, said, kind] of [
  ["RFB", authdWelcome, "RFB 003.008\n", "not-authd"],
  ["a line without an end", authdWelcome, "2".repeat(1024), "not-authd"],
  ["TLS at once", authdWelcome, "\x15\x03\x03\x00\x02\x02\x28\n", "not-authd"],
  ["a busy one's welcome", authdWelcome, "421 too many connections\r\n", "refused"],
  ["a user that it does not know", signIn, "530 52-1e\r\n", "ticket-refused"],
  ["a ticket that was used", signIn, "331 Password required for 52-1e.\r\n530 52-1e\r\n", "ticket-refused"],
  ["no nonces", connect, "500 Unknown command\r\n", "refused"],
  ["no thumbprint", connect, "200 OK\r\n", "not-authd"],
  ["half a thumbprint", connect, `200 ${THUMBPRINT.slice(0, 29)}\r\n`, "not-authd"],
  ["no such machine", connect, `200 ${THUMBPRINT}\r\n550 no such machine\r\n`, "refused"],
] as const)
  test(`${title} is told apart, without authd's own words`, () => {
    assert.throws(
      () => run<unknown>(start(), said),
      (error: Error) => "kind" in error && error.kind === kind && !error.message.includes("52-1e"),
    );
  });

test("thumbprints are read as VMware writes them, and nothing else is one", () => {
  assert.equal(readThumbprint(THUMBPRINT), DIGITS);
  assert.equal(readThumbprint(DIGITS.toUpperCase()), DIGITS);
  assert.equal(readThumbprint("0a".repeat(32)), "0a".repeat(32));
  for (const text of ["", "0a".repeat(16), "0g".repeat(20), `${DIGITS}\r\nUSER`])
    assert.equal(readThumbprint(text), undefined);
});
