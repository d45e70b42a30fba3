import assert from "node:assert/strict";
import { test } from "node:test";
import { testCertificate } from "../../../test/harness/test-certificates.ts";
import { renewalId } from "./renewal-info.ts";

/** RFC 9773, appendix A: its serial number is 0x87654321, so that the first bit is set. */
const EXAMPLE = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
`;

test("a certificate is asked for under the name that RFC 9773 gives its example", () => {
  assert.equal(renewalId(EXAMPLE), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
});

test("one that does not say whose it is has no such name", async () => {
  const { pem } = await testCertificate({ names: ["console.example"] });

  assert.equal(renewalId(pem), undefined);
});
