import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { scratch } from "../../../../../test/harness/scratch.ts";
import { lackingLibvirt } from "../../../../../test/peers/libvirt.ts";
import { configDrive } from "./config-drive.ts";
import { type DomainOptions, domainXml } from "./domain.ts";
import { domainName, listDomains } from "./domains.ts";
import { iso9660 } from "./iso9660.ts";

const { signal } = new AbortController();

const IDENTITY = {
  name: "porthole-5ca1ab1e-order",
  uuid: "2b1f8c1e-5d0a-4e3e-9f6a-0d3c2b1a4f5e",
  title: "pool <&'\">",
  orderId: "order",
  pool: "<&'\">",
  installationId: "5ca1ab1e",
  storagePool: "a&b",
  configVolume: "c.iso",
  dataVolume: "d.img",
};
const OPTIONS: DomainOptions = {
  image: "/images/a<b",
  type: "qemu",
  memoryMiB: 512,
  vcpus: 1,
  consoleLogs: "/var/log/libvirt/qemu",
  network: { kind: "bridge", name: "br0" },
};

for (const network of [OPTIONS.network, { kind: "network", name: "default" }, { kind: "user" }] as const)
  for (const type of ["qemu", "kvm"] as const)
    test(`libvirt's own schema takes the domain, on ${type} with a card on a ${network.kind}`, {
      skip: lackingLibvirt,
    }, async () => {
      await using folder = scratch();
      const file = join(folder.path, "domain.xml");
      writeFileSync(file, domainXml(IDENTITY, { ...OPTIONS, network, type }));

      const { status, stderr } = spawnSync("virsh", ["-c", "test:///default", "define", "--validate", file], {
        encoding: "utf8",
      });

      assert.equal(status, 0, stderr);
    });

test("what stands in a domain cannot become a part of it", () => {
  const xml = domainXml(IDENTITY, OPTIONS);

  assert.ok(xml.includes('pool="&lt;&amp;&apos;&quot;&gt;"'));
  assert.ok(xml.includes("<kernel>/images/a&lt;b/vmlinuz</kernel>"));
  assert.throws(() => domainXml({ ...IDENTITY, pool: "a\nb" }, OPTIONS), /control characters/);
});

test("a config drive is an ISO 9660 volume of its own name, which others read too", async () => {
  await using folder = scratch();
  const file = join(folder.path, "config.iso");
  const token = new Secret("the.token");
  const controls = ["https://10.0.0.5:8250", "https://10.0.0.6:8250"];
  const network = { address: "192.0.2.7/24", gateway: "192.0.2.1", dns: ["192.0.2.53", "192.0.2.54"] };

  writeFileSync(
    file,
    configDrive({ controls, token, listen: "0.0.0.0:8080", publicAddress: "node" }, network),
  );

  const { stdout } = spawnSync("blkid", ["-p", "-o", "export", file], { encoding: "utf8" });
  assert.match(stdout, /^LABEL=porthole$/m);
  assert.match(stdout, /^TYPE=iso9660$/m);
  const raw = readFileSync(file, "latin1");
  for (const text of [
    'control = "https://10.0.0.5:8250,https://10.0.0.6:8250"\nlisten = "0.0.0.0:8080"\npublic-address = "node"\n',
    "the.token\n",
    "address=192.0.2.7/24\ndns=192.0.2.53 192.0.2.54\ngateway=192.0.2.1\n",
  ])
    assert.equal(raw.indexOf(text) % 2048, 0, "each file begins at a block");
});

test("names that the file system cannot have are refused", () => {
  assert.throws(() => iso9660("two words", {}), /label/);
  for (const name of ["UPPER", "a.b.c", "../x", ""])
    assert.throws(() => iso9660("x", { [name]: "" }), /no name/);
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`file${index}`, ""]));
  assert.throws(() => iso9660("x", many), /too many files/);
});

test("of all domains of a host those of the installation are seen, whatever their state", async () => {
  const order = (number: number) => `00000000-0000-4000-8000-00000000000${number}`;
  const ours = domainName("5ca1ab1e-0000", order(1));
  const theirs = domainName("0ther000-0000", order(2));
  const answer = [
    ` 1    ${ours}                 running     pool default`,
    ` -    ${domainName("5ca1ab1e-0000", order(3))}   shut off    pool two words`,
    ` 7    ${domainName("5ca1ab1e-0000", order(4))}   in shutdown pool default`,
    ` -    ${theirs}   shut off    pool default`,
    " 2    windows-7   running  pool default",
    ` -    ${domainName("5ca1ab1e-0000", order(5))}   shut off    `,
    ` -    ${domainName("5ca1ab1e-0000", "of-somebody")}   shut off    pool default`,
    "",
  ].join("\n");

  const domains = await listDomains(async () => answer, "5ca1ab1e-0000", signal);

  assert.deepEqual(
    domains.map(({ orderId, pool, state }) => [orderId, pool, state]),
    [
      [order(1), "default", "running"],
      [order(3), "two words", "shut off"],
      [order(4), "default", "in shutdown"],
    ],
  );
});
