import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { lacking } from "../../../test/harness/requirements.ts";
import { type Scratch, scratch } from "../../../test/harness/scratch.ts";
import { readServerCertificate } from "./server-certificate.ts";
import type { CertificateUpload } from "./upload.ts";

/** Keys and certificates in every form that OpenSSL's own program writes. */
const PASSPHRASE = "Käse & Brot";
const MAKE = {
  rsa: ["genrsa", "-out", "rsa.key", "2048"],
  ecdsa: ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ecdsa.key"],
  ed25519: ["genpkey", "-algorithm", "ed25519", "-out", "ed25519.key"],
} as const;
type Kind = keyof typeof MAKE;
const KINDS = Object.keys(MAKE) as readonly Kind[];

/** Of a `KIND.key`, what makes `out` of it; with the passphrase where it is encrypted. */
const FORMS: readonly (readonly [title: string, kinds: readonly Kind[], command: string])[] = [
  ["PKCS#8", KINDS, "pkcs8 -topk8 -nocrypt -in KIND.key -out out"],
  ["encrypted PKCS#8", KINDS, "pkcs8 -topk8 -in KIND.key -out out -passout file:secret"],
  ["PKCS#8 with scrypt", KINDS, "pkcs8 -topk8 -scrypt -in KIND.key -out out -passout file:secret"],
  ["PKCS#8 of old", KINDS, "pkcs8 -topk8 -v1 PBE-SHA1-3DES -in KIND.key -out out -passout file:secret"],
  ["PKCS#1", ["rsa"], "rsa -traditional -in KIND.key -out out"],
  ["PKCS#1 with triple DES", ["rsa"], "rsa -traditional -des3 -in KIND.key -out out -passout file:secret"],
  ["PKCS#1 with AES", ["rsa"], "rsa -traditional -aes256 -in KIND.key -out out -passout file:secret"],
  ["SEC 1", ["ecdsa"], "ec -in KIND.key -out out"],
  ["SEC 1 with its parameters", ["ecdsa"], "ecparam -name prime256v1 -genkey -out out"],
  ["SEC 1 with triple DES", ["ecdsa"], "ec -des3 -in KIND.key -out out -passout file:secret"],
];

const PKCS12_FORMS: readonly (readonly [title: string, options: string])[] = [
  ["as OpenSSL writes it today", ""],
  ["with triple DES, as it was written before", "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1"],
  ["with certificates that are not encrypted", "-certpbe NONE"],
  ["without a digest", "-nomac"],
];

const skip = lacking("openssl");
let folder: Scratch;

before(() => {
  folder = scratch();
  writeFileSync(join(folder.path, "secret"), PASSPHRASE);
  if (skip !== false) return;
  openssl("req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /CN=root -days 3650");
  writeFileSync(join(folder.path, "extensions"), "subjectAltName=DNS:console.example.com\n");
  for (const kind of KINDS) {
    openssl(MAKE[kind].join(" "));
    openssl(`req -new -key ${kind}.key -out ${kind}.csr -subj /CN=console.example.com`);
    const signed = `x509 -req -in ${kind}.csr -CA root.pem -CAkey root.key -CAcreateserial -out ${kind}.pem`;
    openssl(`${signed} -days 30 -extfile extensions`);
  }
});
after(async () => await folder[Symbol.asyncDispose]());

for (const [title, kinds, command] of FORMS)
  for (const kind of kinds)
    test(`${title} of OpenSSL's is read, ${kind}`, { skip }, () => {
      openssl(command.replaceAll("KIND", kind));
      const isEncrypted = command.includes("secret");
      const isOfOwn = command.includes("genkey");
      const privateKey = file("out");
      if (isOfOwn)
        openssl("req -x509 -key out -out own.pem -subj /CN=x -addext subjectAltName=DNS:x.example.com");
      const certificate = isOfOwn ? file("own.pem") : file(`${kind}.pem`) + file("root.pem");

      const read = reading({ certificate, privateKey, ...(isEncrypted ? { passphrase: PASSPHRASE } : {}) });

      assert.ok("certificate" in read, "problems" in read ? read.problems.join("\n") : "");
      assert.match(read.certificate.privateKey, /^-----BEGIN PRIVATE KEY-----\n/);
      const leaf = new X509Certificate(certificate);
      assert.ok(createPublicKey(createPrivateKey(read.certificate.privateKey)).equals(leaf.publicKey));
      if (!isEncrypted) return;
      assert.deepEqual(problemsOf({ certificate, privateKey }), [
        "the private key is encrypted, and its passphrase is missing",
      ]);
      assert.deepEqual(problemsOf({ certificate, privateKey, passphrase: "wrong" }), [
        "the passphrase of the private key is wrong, or the key is damaged",
      ]);
    });

