#!/usr/bin/env node
// A command driver for Porthole (docs/command-driver.md): machines of QEMU on this host, which have no libvirt. Each is a file in
// one folder, which is the target of the hypervisor's address:
//
//   /srv/machines/web-1.json   {"name": "web-1", "guest": "linux", "qemu": ["-m", "512", "-drive", "file=/srv/web-1.qcow2"]}
//
//   porthole control --command-drivers /etc/porthole/drivers …
//   porthole hypervisor add lab --platform command --address qemu-folder.mjs:/srv/machines
//
// A machine that runs has a QMP socket beside its file, and its VNC and its serial line on UNIX sockets there, which a node on this
// host dials where upstream.allow has unix:/srv/machines/*.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [verb] = process.argv.slice(2);
const { target: folder, address, action, protocol } = JSON.parse(readFileSync(0, "utf8"));

class Refusal extends Error {
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

const verbs = {
  async list() {
    const files = readdirSync(folder).filter((file) => /^[\w-]+\.json$/.test(file));
    return { machines: await Promise.all(files.map((file) => machine(file.slice(0, -".json".length)))) };
  },

  async machine() {
    if (!isThere()) return { machine: null };
    const consoles = [{ protocol: "rfb" }, { protocol: "serial" }];
    return { machine: { ...(await machine(address)), consoles } };
  },

  async resolve() {
    if ((await statusOf(address)) === undefined) throw new Refusal("machine_not_running", "it is off");
    if (protocol === "serial") return { line: { socket: join(folder, `${address}.serial`) } };
    return { upstream: { socket: join(folder, `${address}.vnc`) } };
  },

  async power() {
    if (action === "start") start();
    else await qmp(address, async (tell) => await tell(ORDERS[action]));
    return {};
  },

  async screenshot() {
    const scratch = mkdtempSync(join(tmpdir(), "qemu-folder-"));
    const filename = join(scratch, "screen.png");
    try {
      await qmp(address, async (tell) => await tell("screendump", { filename, format: "png" }));
      return { mediaType: "image/png", base64: readFileSync(filename, "base64") };
    } finally {
      rmSync(scratch, { recursive: true });
    }
  },
};

/** What QEMU calls them; it has no restart that asks the guest. */
const ORDERS = { stop: "system_powerdown", cut: "quit", restart: "system_reset", reset: "system_reset" };

async function machine(id) {
  const { name = id, guest = "unknown" } = described(id);
  return { address: id, name, guest, power: (await statusOf(id)) ?? "stopped" };
}

/** "running" or "paused"; undefined where no QEMU answers. */
async function statusOf(id) {
  try {
    const { running } = await qmp(id, async (tell) => await tell("query-status"));
    return running ? "running" : "paused";
  } catch (error) {
    if (error.reason === "machine_not_running") return undefined;
    throw error;
  }
}

function start() {
  const { qemu = [] } = described(address);
  const [control, vnc, line] = ["qmp", "vnc", "serial"].map((kind) => join(folder, `${address}.${kind}`));
  const listening = "server=on,wait=off";
  const sockets = ["-qmp", `unix:${control},${listening}`, "-vnc", `unix:${vnc}`];
  sockets.push("-serial", `unix:${line},${listening}`);
  const own = ["-name", address, "-display", "none", "-daemonize"];
  const { status, stderr } = spawnSync("qemu-system-x86_64", [...qemu, ...own, ...sockets], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Refusal("answer", `QEMU does not start: ${stderr}`.slice(0, 1000));
}

/** One connection to a machine's QMP, for as long as it is talked to. */
async function qmp(id, talk) {
  const socket = connect(join(folder, `${id}.qmp`));
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const tell = async (execute, args = {}) => {
    socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    for (let line = await lines.next(); !line.done; line = await lines.next()) {
      const answer = JSON.parse(line.value);
      if (answer.error) throw new Refusal("answer", `QEMU: ${answer.error.desc}`);
      if (answer.return) return answer.return;
    }
    if (execute === "quit") return {};
    throw new Refusal("answer", "QEMU closed the connection");
  };
  try {
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    await tell("qmp_capabilities");
    return await talk(tell);
  } catch (error) {
    if (["ENOENT", "ECONNREFUSED"].includes(error.code))
      throw new Refusal("machine_not_running", "it is off");
    throw error;
  } finally {
    socket.destroy();
  }
}

function isThere() {
  return /^[\w-]+$/.test(address) && existsSync(join(folder, `${address}.json`));
}

function described(id) {
  try {
    return JSON.parse(readFileSync(join(folder, `${id}.json`), "utf8"));
  } catch (error) {
    throw new Refusal("command", `${id}.json cannot be read: ${error.message}`);
  }
}

try {
  if (!(verb in verbs)) throw new Refusal("not_supported", `there is no ${verb} here`);
  if (verb !== "list" && verb !== "machine" && !isThere())
    throw new Refusal("machine_gone", "it has no file");
  process.stdout.write(JSON.stringify(await verbs[verb]()));
} catch (error) {
  // Node's own last words are its version, which would be all that Porthole tells.
  const { reason = "command", message } = error;
  process.stdout.write(JSON.stringify({ error: { reason, message } }));
}
