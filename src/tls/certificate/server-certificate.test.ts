import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import {
  ExtendedKeyUsage,
  HOUR_MS,
  type TestCertificate,
  testCertificate,
  testChain,
} from "../../../test/harness/test-certificates.ts";
import { coversName } from "./names.ts";
import { type Demands, readServerCertificate } from "./server-certificate.ts";
import type { CertificateUpload } from "./upload.ts";

const NAME = "console.example.com";
const names = [NAME];

test("a chain is put in order whatever order it comes in, and the root is left out", async () => {
  const { root, upper, lower, leaf } = await testChain({ names });
  const stranger = await testCertificate({ commonName: "lower", isAuthority: true });
  const orders = [
    [leaf, lower, upper, root],
    [root, upper, lower, leaf],
    [upper, stranger, leaf, root, lower, leaf],
  ];

  for (const order of orders) {
    const { chain, id } = accepted({ certificate: pems(order), privateKey: leaf.keyPem });

    assert.equal(chain, pems([leaf, lower, upper]));
    assert.equal(id, new X509Certificate(leaf.pem).fingerprint256.replaceAll(":", "").toLowerCase());
  }
});

test("the key may stand among the certificates, and text around them", async () => {
  const { root, leaf } = await pair();

  const certificate = `subject=CN = x\r\n${leaf.pem.replaceAll("\n", "\r\n")}\nBag Attributes\n${leaf.keyPem}${root.pem}`;

  assert.equal(accepted({ certificate }).privateKey, leaf.keyPem);
});

test("a certificate that signed itself is a chain of one", async () => {
  const leaf = await testCertificate({ names });

  assert.equal(accepted({ certificate: leaf.pem, privateKey: leaf.keyPem }).chain, leaf.pem);
});

test("names and dates are told, the dates those of all that is shown", async () => {
  const root = await testCertificate({ notAfter: Date.now() + 5 * HOUR_MS });
  const notAfter = Date.now() + 24 * HOUR_MS;
  const issuer = await testCertificate({ issuer: root, commonName: "between", isAuthority: true, notAfter });
  const leaf = await testCertificate({ issuer, names: ["*.Example.com", "example.com", "192.0.2.1"] });

  const brought = { certificate: pems([leaf, issuer, root]), privateKey: leaf.keyPem };
  for (const name of ["*.example.com", "192-0-2-1.Example.com", "192.0.2.1"]) accepted(brought, [name]);

  const told = accepted(brought);

  assert.deepEqual(told.names, ["*.example.com", "example.com", "192.0.2.1"]);
  assert.deepEqual([told.subject, told.issuer], ["CN=*.Example.com", "CN=between"]);
  assert.equal(told.notAfter, Math.floor(notAfter / 1000) * 1000);
});

for (const kind of ["rsa", "ecdsa", "ed25519"] as const)
  test(`a key of the kind ${kind} is taken`, async () => {
    const { root, leaf } = await pair({ kind });

    accepted({ certificate: pems([leaf, root]), privateKey: leaf.keyPem });
  });

