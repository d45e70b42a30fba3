import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { HandshakeError } from "./handshake-error.ts";
import { SECURITY_TYPE } from "./security.ts";
import { chooseType, type SecurityPolicy } from "./security-policy.ts";

const { none, vncAuthentication, ra2, ra2With256, tight, veNCrypt, sasl } = SECURITY_TYPE;
const password = new Secret("geheim");
const account = { username: "ute", password };

const PLAIN: SecurityPolicy = { tls: [] };
const BY_TLS: SecurityPolicy = { tls: ["x509"] };
const ANY_TLS: SecurityPolicy = { tls: ["x509", "anonymous"], ra2: "allowed" };
const WITHIN: SecurityPolicy = { ...ANY_TLS, isWithinTls: true };
const BY_KEY: SecurityPolicy = { tls: [], ra2: "demanded" };

/** What is on record, what a server offers, and what is taken, or why nothing is. */
const ROWS: readonly (readonly [SecurityPolicy, readonly number[], number | HandshakeError["kind"]])[] = [
  [PLAIN, [vncAuthentication, none, tight, veNCrypt], none],
  [PLAIN, [tight, veNCrypt], tight],
  [PLAIN, [veNCrypt], "tls-needed"],
  [PLAIN, [vncAuthentication], "password-missing"],
  [PLAIN, [ra2With256, ra2], "security-unsupported"],
  [{ ...PLAIN, password }, [none, vncAuthentication], vncAuthentication],
  [{ ...PLAIN, password }, [none], "password-not-asked"],
  [{ ...PLAIN, ...account }, [none, vncAuthentication, sasl], sasl],
  [{ ...PLAIN, ...account }, [vncAuthentication], "username-not-asked"],
  [BY_TLS, [none, tight, veNCrypt, ra2], veNCrypt],
  [BY_TLS, [none, vncAuthentication, tight, sasl, ra2With256], "tls-not-offered"],
  [{ ...ANY_TLS, password }, [ra2, ra2With256, vncAuthentication], ra2With256],
  [{ ...ANY_TLS, password }, [ra2, veNCrypt], veNCrypt],
  // Who has no password would be let in by nobody.
  [ANY_TLS, [ra2], "tls-not-offered"],
  [WITHIN, [none, veNCrypt], none],
  [WITHIN, [tight, veNCrypt], tight],
  [WITHIN, [veNCrypt], veNCrypt],
  [{ ...WITHIN, password }, [ra2, tight], ra2],
  [{ ...WITHIN, ...account }, [vncAuthentication, tight, veNCrypt], veNCrypt],
  [{ ...WITHIN, ...account }, [tight], tight],
  [{ ...BY_KEY, password }, [none, vncAuthentication, veNCrypt, ra2], ra2],
  [{ ...BY_KEY, password }, [none, vncAuthentication, tight, veNCrypt, 6, 130], "ra2-not-offered"],
];

test("of what a server offers the strongest is taken that is on record, in whichever order, and nothing weaker", () => {
  for (const [policy, offered, outcome] of ROWS)
    for (const types of [offered, offered.toReversed()]) {
      const choose = () => chooseType(types, policy);
      const title = `${JSON.stringify(policy)} ${types.join(" ")}`;

      if (typeof outcome === "number") assert.equal(choose(), outcome, title);
      else assert.throws(choose, (error) => error instanceof HandshakeError && error.kind === outcome, title);
    }
});
