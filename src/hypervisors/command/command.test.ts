import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { scratch } from "../../../test/harness/scratch.ts";
import type { DriverMachine, HypervisorDriver } from "../driver.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { createCommandDriver } from "./driver.ts";
import { parseCommandAddress } from "./place.ts";

const { signal } = new AbortController();
const MACHINE = { address: "m1", name: "web-1", power: "running", consoles: [{ protocol: "rfb" }] };
const RECORD: DriverMachine = {
  ...{ id: "1", protocol: "rfb", address: "m1", password: undefined, state: "running" },
};

describe("a command's address", () => {
  test("is a name, and a target behind a colon", () => {
    assert.deepEqual(parseCommandAddress("qemu-folder.mjs:/srv/a:b"), {
      name: "qemu-folder.mjs",
      target: "/srv/a:b",
    });
    assert.deepEqual(parseCommandAddress("lab"), { name: "lab", target: undefined });
  });

  for (const wrong of ["", "../lab", "/bin/sh", "a/b", ".hidden", "lab:", ":x", "lab:a\nb", "a b", "-rf"])
    test(`${JSON.stringify(wrong)} is none`, () => {
      assert.throws(() => parseCommandAddress(wrong), Error);
    });
});

describe("what is not the operator's own is not run", () => {
  const refused = async (spoil: (under: Under) => void, reason: RegExp) => {
    await using under = open(`echo '{"machines": []}'`);
    assert.deepEqual(await under.driver.list(signal), []);
    spoil(under);
    await failsAt("command", reason, under.driver.list(signal));
  };

  test("a file that others may write", () =>
    refused(({ file }) => chmodSync(file, 0o775), /can be written by others/));
  test("a file that cannot be run", () => refused(({ file }) => chmodSync(file, 0o644), /EACCES/));
  test("a directory that others may write", () =>
    refused(({ drivers }) => chmodSync(drivers, 0o777), /can be written by others/));
  test("a directory below one that everybody may write", () =>
    refused(({ folder }) => chmodSync(folder, 0o777), /can be written by everybody/));

  test("a link to a file elsewhere", async () => {
    await using under = open("exit 0");
    symlinkSync("/bin/true", join(under.drivers, "link"));

    await failsAt("command", /link to .*, outside of --command-drivers/, under.named("link").list(signal));
  });

  test("a name that is not there, and any where there is no directory", async () => {
    await using under = open("exit 0");

    await failsAt("command", /ENOENT/, under.named("nonesuch").list(signal));
    await failsAt("command", /without --command-drivers/, under.named("driver", null).list(signal));
  });
});

test("what it is told it is told on standard input alone, and it leaves no core file", async () => {
  await using under = open(
    `told=$(cat); printf '%s|%s|%s|%s' "$*" "$(env)" "$(ulimit -c)" "$told" > "$0.told"; echo '{"machines": []}'`,
  );

  await under.driver.list(signal);

  const [words, environment = "", core, told = ""] = readFileSync(`${under.file}.told`, "utf8").split("|");
  assert.equal(words, "list");
  assert.ok(!environment.includes("s3cr3t") && !environment.includes("PORTHOLE_"), environment);
  assert.equal(core, "0");
  assert.deepEqual(JSON.parse(told), {
    version: 1,
    readOnly: false,
    target: "there",
    secret: "s3cr3t-t0k3n",
  });
});

test("one that does not end is told to with all that it started, and nobody waits for that", async () => {
  await using under = open(`trap '' TERM; sleep 1000 & echo $! > "$0.pid"; wait`);
  const reason = new Error("nobody waits");
  const giveUp = new AbortController();

  const asked = under.driver.list(giveUp.signal);
  const pid = await eventually(
    () => Number(readFileSync(`${under.file}.pid`, "utf8")) || assert.fail("not yet"),
  );
  giveUp.abort(reason);

  await assert.rejects(asked, reason);
  await eventually(() => assert.throws(() => process.kill(pid, 0)));
});

test("what it leaves behind ends with it", async () => {
  await using under = open(`sleep 1000 >/dev/null 2>&1 & echo $! > "$0.pid"; echo '{"machines": []}'`);

  await under.driver.list(signal);

  const pid = Number(readFileSync(`${under.file}.pid`, "utf8"));
  await eventually(() => assert.throws(() => process.kill(pid, 0)));
});

test("no more run at once than there is a bound for, and all are answered", async () => {
  await using under = open(`mkdir "$0.$$"; ls -d "$0".* | wc -l >> "$0-most"; sleep 0.1; rmdir "$0.$$"
    echo '{"machines": []}'`);

  await Promise.all(Array.from({ length: 12 }, () => under.driver.list(signal)));

  const most = readFileSync(`${under.file}-most`, "utf8").trim().split("\n").map(Number);
  assert.equal(most.length, 12);
  assert.ok(Math.max(...most) <= 4, `${most}`);
});

