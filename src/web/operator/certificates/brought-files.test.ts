import assert from "node:assert/strict";
import { test } from "node:test";
import { readBroughtFile } from "./brought-files.ts";

const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const KEY = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";

async function partOf(content: string | Uint8Array<ArrayBuffer>, name = "file"): Promise<string> {
  const brought = await readBroughtFile(new File([content], name));
  return "part" in brought ? brought.part : brought.reason;
}

test("a file is what is in it, whatever it is called", async () => {
  assert.equal(await partOf(CERTIFICATE, "privkey.pem"), "certificate");
  assert.equal(await partOf(KEY, "fullchain.pem"), "privateKey");
  assert.equal(await partOf(KEY.replaceAll("EC PRIVATE", "ENCRYPTED PRIVATE")), "privateKey");
  assert.equal(await partOf(CERTIFICATE + KEY), "certificate", "both are in it");
  assert.equal(await partOf(`Bag Attributes\n${CERTIFICATE}`), "certificate");
  assert.equal(await partOf(Uint8Array.of(0x30, 0x82, 9, 9, 2, 1, 3, 0x30)), "pkcs12");
  assert.equal(await partOf(Uint8Array.of(0x30, 0x80, 2, 1, 3, 0x30)), "pkcs12", "in BER, as Java writes it");
});

test("what cannot be taken is refused by what it is", async () => {
  assert.equal(await partOf(Uint8Array.of(0x30, 0x82, 9, 9, 0x30, 0x82)), "der-certificate");
  assert.equal(await partOf("hello"), "not-known");
  assert.equal(await partOf(""), "not-known");
  assert.equal(await partOf(Uint8Array.of(0x30)), "not-known");
});

test("of a file that is too large nothing is read", async () => {
  const file = new File(["x".repeat(5 << 20)], "film.pem");
  let isRead = false;
  file.arrayBuffer = async () => {
    isRead = true;
    return new ArrayBuffer();
  };

  assert.deepEqual(await readBroughtFile(file), { name: "film.pem", reason: "too-large", bytes: 5 << 20 });
  assert.equal(isRead, false);
});
