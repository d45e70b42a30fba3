import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { hostPort } from "#base/config.ts";
import { startCommandLine } from "../harness/command-line.ts";
import { eventually } from "../harness/eventually.ts";
import { readMetrics } from "../harness/metrics.ts";
import { type Control, startControl, startNode } from "../harness/porthole.ts";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";
import { lackingUnbound, startUnbound } from "./unbound.ts";

const NODE = "203-0-113-7.console.example";
const SETTINGS = {
  "consoleproxy.url.domain": "*.console.example",
  "dns.name.servers": "ns1.console.example=192.0.2.53, ns1.console.example=2001:db8::53, ns2.other.example",
  "dns.contact": "host.master@example.com",
  "dns.caa": "letsencrypt.org; validationmethods=dns-01, pki.example",
};

async function ended(program: string, args: readonly string[]): Promise<string> {
  await using child = await startProcess(program, args);
  const status = await child.exited;
  assert.equal(status, 0, child.stdout.text + child.stderr.text);
  return child.stdout.text.trim();
}

async function configure({ api }: Pick<Control, "api">): Promise<void> {
  for (const [name, value] of Object.entries(SETTINGS)) await api.call("PUT", `settings/${name}`, { value });
}

describe("a fleet with a name server", { skip: lackingUnbound || lacking("knot-dnsutils") }, () => {
  const opened = new AsyncDisposableStack();
  let control: Control;
  let servers: readonly ReturnType<typeof hostPort>[];
  before(async () => {
    const args = ["--dns-listen", "127.0.0.1:0,[::1]:0", "--admin-listen", "127.0.0.1:0"];
    control = opened.use(await startControl({ args }));
    servers = (control.dns ?? []).map(hostPort);
    await configure(control);
    opened.use(await startNode(control, { args: ["--public-address", "203.0.113.7"] }));
    opened.use(await startNode(control, { args: ["--public-address", "[2001:db8::7]"] }));
    await eventually(async () => assert.equal(await dig(NODE, "A", "+short"), "203.0.113.7"));
  });
  after(async () => await opened.disposeAsync());

  function at(index = 0): readonly [host: string, port: string] {
    const { host, port } = servers[index] ?? { host: "", port: 0 };
    return [`@${host}`, String(port)];
  }

  async function dig(name: string, type: string, ...options: readonly string[]): Promise<string> {
    const [server, port] = at();
    return await ended("dig", [server, "-p", port, "+norecurse", name, type, ...options]);
  }

  test("answers dig by UDP and TCP, over IPv4 and IPv6", async () => {
    const [server, port] = at(1);

    assert.equal(await dig(NODE, "A", "+short", "+tcp"), "203.0.113.7");
    assert.equal(await dig("2001-db8--7.console.example", "AAAA", "+short"), "2001:db8::7");
    assert.equal(await ended("dig", [server, "-p", port, NODE, "+short"]), "203.0.113.7");
    assert.equal(await ended("dig", [server, "-p", port, NODE, "+short", "+tcp"]), "203.0.113.7");
    assert.match(
      await dig(NODE, "A"),
      /flags: qr aa;.*udp: 1232.*203-0-113-7\.console\.example\.\s+60\s+IN/s,
    );
  });

  test("tells dig of the domain", async () => {
    const soa = /^ns1\.console\.example\. host\\\.master\.example\.com\. \d+ 3600 600 604800 10$/;
    assert.match(await dig("console.example", "SOA", "+short"), soa);
    assert.deepEqual((await dig("console.example", "NS", "+short")).split("\n").sort(), [
      "ns1.console.example.",
      "ns2.other.example.",
    ]);
    assert.deepEqual((await dig("console.example", "CAA", "+short")).split("\n"), [
      '0 issue "letsencrypt.org; validationmethods=dns-01"',
      '0 issue "pki.example"',
    ]);
    assert.equal(await dig("ns1.console.example", "AAAA", "+short"), "2001:db8::53");
    assert.equal(await dig("console.example", "A", "+short"), "203.0.113.7");
  });

  test("denies and refuses in words that dig and kdig understand", async () => {
    const [server, port] = at();
    const kdig = async (...args: readonly string[]) => await ended("kdig", [server, "-p", port, ...args]);

    assert.match(await dig("198-51-100-1.console.example", "A"), /NXDOMAIN.*AUTHORITY: 1.*\tSOA\t/s);
    assert.match(await dig(NODE, "AAAA"), /NOERROR.*ANSWER: 0, AUTHORITY: 1.*\tSOA\t/s);
    assert.match(await dig("www.example.com", "A"), /REFUSED/);
    assert.match(await dig("version.bind", "TXT", "-c", "CH"), /REFUSED/);
    assert.match(await dig(NODE, "A", "+edns=1", "+noednsneg"), /BADVERS/);
    assert.match(await dig(NODE, "ANY", "+notcp"), /HINFO\s+"RFC8482" ""/);
    assert.match(await dig("console.example", "SOA", "+opcode=notify"), /opcode: NOTIFY, status: NOTIMP/);
    assert.match(await dig("console.example", "SOA", "+header-only"), /FORMERR/);
    assert.match(await kdig("198-51-100-1.console.example", "A"), /status: NXDOMAIN.*Flags: qr aa rd;/s);
    assert.match(
      await kdig(NODE, "A", "+tcp", "+dnssec", "+cookie", "+padding"),
      /Version: 0; flags: do;.*203\.0\.113\.7/s,
    );
    await assert.rejects(kdig("console.example", "AXFR"), /REFUSED/);
  });

  test("is asked by unbound with letters in both cases, and what is not there is denied", async () => {
    const [server = { host: "", port: 0 }] = servers;
    await using unbound = await startUnbound("console.example", server);
    const ask = async (name: string, type: string, ...options: readonly string[]) =>
      await ended("dig", ["@127.0.0.1", "-p", String(unbound.port), name, type, ...options]);

    assert.equal(await ask(NODE, "A", "+short"), "203.0.113.7", unbound.log());
    assert.equal(await ask("2001-db8--7.console.example", "AAAA", "+short", "+tcp"), "2001:db8::7");
    assert.match(await ask("198-51-100-1.console.example", "A"), /NXDOMAIN.*SOA/s);
    assert.match(await ask(NODE, "AAAA"), /NOERROR.*ANSWER: 0.*SOA/s);
    assert.match(await ask(`deep.er.${NODE}`, "A"), /NXDOMAIN/);
    assert.match(await ask("console.example", "CAA", "+short"), /pki\.example/);
  });

  test("counts what it answered", async () => {
    await dig(NODE, "A");

    const metrics = await readMetrics(control.admin);

    const answered = metrics.get('porthole_dns_questions_total{transport="udp",result="NOERROR"}');
    assert.ok((answered ?? 0) > 0);
    assert.equal(metrics.get("porthole_dns_names"), 2);
  });
});

