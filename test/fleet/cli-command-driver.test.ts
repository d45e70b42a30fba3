import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeCommand } from "../harness/command-hypervisor.ts";
import { startCommandLine } from "../harness/command-line.ts";
import { eventually } from "../harness/eventually.ts";
import { scratch } from "../harness/scratch.ts";

test("an executable of the operator's is a hypervisor that is added, tested and told its secret", async () => {
  await using folder = scratch();
  const drivers = join(folder.path, "drivers");
  mkdirSync(drivers, { mode: 0o755 });
  const script = `#!/bin/sh
case "$(cat)" in
  *'"target":"there"'*'"secret":"s3cr3t"'*) echo '{"machines": [{"address": "a", "name": "a", "power": "stopped"}]}' ;;
  *) echo '{"error": {"reason": "credentials", "message": "it takes another secret"}}' ;;
esac
`;
  writeFileSync(join(drivers, "cloud"), script, { mode: 0o755 });
  const [right, wrong] = [join(folder.path, "right"), join(folder.path, "wrong")];
  writeFileSync(right, "s3cr3t\n");
  writeFileSync(wrong, "guess\n");
  await using line = await startCommandLine({ controlArgs: ["--command-drivers", drivers] });
  const add = ["hypervisor", "add"];
  const command = ["--platform", "command", "--address", "cloud:there"];

  const { address } = await line.json<{ readonly address: string }>(
    ...add,
    "c1",
    ...command,
    "--secret-file",
    right,
  );
  await line.json(...add, "c2", ...command, "--secret-file", wrong);
  await line.json(...add, "c3", "--platform", "command", "--address", "nonesuch");
  const outside = await line.porthole([...add, "c4", "--platform", "command", "--address", "../cloud"]);
  const [answered, refused, absent] = await Promise.all(
    ["c1", "c2", "c3"].map(async (name) => await line.porthole(["hypervisor", "test", name])),
  );

  assert.equal(address, "cloud:there");
  assert.match(answered?.out ?? "", /c1 answers, and has 1 machine\./);
  assert.match(refused?.err ?? "", /fails at “credentials”: it takes another secret/);
  assert.match(absent?.err ?? "", /fails at “command”: nonesuch ENOENT/);
  assert.match(outside.err, /must be EXECUTABLE or EXECUTABLE:TARGET/);
});

test("of one that never answers it is said as it is added at which step it hangs, and not that control does", async () => {
  await using folder = scratch();
  const drivers = join(folder.path, "drivers");
  mkdirSync(drivers);
  writeFileSync(join(drivers, "hangs"), "#!/bin/sh\nexec tail -f /dev/null\n", { mode: 0o755 });
  await using line = await startCommandLine({ controlArgs: ["--command-drivers", drivers] });

  const { status, err } = await line.porthole([
    ...["hypervisor", "add", "slow", "--platform", "command", "--address", "hangs"],
  ]);

  assert.equal(status, 0, err);
  // Either it or whoever asks has waited for so long first.
  assert.match(err, /way to slow fails at “answer”: (no answer in time|list has not answered within 30 s)\n/);
  assert.doesNotMatch(err, /cannot be reached/);
});

test("a machine of a hypervisor is stopped and started by its name, and the list follows", async () => {
  await using folder = scratch();
  const [drivers, power] = [join(folder.path, "drivers"), join(folder.path, "power")];
  writeCommand(drivers);
  writeFileSync(power, "running");
  await using line = await startCommandLine({ controlArgs: ["--command-drivers", drivers] });
  const host = ["--platform", "command", "--address", `test.mjs:${power}`, "--project", "default"];
  await line.json("hypervisor", "add", "host", ...host);
  const inState = async (state: string) =>
    await eventually(async () => {
      const machines = await line.json<readonly { name: string; state: string }[]>("machine", "list");
      assert.equal(machines.find(({ name }) => name === "web")?.state, state);
    });
  await inState("running");

  const file = join(folder.path, "screen.png");
  const saved = await line.porthole(["machine", "screenshot", "web", "--output", file]);
  assert.equal(saved.out, `The screen of “web” is in ${file}.\n`);
  assert.match(readFileSync(file, "latin1"), /^.PNG/);
  const stopped = await line.porthole(["machine", "stop", "web"]);
  await inState("stopped");
  const again = await line.porthole(["machine", "reset", "web"]);
  const started = await line.json<{ readonly name: string }>("machine", "start", "web");
  await inState("running");
  await line.json("machine", "add", "by-hand", "--address", "192.0.2.1:5900");
  const manual = await line.porthole(["machine", "start", "by-hand"]);

  assert.equal(stopped.out, "Machine “web” was asked to shut down.\n");
  assert.equal(started.name, "web");
  assert.equal(readFileSync(power, "utf8"), "running");
  assert.notEqual(again.status, 0);
  assert.match(again.err, /not in a state for that/);
  assert.match(manual.err, /registered by hand/);
});