describe("what it answers is judged, and the step and the place are named", () => {
  const wrong: readonly [string, step: HypervisorError["step"], reason: RegExp, script: string][] = [
    ["no JSON", "answer", /did not answer with JSON/, "echo hello"],
    ["not UTF-8", "answer", /did not answer with JSON/, `printf '"\\377"'`],
    ["nothing", "answer", /did not answer with JSON/, "exit 0"],
    ["a member that is none", "answer", /as documented/, `echo '{"machines": [], "more": 1}'`],
    [
      "a power that is none",
      "answer",
      /\/machines\/0/,
      `echo '{"machines": [{"address":"a","name":"a","power":"on"}]}'`,
    ],
    [
      "one address twice",
      "answer",
      /two machines of one address/,
      `echo '{"machines": [{"address":"a","name":"a","power":"stopped"},{"address":"a","name":"b","power":"stopped"}]}'`,
    ],
    ["far too much", "command", /says too much/, "yes"],
    ["a failure", "command", /status 3: no route/, "echo no route >&2; exit 3"],
    ["a refusal", "credentials", /^the token is old$/, refusal("credentials", "the token is old")],
  ];
  for (const [what, step, reason, script] of wrong)
    test(what, async () => {
      await using under = open(script);

      await failsAt(step, reason, under.driver.list(signal));
    });

  test("another machine than was asked for", async () => {
    await using under = open(`echo '${JSON.stringify({ machine: { ...MACHINE, address: "m2" } })}'`);

    await failsAt("answer", /another machine/, under.driver.find("m1", signal));
  });

  for (const [reason, code] of [
    ["machine_gone", "machine_gone"],
    ["machine_not_running", "machine_not_running"],
    ["not_supported", "upstream_refused"],
  ] as const)
    test(`the reason ${reason}, whose message is for administrators alone`, async () => {
      await using under = open(refusal(reason, "it says why"));

      const error = await under.driver.resolve(RECORD).catch((failure: unknown) => failure);

      assert.ok(error instanceof GatewayError && error.cause instanceof Error, String(error));
      assert.equal(error.code, code);
      assert.equal(error.cause.message, "it says why");
      assert.doesNotMatch(JSON.stringify(error.toPublic()), /it says why/);
    });
});

