import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createConsoleEndpoint } from "../../examples/open-console.ts";
import { type CommandLine, run, startCommandLine } from "../harness/command-line.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/open-console.ts", import.meta.url));

let line: CommandLine;
before(async () => {
  line = await startCommandLine();
});
after(async () => await line?.[Symbol.asyncDispose]());

describe("the configuration", () => {
  test("comes from the environment before a file, and from ./data/cli.toml where no file is named", async () => {
    const wrong = await line.porthole(["machine", "list"], { env: { PORTHOLE_SECRET_KEY: "wrong" } });
    const byFlag = await line.porthole(["machine", "list", "--config", line.config], {
      env: { PORTHOLE_CONFIG: "none" },
    });
    const nowhere = await line.porthole(["machine", "list"], {
      env: { PORTHOLE_CONFIG: "", XDG_CONFIG_HOME: line.folder },
    });
    const all = {
      PORTHOLE_URL: line.control.control,
      PORTHOLE_API_KEY: line.control.apiKey,
      PORTHOLE_SECRET_KEY: line.control.secretKey,
    };
    const onlyEnvironment = await line.porthole(["machine", "list"], {
      env: { ...all, PORTHOLE_CONFIG: "" },
    });

    assert.equal(wrong.status, 4, wrong.err);
    assert.equal(byFlag.status, 0, byFlag.err);
    assert.equal(nowhere.status, 2);
    assert.match(nowhere.err, /no configuration was found.*Run “npm start” here/);
    assert.equal(onlyEnvironment.status, 0, onlyEnvironment.err);
  });

  test("a file that others can read is warned of, on standard error", async () => {
    const open = join(line.folder, "open.toml");
    writeFileSync(open, readFileSync(line.config));
    chmodSync(open, 0o644);

    const { status, out, err } = await line.porthole(["machine", "list", "--json", "--config", open]);

    assert.equal(status, 0);
    assert.deepEqual(JSON.parse(out), []);
    assert.match(err, /warning: .*open\.toml can be read by others\. Mend it: chmod 600 /);
  });
});

