import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Upstream } from "#wire/grant.ts";
import { openThrough } from "../harness/open-through.ts";
import { scratch } from "../harness/scratch.ts";
import { startTestNode, type TestNode } from "../harness/test-node.ts";
import { createPki, type Pki, SERVER_NAME, writePki } from "./pki.ts";
import { lackingQemu, type Qemu, startQemu } from "./qemu.ts";
import { lackingSasl, SASL_ACCOUNT, saslFolder } from "./sasl.ts";

const INSECURE = { mode: "insecure" } as const;

describe("QEMU's VNC server with SASL", { skip: lackingQemu || lackingSasl }, () => {
  let pki: Pki;
  let node: TestNode;
  type Screen = "open" | "x509" | "anonymous";
  const servers = new Map<string, Qemu<Screen>>();
  const folder = scratch();
  before(async () => {
    [pki, node] = await Promise.all([createPki(), startTestNode()]);
    const good = writePki(join(folder.path, "good"), pki.authority, pki.server);
    const screens = {
      open: { sasl: true },
      x509: { tls: "good", sasl: true },
      anonymous: { tls: "anonymous", sasl: true },
    };
    const credentials = { good: { folder: good }, anonymous: "anonymous" } as const;
    for (const mechanism of ["scram-sha-256", "plain", "digest-md5"]) {
      const accounts = await saslFolder(join(folder.path, mechanism), [mechanism]);
      servers.set(mechanism, await startQemu(screens, { credentials, saslFolder: accounts }));
    }
  });
  after(async () => {
    for (const server of servers.values()) await server[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const at = (mechanism: string, screen: Screen): Upstream => {
    const server = servers.get(mechanism);
    assert.ok(server !== undefined);
    return { address: { kind: "tcp", host: server.host, port: server.ports[screen] } };
  };
  const verify = () => ({ mode: "verify" as const, ca: pki.authority.pem, serverName: SERVER_NAME });

  for (const mechanism of ["scram-sha-256", "plain"]) {
    test(`is opened with X509SASL and ${mechanism}`, async () => {
      const upstream = { ...at(mechanism, "x509"), ...SASL_ACCOUNT, tls: verify() };

      assert.equal(await openThrough(node, upstream), "open");
    });

    test(`does not let in another password by ${mechanism}, and the reason is named`, async () => {
      const upstream = { ...at(mechanism, "x509"), ...SASL_ACCOUNT, password: "guess", tls: verify() };

      assert.equal(await openThrough(node, upstream), "upstream_authentication_failed");
    });

    test(`does not let in another account by ${mechanism}, and the reason is named`, async () => {
      const upstream = { ...at(mechanism, "x509"), ...SASL_ACCOUNT, username: "uwe@qemu", tls: verify() };

      assert.equal(await openThrough(node, upstream), "upstream_authentication_failed");
    });
  }

  test("asks for an account, and the reason is named where there is none", async () => {
    assert.equal(
      await openThrough(node, { ...at("plain", "x509"), tls: verify() }),
      "upstream_username_missing",
    );
  });

  test("does not count anonymous TLS, and has no mechanism that is spoken within it", async () => {
    const upstream = { ...at("scram-sha-256", "anonymous"), ...SASL_ACCOUNT, tls: INSECURE };

    assert.equal(await openThrough(node, upstream), "upstream_security_unsupported");
  });

  test("with mechanisms alone that are not spoken is not opened, with TLS and without", async () => {
    for (const upstream of [
      { ...at("digest-md5", "x509"), ...SASL_ACCOUNT, tls: verify() },
      { ...at("digest-md5", "open"), ...SASL_ACCOUNT },
    ])
      assert.equal(await openThrough(node, upstream), "upstream_security_unsupported");
  });
});