test("what it complains about is told without what it was told in confidence", async () => {
  await using under = open(`cat >&2; echo '{"machines": []}'`);

  await under.driver.list(signal);

  assert.equal(under.complaints.length, 1);
  assert.match(under.complaints[0] ?? "", /^\{"version":1,.*"secret":"…"/);
});

test("of a long complaint the end is told", async () => {
  await using under = open(
    `for line in $(seq 1000); do echo "line $line" >&2; done; echo '{"machines": []}'`,
  );

  await under.driver.list(signal);

  assert.match(under.complaints[0] ?? "", /line 1000$/);
});

test("a message has nothing of the secret either, and no cause has that stands in logs beside it", async () => {
  await using under = open("cat >&2; exit 1");

  await failsAt("command", /"secret":"…"/, under.driver.list(signal));
  const error = await under.driver.list(signal).catch((failure: unknown) => failure);
  assert.doesNotMatch(inspect(error, { depth: null }), /s3cr3t/);
});

test("TLS on record is demanded, and a password of the answer goes before that on record", async () => {
  await using under = open(
    `echo '{"upstream": {"host": "kvm.example.com", "port": 5901, "password": "of the answer"}}'`,
  );
  const machine: DriverMachine = {
    ...RECORD,
    password: new Secret("on record"),
    tls: { mode: "verify", clientKey: undefined },
  };

  const upstream = await under.driver.resolve(machine);
  const shown = await under.named("driver", under.drivers, true).resolve(machine);

  assert.deepEqual(upstream, {
    address: { kind: "tcp", host: "kvm.example.com", port: 5901 },
    password: "of the answer",
    tls: { mode: "verify", serverName: "kvm.example.com" },
  });
  assert.equal(shown.password, "on record", "who may only look is not told passwords");
});

describe("a serial line", () => {
  const consoles = (...list: object[]) =>
    `echo '${JSON.stringify({ machine: { ...MACHINE, consoles: list } })}'`;
  const LINE: DriverMachine = { ...RECORD, protocol: "serial", password: new Secret("of the screen") };
  const TLS = { mode: "pin", pin: `sha256:${"ab".repeat(32)}` } as const;

  test("is asked for by its protocol, and is as the command says", async () => {
    await using under = open(`case "$(cat)" in
      *'"protocol":"serial"'*) cat "$0.line";;
      *'"protocol":"rfb"'*) echo '{"upstream": {"host": "10.0.0.7", "port": 5901}}';;
    esac`);
    const lineOf = async (line: object) => {
      writeFileSync(`${under.file}.line`, JSON.stringify({ line }));
      return await under.driver.resolve(LINE);
    };

    assert.deepEqual((await under.driver.resolve(RECORD)).address, {
      ...{ kind: "tcp", host: "10.0.0.7", port: 5901 },
    });
    assert.deepEqual(await lineOf({ host: "10.0.0.7", port: 7001, telnet: true }), {
      address: { kind: "tcp", host: "10.0.0.7", port: 7001 },
      telnet: true,
    });
    assert.deepEqual(await lineOf({ socket: "/srv/web.serial" }), {
      address: { kind: "unix", path: "/srv/web.serial" },
    });
    assert.deepEqual(await lineOf({ host: "10.0.0.7", port: 7002, tls: TLS }), {
      address: { kind: "tls", host: "10.0.0.7", port: 7002 },
      tls: TLS,
    });
    await failsAt("answer", /as documented/, lineOf({ socket: "/srv/web.serial", password: "of nobody" }));
  });

  test("is no screen, and no screen is one, whatever a command answers", async () => {
    await using blind = open(`echo '{"upstream": {"host": "10.0.0.7", "port": 5901}}'`);
    await using deaf = open(`echo '{"line": {"host": "10.0.0.7", "port": 7001}}'`);

    await failsAt("answer", /“upstream” where “line” was asked for/, blind.driver.resolve(LINE));
    await failsAt("answer", /“line” where “upstream” was asked for/, deaf.driver.resolve(RECORD));
  });

  test("bears one connection unless it is said to bear several, and a screen the other way round", async () => {
    await using under = open(
      consoles({ protocol: "rfb" }, { protocol: "serial" }, { protocol: "serial", exclusive: true }),
    );
    await using turned = open(
      consoles({ protocol: "serial", exclusive: false }, { protocol: "rfb", exclusive: true }),
    );
    const both = { running: true, protocols: ["rfb", "serial"] };

    assert.deepEqual(await under.driver.check(LINE), { ...both, isExclusive: true });
    assert.deepEqual(await under.driver.check(RECORD), both);
    assert.deepEqual(await turned.driver.check(LINE), both);
    assert.deepEqual(await turned.driver.check(RECORD), { ...both, isExclusive: true });
    assert.deepEqual(await turned.driver.consoles("m1", signal), [
      { protocol: "serial", isExclusive: false },
      { protocol: "rfb", isExclusive: true },
    ]);
  });
});

test("who may only look switches nothing", async () => {
  await using under = open(`touch "$0.ran"; echo '{}'`);

  await failsAt("rights", /show only/, under.named("driver", under.drivers, true).power("m1", "cut", signal));
  assert.throws(() => readFileSync(`${under.file}.ran`));
});

test("whoever follows is told of its end when the list fails, and follows anew", async () => {
  await using under = open(`[ -e "$0.down" ] && exit 1; echo '{"machines": []}'`);
  const { ended } = await under.driver.follow(() => {}, signal);

  writeFileSync(`${under.file}.down`, "");
  const why = await ended;
  assert.ok(why instanceof HypervisorError && why.step === "command");
  await assert.rejects(
    under.driver.follow(() => {}, signal),
    { code: "upstream_unreachable" },
  );
});

type Under = ReturnType<typeof open>;

function refusal(reason: string, message: string): string {
  return `echo '${JSON.stringify({ error: { reason, message } })}'`;
}

function open(script: string) {
  const folder = scratch();
  const drivers = join(folder.path, "drivers");
  mkdirSync(drivers, { mode: 0o755 });
  const file = join(drivers, "driver");
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const complaints: string[] = [];
  const opened: HypervisorDriver[] = [];
  const named = (name: string, directory: string | null = drivers, isReadOnly = false) => {
    const driver = createCommandDriver(
      {
        ...{ name, target: "there", isReadOnly, secret: new Secret("s3cr3t-t0k3n") },
        place: {
          directory: directory ?? undefined,
          env: { PATH: "/usr/bin:/bin", PORTHOLE_DATABASE: "not for it" },
          onComplaint: ({ said }) => void complaints.push(said),
        },
      },
      { pollMs: 20 },
    );
    opened.push(driver);
    return driver;
  };
  return {
    ...{ folder: folder.path, drivers, file, complaints, named, driver: named("driver") },
    [Symbol.asyncDispose]: async () => {
      for (const each of opened) await each[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function failsAt(step: HypervisorError["step"], reason: RegExp, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof GatewayError && error.cause instanceof HypervisorError, String(error));
    assert.equal(error.cause.step, step, error.cause.message);
    assert.match(error.cause.message, reason);
    return true;
  });
}
