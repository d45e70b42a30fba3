import assert from "node:assert/strict";
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { type OneControl, testControl, testReplicas } from "../../../test/harness/control.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";
import { HOUR_MS, type TestCertificate, testChain } from "../../../test/harness/test-certificates.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

const DOMAIN = "consoleproxy.url.domain";

for (const t of onBoth("a certificate is in use for all pools until one has its own", async () => {
  await using control = await testControl();
  const [ofAll, ofNorth] = [await chain("*.example.com"), await chain("*.example.com")];

  assert.equal(await control.servingFor("default"), undefined);
  await upload(control, ofAll);
  const { id } = await upload(control, ofNorth, { pool: "north" });

  const serving = await control.servingFor("default");
  assert.equal(serving?.chain, ofAll.pems.slice(0, 3).join(""));
  assert.equal(serving?.id, fingerprint(ofAll.leaf));
  assert.ok(createPrivateKey(serving?.privateKey ?? "").equals(ofAll.leaf.key));
  assert.equal((await control.servingFor("north"))?.id, fingerprint(ofNorth.leaf));
  assert.equal((await control.servingFor("south"))?.id, fingerprint(ofAll.leaf));
  await control.services.certificates.remove(control.admin, id);
  assert.equal((await control.servingFor("north"))?.id, fingerprint(ofAll.leaf));
}))
  test(...t);

for (const t of onBoth("the next certificate takes the place of the one before", async () => {
  await using control = await testControl();
  const [old, young] = [await chain("*.example.com"), await chain("*.example.com")];

  await upload(control, old);
  const made = await upload(control, young);

  const listed = await control.services.certificates.list(control.admin);
  assert.deepEqual(listed, [made]);
  assert.equal((await control.servingFor("default"))?.id, fingerprint(young.leaf));
}))
  test(...t);

for (const t of onBoth("of a certificate everything is told but its key, which is sealed", async () => {
  await using control = await testControl();
  const { leaf, pems } = await chain("*.example.com", "example.com");

  const made = await upload(control, { leaf, pems }, { pool: "north" });

  const ends = pems.slice(0, 3).map((pem) => Date.parse(new X509Certificate(pem).validTo));
  assert.deepEqual(made, {
    id: made.id,
    pool: "north",
    fingerprint: fingerprint(leaf),
    names: ["*.example.com", "example.com"],
    subject: "CN=*.example.com",
    issuer: "CN=lower",
    notBefore: made.notBefore,
    // Of what is served, whatever ends first.
    notAfter: new Date(Math.min(...ends)).toISOString(),
    chain: pems.slice(0, 3).join(""),
    chainId: createHash("sha256").update(pems.slice(0, 3).join("")).digest("hex"),
    createdAt: new Date(control.clock.now()).toISOString(),
    source: "upload",
  });
  const at = await control.services.certificates.uploadedAt(control.admin, made.id);
  assert.equal(at.getTime(), control.clock.now());
  const rows = JSON.stringify(await control.store.db.selectFrom("certificates").selectAll().execute());
  assert.doesNotMatch(rows, /PRIVATE KEY/);
  const secret = leaf.keyPem.split("\n")[1] ?? "";
  assert.ok(!rows.includes(secret), "the key stands in no column");
}))
  test(...t);

for (const t of onBoth("what is refused changes nothing, and all that is wrong is said", async () => {
  await using control = await testControl();
  const good = await chain("*.example.com");
  await upload(control, good);
  await control.services.settings.set(control.admin, DOMAIN, "*.example.com");
  const before = await control.services.certificates.list(control.admin);
  const wrong = await chain("console.example.org");

  const refused = control.services.certificates.upload(control.admin, {
    certificate: wrong.leaf.pem,
    privateKey: good.leaf.keyPem,
  });

  await assert.rejects(refused, (error: { code: string; problems: readonly string[] }) => {
    assert.equal(error.code, "certificate_refused");
    assert.match(error.problems.join("\n"), /does not fit.*not for \*\.example\.com.*chain is incomplete/s);
    assert.doesNotMatch(JSON.stringify(error), /BEGIN/);
    return true;
  });
  assert.deepEqual(await control.services.certificates.list(control.admin), before);
  assert.equal(control.values.value(DOMAIN), "*.example.com");
}))
  test(...t);

for (const [names, domain, setting] of [
  [["*.company.com", "company.com"], "company.com", "*.company.com"],
  [["*.company.com"], "*.Company.com", "*.company.com"],
  [["company.com"], "company.com", "company.com"],
  [["*.company.com"], "console.company.com", "console.company.com"],
] as const)
  for (const t of onBoth(`${names.join(" and ")} with ${domain} makes ${DOMAIN} ${setting}`, async () => {
    await using control = await testControl();
    const made = await chain(...names);

    await upload(control, made, { domain });

    assert.equal(control.values.value(DOMAIN), setting);
    const rows = await control.store.db
      .selectFrom("audit")
      .select("action")
      .where("action", "=", "setting.set")
      .execute();
    assert.equal(rows.length, 1);
  }))
    test(...t);