for (const [title, options] of PKCS12_FORMS)
  for (const kind of KINDS)
    test(`a PKCS#12 ${title} is read, ${kind}`, { skip }, () => {
      const of = `-inkey ${kind}.key -in ${kind}.pem -certfile root.pem -name console`;
      openssl(`pkcs12 -export ${of} ${options} -out out.p12 -passout file:secret`);
      const pkcs12 = new Uint8Array(readFileSync(join(folder.path, "out.p12")));

      const read = reading({ pkcs12, passphrase: PASSPHRASE });

      assert.ok("certificate" in read, "problems" in read ? read.problems.join("\n") : "");
      assert.equal(read.certificate.chain, file(`${kind}.pem`));
      assert.match(problemsOf({ pkcs12 })[0] ?? "", /passphrase is missing/);
      assert.match(
        problemsOf({ pkcs12, passphrase: "wrong" })[0] ?? "",
        /passphrase of the PKCS#12 is wrong/,
      );
      assert.match(problemsOf({ pkcs12: pkcs12.slice(0, -40), passphrase: PASSPHRASE })[0] ?? "", /PKCS#12/);
    });

test("a wrong passphrase is said to be wrong, whatever a PKCS#12 without a digest decrypts to with it", {
  skip,
}, () => {
  const of = "-inkey ecdsa.key -in ecdsa.pem -certfile root.pem";
  openssl(`pkcs12 -export ${of} -iter 1 -nomac -out out.p12 -passout file:secret`);
  const pkcs12 = new Uint8Array(readFileSync(join(folder.path, "out.p12")));

  // One in 256 ends as it should.
  for (let guess = 0; guess < 2000; guess++)
    assert.match(problemsOf({ pkcs12, passphrase: `guess ${guess}` })[0] ?? "", /of the PKCS#12 is wrong/);
});

/** One certificate, encrypted and without a digest. With this passphrase it reads as a sequence, of no bags: one in 700 000 does. */
const DECEPTIVE = {
  pkcs12: Buffer.from(
    [
      "MIIB8wIBAzCCAewGCSqGSIb3DQEHAaCCAd0EggHZMIIB1TCCAdEGCSqGSIb3DQEHBqCCAcIwggG+AgEAMIIBtwYJKoZIhvcNAQcB",
      "MFYGCSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAjyeBVyZh0l0QIBATAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQyWox",
      "BjbVYdD/hpa/U/NLpYCCAVAxE70vOZzuF4L4sDCENt6C7VCGOuHUotnn+NJAEbpotffUuLz5hc/X9ua8RvfC1LbY6MfS4ZIoZ98+",
      "1uNamN5lWBJiZoBnrqB9bnInwg+mXNZte+40c+05Wihh5sqao/JfqtbGYVAhW9JN37vJ+e+fBdfX9MGNisxCznZ55TYtWOlHQ2Xx",
      "kjzhXxgbCMkEuNhne/GwfoUbDtyjN1cYpjWxypWVb6LO4spMK7bDcV3wIDi5rvwgd0RMPhnUh7ilEGDSBgN5TPm9+TIv75C+kb6g",
      "LghQBv5BcitcnKpWzjEWFpSntCaUJEp+jViFb1wuOpwKvs/Sk+xDf50oZcMe76M+i6K0Yy0medNCmxkLeiDmCmD80OTNOyxffJA3",
      "WQsZvjRya/h4b1yK3L0NBjOIBhsQ3h0OTRp+8f/uaJSf5An+PAGfUCaYKtPO7sdJigPDhcI=",
    ].join(""),
    "base64",
  ),
  passphrase: "guess 624759",
} as const;

test("a wrong passphrase is said to be wrong where a PKCS#12 without a digest still reads as something", () => {
  assert.match(
    problemsOf({ ...DECEPTIVE, pkcs12: new Uint8Array(DECEPTIVE.pkcs12) })[0] ?? "",
    /passphrase of the PKCS#12 is wrong/,
  );
});

for (const [title, command] of [
  ["PKCS#8", "pkcs8 -topk8 -iter 1 -in ecdsa.key -out out -passout file:secret"],
  ["PKCS#1", "rsa -traditional -aes256 -in rsa.key -out out -passout file:secret"],
] as const)
  test(`a wrong passphrase is said to be wrong, whatever a key decrypts to with it, ${title}`, {
    skip,
  }, () => {
    openssl(command);
    const certificate = file("ecdsa.pem") + file("root.pem");
    const privateKey = file("out");

    // One in 256 ends as it should.
    for (let guess = 0; guess < 2000; guess++)
      assert.deepEqual(problemsOf({ certificate, privateKey, passphrase: `guess ${guess}` }), [
        "the passphrase of the private key is wrong, or the key is damaged",
      ]);
  });

for (const [title, command] of [
  ["PKCS#8 with RC2", "pkcs8 -topk8 -v1 PBE-SHA1-RC2-40 -provider legacy -provider default"],
  ["PKCS#1 with single DES", "rsa -traditional -des -provider legacy -provider default"],
] as const)
  test(`a cipher that is not taken any more is named as the reason, ${title}`, { skip }, () => {
    openssl(`${command} -in rsa.key -out out -passout file:secret`);
    const certificate = file("rsa.pem") + file("root.pem");

    assert.match(
      problemsOf({ certificate, privateKey: file("out"), passphrase: PASSPHRASE })[0] ?? "",
      /encrypted in a way that is not taken any more; “openssl pkcs8 -topk8”/,
    );
  });

test("a PKCS#12 with an empty passphrase needs none", { skip }, () => {
  openssl("pkcs12 -export -inkey rsa.key -in rsa.pem -certfile root.pem -out out.p12 -passout pass:");

  const read = reading({ pkcs12: new Uint8Array(readFileSync(join(folder.path, "out.p12"))) });

  assert.ok("certificate" in read);
});

for (const [title, options] of [
  ["PBKDF2", "-iter 1000001"],
  ["the older way", "-v1 PBE-SHA1-3DES -iter 1000001"],
  ["scrypt", "-scrypt -scrypt_N 16384 -scrypt_r 8 -scrypt_p 8"],
] as const)
  test(`a key that wants its passphrase hashed for minutes is refused at once, ${title}`, { skip }, () => {
    openssl(`pkcs8 -topk8 ${options} -in ecdsa.key -out out -passout file:secret`);
    const certificate = file("ecdsa.pem") + file("root.pem");

    const problems = problemsOf({ certificate, privateKey: file("out"), passphrase: PASSPHRASE });

    assert.match(problems[0] ?? "", /hashed more than 1000000 times/);
  });

test("all that a PKCS#12 wants hashed is counted together", { skip }, () => {
  const of = "-inkey ecdsa.key -in ecdsa.pem -certfile root.pem";
  openssl(`pkcs12 -export ${of} -iter 400000 -nomac -out out.p12 -passout file:secret`);
  const within = new Uint8Array(readFileSync(join(folder.path, "out.p12")));
  openssl(`pkcs12 -export ${of} -iter 400000 -out out.p12 -passout file:secret`);
  const beyond = new Uint8Array(readFileSync(join(folder.path, "out.p12")));

  assert.deepEqual(problemsOf({ pkcs12: within, passphrase: PASSPHRASE }), []);
  assert.match(problemsOf({ pkcs12: beyond, passphrase: PASSPHRASE })[0] ?? "", /more than 1000000 times/);
});

test("what is no PKCS#12 is said to be none, whatever it is", () => {
  for (const bytes of [
    [],
    [0x30],
    [0x30, 0x80],
    [...Buffer.from(`${"0".repeat(5000)}`)],
    Array(9999).fill(0x30),
  ])
    assert.match(problemsOf({ pkcs12: Uint8Array.from(bytes) })[0] ?? "", /^the PKCS#12 cannot be read/);
});

function reading(upload: CertificateUpload) {
  return readServerCertificate(upload, { now: Date.now(), unfit: () => [] });
}

function problemsOf(upload: CertificateUpload): readonly string[] {
  const read = reading(upload);
  return "problems" in read ? read.problems : [];
}

function openssl(command: string): void {
  const args = command.split(" ").filter((word) => word !== "");
  execFileSync("openssl", args, { cwd: folder.path, stdio: ["ignore", "ignore", "pipe"] });
}

function file(name: string): string {
  return readFileSync(join(folder.path, name), "utf8");
}
