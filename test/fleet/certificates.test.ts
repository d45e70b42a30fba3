import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Certificate } from "#wire/certificate.ts";
import { type CommandLine, startCommandLine } from "../harness/command-line.ts";
import { lacking } from "../harness/requirements.ts";

/** Chosen by nobody: long enough for openssl, and with what a shell or a form would change. */
const PASSPHRASE = "a 'pass' phrase & more";
const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const skip = lacking("openssl");

let line: CommandLine;
before(async () => {
  line = await startCommandLine();
});
after(async () => await line[Symbol.asyncDispose]());

test("what docs/operations/certificates.md says works as it stands there", { skip }, async (t) => {
  const file = new URL("../../docs/operations/certificates.md", import.meta.url);
  const blocks = [...readFileSync(file, "utf8").matchAll(/^```sh\n(.*?)^```$/gms)].map(
    ([, text = ""]) => text,
  );
  const commands = blocks.flatMap((block) => block.trim().split("\n"));
  writeFileSync(join(line.folder, "passphrase"), `${PASSPHRASE}\n`);
  newAuthority();
  newShim();

  assert.ok(commands.length >= 15);
  for (const command of commands)
    await t.test(command, async () => {
      const tool = command.split(" ")[0];
      if (tool === "certbot") certbotRenews(command);
      else shell(command.replaceAll("/etc/letsencrypt/live/company.com", "live"));
      if (command.includes("yourrequest.csr")) authorityAnswers();
    });

  const listed = await line.json<readonly Certificate[]>("certificate", "list");
  assert.deepEqual(
    listed.map(({ names, pool }) => [names, pool]),
    [[["*.company.com", "company.com"], undefined]],
  );
  const { value } = await line.json<{ value: string }>("setting", "get", "consoleproxy.url.domain");
  assert.equal(value, "*.company.com");
  assert.match(readFileSync(join(line.folder, "porthole-ca.pem"), "utf8"), /^-----BEGIN CERTIFICATE-----\n/);
});

test("everything that is wrong is said, one problem a line, and nothing secret", { skip }, async () => {
  openssl("req -x509 -newkey rsa:1024 -nodes -keyout weak.key -out weak.pem -subj /CN=x");
  openssl("genrsa -aes256 -passout file:secret -out locked.key 2048", { secret: PASSPHRASE });
  const upload = async (...args: string[]) => await line.porthole(["certificate", "upload", ...args]);

  const weak = await upload("--certificate", "weak.pem", "--key", "locked.key");
  const wrong = await upload(
    "--certificate",
    "weak.pem",
    "--key",
    "locked.key",
    "--passphrase-file",
    "secret2",
  );
  const none = await upload();
  const absent = await upload("--certificate", "absent.pem");
  const large = await line.porthole(["certificate", "upload", "--certificate", "-"], {
    input: "x".repeat(5 << 20),
  });

  assert.equal(weak.status, 2);
  assert.match(weak.err, /^- the private key is encrypted, and its passphrase is missing$/m);
  assert.match(weak.err, /^- the certificate “CN=x” has a weak key: RSA of 1024 bits/m);
  assert.equal(wrong.status, 2);
  assert.deepEqual([none.status, absent.status, large.status], [2, 2, 2]);
  assert.match(none.err, /--certificate fullchain\.pem --key privkey\.pem/);
  assert.match(large.err, /larger than is taken/);
  for (const { out, err } of [weak, wrong]) assert.doesNotMatch(out + err, /PRIVATE KEY|pass' phrase/);
});

/** A command of the document, where openssl asks for passphrases on standard input for want of a terminal. */
function shell(command: string): void {
  execFileSync("setsid", ["--wait", "sh", "-c", command], {
    cwd: line.folder,
    input: `${PASSPHRASE}\n`.repeat(4),
    env: environment(),
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** What certbot does with its hook once it has renewed something. */
function certbotRenews(command: string): void {
  const hook = /--deploy-hook "([^"]+)"/.exec(command)?.[1];
  assert.ok(hook !== undefined);
  const lineage = join(line.folder, "live");
  mkdirSync(lineage);
  copyFileSync(join(line.folder, "fullchain.pem"), join(lineage, "fullchain.pem"));
  copyFileSync(join(line.folder, "yourprivate.pkcs8.key"), join(lineage, "privkey.pem"));
  const env = { ...environment(), RENEWED_LINEAGE: lineage, RENEWED_DOMAINS: "company.com *.company.com" };
  const out = execFileSync("/bin/sh", ["-c", hook], { cwd: "/", env, encoding: "utf8" });
  assert.match(out, /\*\.company\.com, company\.com/);
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${line.folder}/bin:${process.env["PATH"]}`, PORTHOLE_CONFIG: line.config };
}

/** `porthole`, as a person has it. */
function newShim(): void {
  mkdirSync(join(line.folder, "bin"));
  const shim = join(line.folder, "bin/porthole");
  writeFileSync(shim, `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
  chmodSync(shim, 0o755);
}

function newAuthority(): void {
  openssl("req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /CN=root -days 3650");
  openssl("req -new -newkey rsa:2048 -nodes -keyout between.key -out between.csr -subj /CN=between");
  writeFileSync(join(line.folder, "authority"), "basicConstraints=critical,CA:true\n");
  openssl(
    "x509 -req -in between.csr -CA root.pem -CAkey root.key -out between.pem -extfile authority -days 365",
  );
}

function authorityAnswers(): void {
  openssl(
    "x509 -req -in yourrequest.csr -CA between.pem -CAkey between.key -copy_extensions copyall -out leaf.pem",
  );
  const answer = ["leaf.pem", "between.pem", "root.pem"].map((name) => readFileSync(join(line.folder, name)));
  writeFileSync(join(line.folder, "fullchain.pem"), Buffer.concat(answer));
}

function openssl(command: string, files: Readonly<Record<string, string>> = {}): void {
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(line.folder, name), text);
    writeFileSync(join(line.folder, `${name}2`), `${text} and more`);
  }
  execFileSync("openssl", command.split(" "), { cwd: line.folder, stdio: ["ignore", "ignore", "pipe"] });
}