for (const t of onBoth("a domain that the certificate is not for changes no setting", async () => {
  await using control = await testControl();
  const made = await chain("*.example.com");

  await assert.rejects(
    upload(control, made, { domain: "company.com" }),
    /not for \*\.company\.com or company\.com/,
  );
  await assert.rejects(upload(control, made, { domain: "192.0.2.1" }), { code: "request_invalid" });
  await assert.rejects(upload(control, made, { domain: "example.com", pool: "north" }), {
    code: "request_invalid",
  });

  assert.equal(control.values.value(DOMAIN), "");
  assert.deepEqual(await control.services.certificates.list(control.admin), []);
}))
  test(...t);

for (const t of onBoth(
  "a domain that another pool's certificate is not for is refused, and both stay",
  async () => {
    await using control = await testControl();
    await upload(control, await chain("*.example.com"), { domain: "example.com" });
    await upload(control, await chain("*.example.com"), { pool: "north" });

    const refused = upload(control, await chain("*.company.com"), { domain: "company.com" });

    await assert.rejects(
      refused,
      /conflict: .* are not for nodes under \*\.company\.com, .*certificate delete.*: [\w-]+ for \S+ \(pool north\)$/,
    );
    assert.equal(control.values.value(DOMAIN), "*.example.com");
    const [ofAll] = await control.services.certificates.list(control.admin);
    assert.deepEqual(ofAll?.names, ["*.example.com"]);
  },
))
  test(...t);

for (const t of onBoth(
  "a certificate has to be for what browsers call the nodes that are to show it",
  async () => {
    await using control = await testControl();
    const names = ["203.0.113.7", "[2001:db8::7]", "own.example.net"];
    for (const name of names) await control.node({ pageOrigin: `http://${name}:8080` });
    const north = await control.node({ pageOrigin: "http://north.example.net:8080" });
    await control.store.db.updateTable("nodes").set({ pool: "north" }).where("id", "=", north.id).execute();

    const mail = await chain("mail.example.com");
    await assert.rejects(
      upload(control, mail),
      /not for 203\.0\.113\.7, 2001:db8::7, own\.example\.net, north\.example\.net, as browsers/,
    );
    await upload(control, await chain("north.example.net"), { pool: "north" });
    await assert.rejects(
      upload(control, await chain("*.example.com"), { domain: "example.com" }),
      /not for own\.example\.net, as/,
    );
    await assert.rejects(
      upload(control, mail, { domain: "example.com" }),
      (error: { problems: string[] }) => {
        assert.match(error.problems[0] ?? "", /not for \*\.example\.com or example\.com: it is for mail/);
        assert.match(error.problems[1] ?? "", /not for own\.example\.net, as/);
        return true;
      },
    );

    await upload(control, await chain("203.0.113.7", "2001:db8::7", "own.example.net"));
    await assert.rejects(
      upload(control, await chain("*.example.com", "own.example.net"), { domain: "example.com" }),
      /conflict: .* are not for nodes under \*\.example\.com, .*: [\w-]+ for \S+ \(pool north\)$/,
    );
    await control.services.certificates.remove(
      control.admin,
      (await control.services.certificates.list(control.admin)).find(({ pool }) => pool === "north")?.id ??
        "",
    );
    const both = await chain("*.example.com", "*.example.net");
    await upload(control, both, { domain: "example.com" });
    assert.equal(control.values.value(DOMAIN), "*.example.com");
  },
))
  test(...t);

for (const t of onBoth("the domain is set to nothing that a certificate in use is not for", async () => {
  await using control = await testControl();
  await control.node({ pageOrigin: "http://203.0.113.7:8080" });
  const { settings } = control.services;
  await upload(control, await chain("*.example.com", "console.example.com"), { domain: "example.com" });

  await settings.set(control.admin, DOMAIN, "Console.example.com");
  for (const text of ["*.company.com", "company.com", ""])
    await assert.rejects(
      settings.set(control.admin, DOMAIN, text),
      /conflict: .* are not for nodes under .*: [\w-]+ for \*\.example\.com \(all pools\)$/,
      text,
    );

  assert.equal(control.values.value(DOMAIN), "console.example.com");
  const [inUse] = await control.services.certificates.list(control.admin);
  await control.services.certificates.remove(control.admin, inUse?.id ?? "");
  await settings.set(control.admin, DOMAIN, "*.company.com");
}))
  test(...t);

for (const t of onBoth("of a node that is down it is said how to be rid of it", async () => {
  await using control = await testControl();
  await control.node({ pageOrigin: "http://203.0.113.7:8080" });
  const gone = await control.node({ pageOrigin: "http://203.0.113.8:8080" });
  await control.store.db.updateTable("nodes").set({ seen_at: 0 }).where("id", "=", gone.id).execute();
  const brought = await chain("203.0.113.7");

  await assert.rejects(
    upload(control, brought),
    new RegExp(`is not for 203\\.0\\.113\\.8, as.*the node ${gone.id} of these is down: remove it`, "s"),
  );
  await control.services.nodes.remove(control.admin, gone.id);

  await upload(control, brought);
}))
  test(...t);