test("named-checkzone accepts the printed zone, with all names of a range", {
  skip: lacking("bind9-utils"),
}, async () => {
  await using line = await startCommandLine();
  await using folder = scratch();
  await configure(line.control);
  const file = join(folder.path, "zone");

  const { status, out, err } = await line.porthole(["dns", "zone", "--range", "203.0.113.0/24"]);
  assert.equal(status, 0, err);
  writeFileSync(file, out);
  const small = await line.porthole(["dns", "zone", "--range", "2001:db8::1-2001:db8::3"]);

  const checked = await ended("named-checkzone", ["-k", "fail", "-n", "fail", "console.example", file]);
  assert.match(checked, /loaded serial \d+\nOK$/);
  assert.match(out, /^203-0-113-254 IN A 203\.0\.113\.254$/m);
  assert.match(small.out, /^2001-db8--2 IN AAAA 2001:db8::2$/m);
  assert.equal((await line.porthole(["dns", "zone", "--range", "10.0.0.0/8"])).status, 2);
  const { domain, zone } = await line.json<{ domain: string; zone: string }>("dns", "zone");
  assert.equal(domain, "console.example");
  assert.match(zone, /^\$ORIGIN console\.example\.$/m);
});

test("BIND's checks accept what the documentation says to write", {
  skip: lacking("bind9-utils"),
}, async () => {
  await using folder = scratch();
  const text = readFileSync(new URL("../../docs/operations/dns.md", import.meta.url), "utf8");
  const block = (language: string) => new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "ms").exec(text)?.[1];
  const [parent, conf] = [join(folder.path, "example.com"), join(folder.path, "named.conf")];
  const own = "@ 60 IN SOA ns hostmaster 1 60 60 60 60\n@ IN NS ns\nns IN A 192.0.2.1\n";
  writeFileSync(parent, `$TTL 60\n${own}${block("zone")}`);
  const [, inside = ""] = /BIND: `([^`]+)`/.exec(text) ?? [];
  // Of a resolver, which knows the domain by the same name.
  const resolver = join(folder.path, "resolver.conf");
  writeFileSync(conf, block("named") ?? "");
  writeFileSync(resolver, inside);

  const checked = await ended("named-checkzone", [
    "-k",
    "fail",
    "-n",
    "fail",
    "-i",
    "full",
    "example.com",
    parent,
  ]);
  const zones = await ended("named-checkconf", ["-l", conf]);
  const stubs = await ended("named-checkconf", ["-l", resolver]);

  assert.match(checked, /OK$/);
  assert.match(zones, /^console\.example\.com IN \S+ primary$/m);
  assert.match(stubs, /^console\.example\.com IN \S+ static-stub$/m);
});