const REFUSED: readonly (readonly [
  title: string,
  upload: () => Promise<CertificateUpload & { readonly demanded?: readonly string[] }>,
  problems: readonly RegExp[],
])[] = [
  ["nothing", async () => ({}), [/certificate is not PEM/, /private key is missing/]],
  [
    "what is not PEM at all",
    async () => ({ certificate: "hello", privateKey: "world" }),
    [/certificate is not PEM/, /private key is not PEM/],
  ],
  [
    "a request in place of a certificate",
    async () => {
      const { leaf } = await pair();
      const certificate = leaf.pem.replaceAll("CERTIFICATE", "CERTIFICATE REQUEST");
      return { certificate, privateKey: leaf.keyPem };
    },
    [/request for a certificate/],
  ],
  [
    "a damaged certificate",
    async () => {
      const { leaf } = await pair();
      return { certificate: leaf.pem.replace(/\n[^\n]*\n-----END/, "\n-----END"), privateKey: leaf.keyPem };
    },
    [/certificate is damaged/],
  ],
  [
    "authorities without a leaf",
    async () => {
      const { root, lower, upper, leaf } = await testChain({ names });
      return { certificate: pems([root, lower, upper]), privateKey: leaf.keyPem };
    },
    [/no certificate of a server/],
  ],
  [
    "a key of another certificate",
    async () => {
      const { root, leaf } = await pair();
      return { certificate: pems([leaf, root]), privateKey: (await testCertificate()).keyPem };
    },
    [/key does not fit the certificate “console.example.com”/],
  ],
  [
    "a leaf alone",
    async () => {
      const { leaf } = await testChain({ names });
      return { certificate: leaf.pem, privateKey: leaf.keyPem };
    },
    [/incomplete.*“CN=lower”/],
  ],
  [
    "a chain with a gap",
    async () => {
      const { root, lower, leaf } = await testChain({ names });
      return { certificate: pems([root, leaf, lower]), privateKey: leaf.keyPem };
    },
    [/incomplete.*“CN=upper”/],
  ],
  [
    "an issuer by name alone",
    async () => {
      const { leaf } = await pair();
      const other = await testCertificate({ commonName: "authority" });
      return { certificate: pems([leaf, other]), privateKey: leaf.keyPem };
    },
    [/incomplete.*“CN=authority”/],
  ],
  [
    "an expired certificate",
    async () => await upload({ notBefore: Date.now() - 9 * HOUR_MS, notAfter: Date.now() - HOUR_MS }),
    [/“console.example.com” expired on \d{4}-\d\d-\d\d/],
  ],
  [
    "a certificate of tomorrow",
    async () => await upload({ notBefore: Date.now() + 24 * HOUR_MS }),
    [/is not valid before/],
  ],
  ["a weak key", async () => await upload({ kind: "weakRsa" }), [/RSA of 1024 bits/]],
  ["a signature with SHA-1", async () => await upload({ hash: "SHA-1" }), [/signed with SHA-1/]],
  [
    "an intermediate that expired",
    async () => {
      const root = await testCertificate({ commonName: "root" });
      const notAfter = Date.now() - HOUR_MS;
      const issuer = await testCertificate({ commonName: "old", issuer: root, isAuthority: true, notAfter });
      const leaf = await testCertificate({ issuer, names });
      return { certificate: pems([leaf, issuer, root]), privateKey: leaf.keyPem };
    },
    [/“CN=old” of an authority expired/],
  ],
  [
    "another name",
    async () => ({ ...(await upload({})), demanded: ["other.example.com"] }),
    [/not for other.example.com: it is for console.example.com/],
  ],
  [
    "neither of two names",
    async () => ({ ...(await upload({})), demanded: ["*.example.org", "example.org"] }),
    [/not for \*\.example\.org or example\.org: it is for console\.example\.com/],
  ],
  [
    "a plain name where the wildcard is needed",
    async () => ({ ...(await upload({})), demanded: ["*.example.com"] }),
    [/not for \*\.example\.com/],
  ],
  [
    "a wildcard, for what lies deeper",
    async () => ({ ...(await upload({ names: ["*.example.com"] })), demanded: ["a.b.example.com"] }),
    [/not for a\.b\.example\.com/],
  ],
  [
    "a common name alone",
    async () => await upload({ names: [], isAuthority: false, commonName: NAME }),
    [/no subject alternative names/],
  ],
  [
    "a certificate for clients",
    async () => await upload({ usages: [ExtendedKeyUsage.clientAuth] }),
    [/not for servers/],
  ],
  [
    "a certificate of five megabytes",
    async () => ({ ...(await upload({})), certificate: "x".repeat(5 * 1024 * 1024) }),
    [/certificate is too large: at most 64 KiB/],
  ],
  [
    "an authority by itself with a key of something else",
    async () => ({
      certificate: (await testCertificate({ commonName: "x", kind: "weakRsa" })).pem,
      privateKey: (await testCertificate()).keyPem,
    }),
    [/key does not fit/, /no subject alternative names/, /“CN=x” has a weak key/],
  ],
  [
    "everything at once",
    async () => {
      const wrong = { kind: "weakRsa", hash: "SHA-1", usages: [ExtendedKeyUsage.clientAuth] } as const;
      const { leaf } = await testChain({ names, ...wrong, notAfter: Date.now() - HOUR_MS / 2 });
      const privateKey = (await testCertificate()).keyPem;
      return { certificate: leaf.pem, privateKey, demanded: ["other.example.com"] };
    },
    [
      /key does not fit/,
      /not for other.example.com/,
      /not for servers/,
      /incomplete/,
      /expired/,
      /RSA of 1024 bits/,
      /signed with SHA-1/,
    ],
  ],
];

for (const [title, make, problems] of REFUSED)
  test(`refused: ${title}`, async () => {
    const { demanded, ...brought } = await make();

    const found = refused(brought, demanded);

    assert.equal(found.length, problems.length, found.join("\n"));
    for (const [index, problem] of problems.entries()) assert.match(found[index] ?? "", problem);
  });

test("a text of many beginnings without an end is read in one pass", () => {
  const certificate = "-----BEGIN CERTIFICATE-----\n".repeat(2000);

  assert.match(refused({ certificate })[0] ?? "", /not PEM/);
});

function accepted(brought: CertificateUpload, wanted: readonly string[] = []) {
  const read = readServerCertificate(brought, demands(wanted));
  assert.ok("certificate" in read, "problems" in read ? read.problems.join("\n") : "");
  return read.certificate;
}

function refused(brought: CertificateUpload, wanted: readonly string[] = []): readonly string[] {
  const read = readServerCertificate(brought, demands(wanted));
  assert.ok("problems" in read, "it was taken");
  return read.problems;
}

function demands(wanted: readonly string[]): Demands {
  const isFor = (names: readonly string[]) =>
    wanted.length === 0 || wanted.some((name) => coversName(names, name));
  return {
    now: Date.now(),
    unfit: (names) =>
      isFor(names)
        ? []
        : [`the certificate is not for ${wanted.join(" or ")}: it is for ${names.join(", ")}`],
  };
}

async function pair(options: Parameters<typeof testCertificate>[0] = {}) {
  const root = await testCertificate({ kind: options.hash === "SHA-1" ? "rsa" : "ecdsa" });
  return { root, leaf: await testCertificate({ names, issuer: root, ...options }) };
}

async function upload(options: Parameters<typeof testCertificate>[0]): Promise<CertificateUpload> {
  const { root, leaf } = await pair(options);
  return { certificate: pems([leaf, root]), privateKey: leaf.keyPem };
}

function pems(certificates: readonly TestCertificate[]): string {
  return certificates.map(({ pem }) => pem).join("");
}