test("a certificate is judged by the domain that another replica has just set", {
  skip: lackingPostgres,
}, async () => {
  await using cluster = await testReplicas(2);
  const [one, two] = cluster.replicas;
  assert.ok(one !== undefined && two !== undefined);

  for (let round = 0; round < 10; round++) {
    await two.services.settings.set(two.admin, DOMAIN, `*.round-${round}.example`);
    await assert.rejects(upload(one, await chain("*.other.example")), /not for \*\.round-\d+\.example:/);
  }
});

for (const t of onBoth(
  "parts that came before complete a leaf that is said to have them, and no other",
  async () => {
    await using control = await testControl();
    const { leaf, pems } = await chain("*.example.com");
    const { certificates } = control.services;
    for (const [sequence, certificate] of pems.slice(1).reverse().entries())
      await certificates.addPart(control.admin, {
        name: `part-${sequence}`,
        sequence: sequence + 1,
        certificate,
      });
    const alone = { certificate: leaf.pem, privateKey: leaf.keyPem };

    await assert.rejects(certificates.upload(control.admin, alone), /chain is incomplete/);
    const made = await certificates.upload(control.admin, alone, { isCompletedByParts: true });

    assert.equal(made.chain, pems.slice(0, 3).join(""));
  },
))
  test(...t);

for (const t of onBoth(
  "parts are replaced by their name, bounded, and read before they are kept",
  async () => {
    await using control = await testControl();
    const { certificates } = control.services;
    const [, certificate = ""] = (await chain("*.example.com")).pems;
    const add = async (name: string, text = certificate) =>
      await certificates.addPart(control.admin, { name, sequence: 1, certificate: text });

    for (let index = 0; index < 20; index++) {
      control.clock.advance(1);
      await add(`part-${index}`);
      await add(`part-${index}`);
    }

    const rows = await control.store.db.selectFrom("certificate_parts").select("name").execute();
    const names = rows.map(({ name }) => name);
    assert.equal(names.length, 16);
    assert.ok(names.includes("part-19") && !names.includes("part-3"));
    await assert.rejects(add("x", "hello"), { code: "certificate_refused" });
    await assert.rejects(add("x", certificate + certificate), /bring each by itself/);
  },
))
  test(...t);

for (const t of onBoth("a change is told at once to the nodes that it is for", async () => {
  await using control = await testControl();
  const [one, two] = [await control.node(), await control.node()];
  await control.store.db.updateTable("nodes").set({ pool: "north" }).where("id", "=", two.id).execute();
  const heard: string[] = [];
  control.cluster.subscribe("node", { heard: (id) => heard.push(id), missed: () => {} });

  const { id } = await upload(control, await chain("*.example.com"), { pool: "north" });
  await control.services.certificates.remove(control.admin, id);
  await upload(control, await chain("*.example.com"), { pool: "south" });
  await upload(control, await chain("*.example.com"));

  const ofAll = [one.id, two.id].sort();
  await eventually(() => {
    assert.deepEqual(heard.slice(0, 2), [two.id, two.id]);
    assert.deepEqual(heard.slice(2).sort(), ofAll);
  });
}))
  test(...t);

test("of uploads through two replicas one is in use, and both hear of it", {
  skip: lackingPostgres,
}, async () => {
  await using cluster = await testReplicas(2);
  const [one, two] = cluster.replicas;
  assert.ok(one !== undefined && two !== undefined);
  const made = [await chain("*.example.com"), await chain("*.example.com")];

  await Promise.all(
    [one, two].map(
      async (each, index) => await upload(each, made[index] ?? made[0], { domain: "example.com" }),
    ),
  );

  const [only, ...others] = await one.services.certificates.list(one.admin);
  assert.deepEqual(others, []);
  assert.equal((await two.servingFor("default"))?.id, only?.fingerprint);
  await eventually(() => assert.equal(two.values.value(DOMAIN), "*.example.com"));
});

for (const t of onBoth("a certificate that ended meanwhile is refused by control's clock", async () => {
  await using control = await testControl();
  const made = await chain("*.example.com");
  control.clock.advance(91 * 24 * HOUR_MS);

  await assert.rejects(upload(control, made), /expired on/);
}))
  test(...t);

interface Chain {
  readonly leaf: TestCertificate;
  /** The leaf first, the root last. */
  readonly pems: readonly string[];
}

async function chain(...names: readonly string[]): Promise<Chain> {
  const { root, upper, lower, leaf } = await testChain({ names });
  return { leaf, pems: [leaf, lower, upper, root].map(({ pem }) => pem) };
}

async function upload(
  { services, admin }: OneControl,
  made: Chain | undefined,
  options: { readonly pool?: string; readonly domain?: string } = {},
) {
  if (made === undefined) throw new Error("there is no certificate");
  const { leaf, pems } = made;
  return await services.certificates.upload(admin, {
    certificate: pems.join(""),
    privateKey: leaf.keyPem,
    ...options,
  });
}

function fingerprint({ pem }: TestCertificate): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(":", "").toLowerCase();
}
