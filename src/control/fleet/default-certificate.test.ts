import assert from "node:assert/strict";
import { test } from "node:test";
import { createAuthority } from "#tls/authority.ts";
import { testClock } from "../../../test/harness/test-clock.ts";
import { createDefaultCertificates } from "./default-certificate.ts";

const ROWS: readonly [what: string, origins: readonly string[], domain: string, names: string][] = [
  ["its address", ["https://203.0.113.7"], "", "203.0.113.7"],
  ["its IPv6 address", ["https://[2001:db8::7]:8443"], "", "2001:db8::7"],
  [
    "its address and its name under the domain",
    ["https://203.0.113.7"],
    "*.console.example",
    "203-0-113-7.console.example 203.0.113.7",
  ],
  [
    "a name of its own under the domain",
    ["https://one.console.example"],
    "*.console.example",
    "one.console.example",
  ],
  ["a name of its own", ["https://bank.example"], "*.console.example", "node.invalid"],
  [
    "a name that only ends like the domain",
    ["https://evilconsole.example"],
    "*.console.example",
    "node.invalid",
  ],
  ["a name of its own, without a domain", ["https://bank.example"], "", "node.invalid"],
];

for (const [what, origins, domain, names] of ROWS)
  test(`a node that says ${what} gets a certificate for ${names}`, async () => {
    const clock = testClock();
    const authority = await createAuthority({ name: "test", now: clock.now() });
    const certificates = createDefaultCertificates(authority, clock);
    const entrances = origins.map((origin) => ({ pageOrigin: origin, webSocketOrigin: origin }));

    assert.equal(certificates.namesOf(entrances, domain), names);
    assert.match((await certificates.issue(names)).id, /^[0-9a-f]{64}$/);
  });
