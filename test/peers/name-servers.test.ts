import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { hostPort } from "#base/config.ts";
import { type CommandLine, startCommandLine } from "../harness/command-line.ts";
import { eventually } from "../harness/eventually.ts";
import { startNode } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";
import {
  documented,
  lackingNameServers,
  type NameServer,
  said,
  startBind,
  startPowerDns,
  startRecursor,
} from "./name-servers.ts";

const DOMAIN = "console.example.com";
const FILE = `${DOMAIN}.zone`;
const SETTINGS = {
  "consoleproxy.url.domain": `*.${DOMAIN}`,
  "dns.name.servers": `ns1.${DOMAIN}=127.0.0.1`,
  "dns.caa": "letsencrypt.org; validationmethods=dns-01, pki.example",
};
type Question = readonly [name: string, type: string];

/** Of one node, of a range, of neither, and of the domain itself. */
const QUESTIONS: readonly Question[] = [
  [`127-0-0-1.${DOMAIN}`, "A"],
  [`203-0-113-7.${DOMAIN}`, "A"],
  [`203-0-113-7.${DOMAIN}`, "AAAA"],
  [`198-51-100-1.${DOMAIN}`, "A"],
  [`a.203-0-113-7.${DOMAIN}`, "A"],
  [DOMAIN, "NS"],
  [DOMAIN, "CAA"],
  [DOMAIN, "A"],
  [`ns1.${DOMAIN}`, "A"],
];

describe("as the documentation has it", { skip: lackingNameServers }, () => {
  const opened = new AsyncDisposableStack();
  let line: CommandLine;
  let own: number;
  before(async () => {
    line = opened.use(await startCommandLine({ controlArgs: ["--dns-listen", "127.0.0.1:0"] }));
    for (const [name, value] of Object.entries(SETTINGS))
      await line.control.api.call("PUT", `settings/${name}`, { value });
    await line.control.api.call("POST", "public-ip-ranges", { range: "203.0.113.0/24" });
    await line.control.api.call("PUT", "settings/dns.public.ranges", { value: "true" });
    own = hostPort(line.control.dns?.[0] ?? "").port;
    await eventually(async () => assert.equal((await said(own, `203-0-113-7.${DOMAIN}`, "A"))[0], "NOERROR"));
  });
  after(async () => await opened.disposeAsync());

  /** `porthole dns zone --range 203.0.113.0/24 > console.example.com.zone`. */
  async function print(folder: string): Promise<void> {
    const [command = "", file = ""] = documented(/print all names.*?```\n(.*?)```/s).split(" > ");
    const { status, out, err } = await line.porthole(command.split(" ").slice(1));
    assert.equal(status, 0, err);
    writeFileSync(join(folder, file.trim()), out);
    assert.equal(file.trim(), FILE);
  }

  /** A second node comes, and the zone is printed again, which must be of a later second: the serial is the time. */
  async function printAgain(folder: string, publicAddress: string): Promise<AsyncDisposable> {
    const before = Date.now();
    const second = new AsyncDisposableStack();
    const told = async () => (await said(own, DOMAIN, "A")).includes(`${DOMAIN}. A ${publicAddress}`);
    // What is printed is read from the table; control's own answers follow it.
    second.defer(() => eventually(async () => assert.equal(await told(), false)));
    second.use(await startNode(line.control, { args: ["--public-address", publicAddress] }));
    await eventually(() => assert.ok(Date.now() >= before + 1000));
    await eventually(async () => assert.equal(await told(), true));
    await print(folder);
    return second;
  }

  async function answersAsControlDoes(server: NameServer): Promise<void> {
    for (const question of QUESTIONS)
      assert.deepEqual(
        await said(server.port, ...question),
        await said(own, ...question),
        question.join(" "),
      );
  }

  test("PowerDNS takes the printed zone while it runs, and answers as control does, and anew when it is printed anew", async () => {
    await using folder = scratch();
    await using server = await startPowerDns(folder.path);
    const recipe = documented(/\*\*PowerDNS\*\*.*?```\n(.*?)```/s)
      .trimEnd()
      .split("\n");
    const load = async () => {
      const spoken: string[] = [];
      for (const each of recipe) spoken.push(await server.type(each));
      return spoken.join("");
    };
    const later: Question = [`198-51-100-9.${DOMAIN}`, "A"];
    // Whoever asks too early must not be what keeps everybody else waiting.
    assert.deepEqual(await said(server.port, `203-0-113-7.${DOMAIN}`, "A"), ["REFUSED"]);

    await print(folder.path);
    const checked = await load();

    assert.match(checked, /0 errors, 0 warnings/);
    await answersAsControlDoes(server);
    assert.equal((await said(server.port, ...later))[0], "NXDOMAIN");
    await using _second = await printAgain(folder.path, "198.51.100.9");
    await load();
    assert.equal((await said(server.port, ...later))[0], "NOERROR");
    await answersAsControlDoes(server);
  });

  test("BIND serves the printed zone, answers as control does, and anew when it is printed anew", async () => {
    await using folder = scratch();
    await print(folder.path);
    const file = join(folder.path, FILE);
    const zones = documented(/```named\n(.*?)```/s).replace(`/etc/bind/${FILE}`, file);
    assert.ok(zones.includes(file));
    const later: Question = [`198-51-100-10.${DOMAIN}`, "A"];
    await using server = await startBind(folder.path, zones);

    await answersAsControlDoes(server);
    assert.equal((await said(server.port, ...later))[0], "NXDOMAIN");
    await using _second = await printAgain(folder.path, "198.51.100.10");
    await server.type(`rndc reload ${DOMAIN}`);
    await eventually(async () => assert.equal((await said(server.port, ...later))[0], "NOERROR"));
    await answersAsControlDoes(server);
  });

  test("PowerDNS Recursor finds the domain by the setting that is told", async () => {
    await using folder = scratch();
    const setting = documented(/`(forward-zones=[^`]+)`/);
    const here = setting.replaceAll(/203\.0\.113\.[23]/g, `127.0.0.1:${own}`);
    assert.notEqual(here, setting);

    await using recursor = await startRecursor(folder.path, here);

    await answersAsControlDoes(recursor);
  });
});