describe("what goes wrong", () => {
  test("wrong commands, options and values are usage, and say where help is", async () => {
    for (const args of [
      ["machin", "list"],
      ["machine", "add", "x"],
      ["machine", "add", "x", "--address", "127.0.0.1:1", "--protocol", "telnet"],
      ["machine", "update", "x"],
      ["session", "list", "--limit", "many"],
      ["machine", "list", "--nonsense"],
      ["machine", "add", "x", "--address", "no port"],
    ]) {
      const { status, out, err } = await line.porthole(args);

      assert.equal(status, 2, args.join(" "));
      assert.notEqual(err, "");
      assert.equal(out, "");
    }
    assert.match((await line.porthole(["machin", "list"])).err, /Did you mean machine\?/);
  });

  for (const [args, message] of [
    [["machine", "add", "x"], /--address/],
    [["machine", "frobnicate"], /unknown command 'frobnicate'/],
    [["machine", "list", "--nope"], /unknown option '--nope'/],
    [["machine"], /a command is missing/],
  ] as const) {
    test(`with --json “porthole ${args.join(" ")}” says in JSON alone what is wrong with it`, async () => {
      const { status, out, err } = await line.porthole([...args, "--json"]);

      assert.deepEqual([status, out], [2, ""]);
      const { error } = JSON.parse(err);
      assert.equal(error.code, "usage");
      assert.match(error.message, message);
      assert.match(error.remedy, /--help/);
    });
  }

  for (const [args, expected, words] of [
    [
      ["setting", "set", "upstream.alow", "x"],
      3,
      /no setting “upstream\.alow”\nDid you mean upstream\.allow\? “porthole setting list”/,
    ],
    [
      ["setting", "get", "frobnicate"],
      3,
      /no setting “frobnicate”\n“porthole setting list” shows all of them/,
    ],
    [["session", "show", "nobody-opened-it"], 3, /no session “nobody-opened-it”\n“porthole session list”/],
    [["session", "show", "../accounts"], 3, /no session “\.\.\/accounts”/],
    [
      ["machine", "add", "a\tb", "--address", "127.0.0.1:1"],
      2,
      /\(name: must be 1 to 128 printable characters, without line ends and tabs\)/,
    ],
    [
      ["project", "remove", "default"],
      1,
      /project “default” stays, because machines .*\nWhoever was not given it/,
    ],
  ] as const)
    test(`“porthole ${args.join(" ")}” names what is wrong, and what to do`, async () => {
      const { status, out, err } = await line.porthole(args);

      assert.deepEqual([status, out], [expected, ""]);
      assert.match(err, words);
      assert.doesNotMatch(err, /\\p|pattern/);
    });

  test("a project that has machines is not removed, and it is said how to find them", async () => {
    const { id } = await line.json<{ id: string }>("project", "add", "still used");
    const address = ["--address", "127.0.0.1:5901"];
    const machine = await line.json<{ id: string }>("machine", "add", "m", ...address, "--project", id);

    const { status, err } = await line.porthole(["project", "remove", "still used"]);
    const [, found = ""] = /“porthole (machine list --project \S+)”/.exec(err) ?? [];

    assert.equal(status, 1);
    assert.match(err, /project “still used” still has machines, and is removed only without/);
    assert.equal((await line.json<unknown[]>(...found.split(" "))).length, 1);
    await line.json("machine", "remove", machine.id);
    await line.json("project", "remove", id);
  });

  test("with --json an error is JSON too, on standard error", async () => {
    const { status, out, err } = await line.porthole(["machine", "show", "nothing", "--json"]);

    assert.equal(status, 3);
    assert.equal(out, "");
    assert.deepEqual(JSON.parse(err).error.message, "there is no machine “nothing”");
  });

  test("a control that is not there, or is something else, has a status of its own", async () => {
    const other = createServer((_request, response) => response.end("<html>hello</html>"));
    const port = await onFreePort(async (free) => {
      await once(other.listen(free, LOOPBACK), "listening");
      return free;
    });
    const env = { PORTHOLE_URL: `http://${LOOPBACK}:${port}` };

    const html = await line.porthole(["machine", "list"], { env });
    other.close();
    other.closeAllConnections();
    const gone = await line.porthole(["machine", "list"], { env });

    assert.equal(html.status, 1);
    assert.match(html.err, /does not speak this version of Porthole's API/);
    assert.equal(gone.status, 5);
    assert.match(gone.err, /cannot be reached: the connection was refused\nSee whether control runs there/);
  });

  for (const [asked, same] of [
    [["help"], ["--help"]],
    [
      ["help", "machine"],
      ["machine", "--help"],
    ],
    [
      ["help", "machine", "add"],
      ["machine", "add", "--help"],
    ],
    [
      ["help", "proxy"],
      ["proxy", "--help"],
    ],
  ] as const)
    test(`“porthole ${asked.join(" ")}” is “porthole ${same.join(" ")}”`, async () => {
      const env = { PORTHOLE_CONFIG: "none" };

      const [said, usual] = [await line.porthole(asked, { env }), await line.porthole(same, { env })];

      assert.equal(said.status, 0, said.err);
      assert.notEqual(said.out, "");
      assert.deepEqual(said, usual);
    });

  test("help and version need no configuration and end with success", async () => {
    const env = { PORTHOLE_CONFIG: "none" };

    for (const args of [[], ["--help"], ["machine", "--help"], ["machine", "add", "--help"], ["--version"]]) {
      const { status, out, err } = await line.porthole(args, { env });

      assert.equal(status, 0, err);
      assert.notEqual(out, "");
      assert.equal(err, "");
    }
  });
});

describe("the example of a portal", () => {
  test("asks for a console by CloudStack's API and prints its address", async () => {
    const { id } = await line.json<{ readonly id: string }>(
      "machine",
      "add",
      "portal",
      "--address",
      "127.0.0.1:5901",
    );
    const keyFile = join(line.folder, "secret-key");
    writeFileSync(keyFile, `${line.control.secretKey}\n`);

    const printed = await run([EXAMPLE, line.control.control, line.control.apiKey, keyFile, id], {});
    const portal = {
      endpoint: line.control.control,
      apiKey: line.control.apiKey,
      secretKey: line.control.secretKey,
    };
    const called = await createConsoleEndpoint(portal, { machineId: id, extraToken: "x" });
    await line.json("machine", "update", id, "--state", "stopped");
    const stopped = await run([EXAMPLE, line.control.control, line.control.apiKey, keyFile, id], {});

    assert.equal(printed.status, 0, printed.err);
    assert.match(printed.out, /^http:\/\/127\.0\.0\.1:\d+\/p\/\S+#token=\S+\n$/);
    assert.equal(called.success, true);
    assert.equal(called.websocket?.extra, "x");
    assert.equal(stopped.status, 1);
    assert.match(stopped.err, /must be running/);
    await assert.rejects(
      createConsoleEndpoint({ ...portal, secretKey: "wrong" }, { machineId: id }),
      /unable to verify user credentials/,
    );
    await line.json("machine", "remove", id);
  });
});
