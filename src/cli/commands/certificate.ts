import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { Type } from "typebox";
import { Certificate, type NewCertificate, NodeAuthority } from "#wire/certificate.ts";
import { lastingOf } from "#wire/certificate-end.ts";
import { Nothing } from "../api-client.ts";
import { renewedLineage } from "../config.ts";
import { CliFailure } from "../exit-status.ts";
import { action, type CliContext, find, type Invocation, readSecret } from "../invocation.ts";
import type { Field, Output } from "../output/output.ts";
import { remedyOf, warnOfEnds } from "./ends.ts";

interface UploadOptions {
  readonly certificate?: string;
  readonly key?: string;
  readonly root?: string;
  readonly pkcs12?: string;
  readonly passphraseFile?: string;
  readonly domain?: string;
  readonly pool?: string;
}

/** What console nodes show to browsers. */
export function certificateCommands(program: Command, context: CliContext): void {
  const certificate = program.command("certificate").description("What console nodes show to browsers");
  certificate
    .command("upload")
    .description(
      "Give console nodes a certificate; run by certbot as a deploy hook, it takes what was renewed",
    )
    .option("--certificate <file>", "PEM: the certificate and those of its authorities, in any order")
    .option("--key <file>", "PEM: its private key, where that is not in the same file")
    .option("--root <file>", "PEM: the root of an authority of your own")
    .addOption(
      new Option(
        "--pkcs12 <file>",
        "all of these in one file, the root of an authority of your own included",
      ).conflicts(["certificate", "key", "root"]),
    )
    .option("--passphrase-file <file>", "file with the passphrase of the key; - reads it from standard input")
    .option("--domain <domain>", "sets consoleproxy.url.domain as well")
    .option("--pool <pool>", "the pool whose nodes show it; all that have none of their own, if absent")
    .action(action(context, upload));
  certificate
    .command("list")
    .description("The certificates that were uploaded, and when they end")
    .action(action(context, list));
  certificate
    .command("delete <certificate>")
    .description("Take a certificate away, by its id or its pool")
    .action(action(context, remove));
  certificate
    .command("authority")
    .description(
      "The installation's own CA, for browsers that are to trust it: PEM; the same as porthole node authority",
    )
    .action(action(context, authority));
}

async function upload({ api, output }: Invocation, options: UploadOptions): Promise<void> {
  const { passphraseFile, domain, pool } = options;
  const body: NewCertificate = {
    ...(await contentsOf(options)),
    ...(passphraseFile === undefined ? {} : { passphrase: await readSecret(passphraseFile) }),
    ...(domain === undefined ? {} : { domain }),
    ...(pool === undefined ? {} : { pool }),
  };
  const made = await api.call({ method: "POST", path: ["certificates"], body, answer: Certificate });
  output.record(made, fields(output));
  warnOf([made], output);
}

async function contentsOf(options: UploadOptions): Promise<NewCertificate> {
  if (options.pkcs12 !== undefined) return { pkcs12: (await readBytes(options.pkcs12)).toString("base64") };
  const lineage = options.certificate === undefined ? renewedLineage() : undefined;
  const certificate =
    options.certificate ?? (lineage === undefined ? undefined : join(lineage, "fullchain.pem"));
  const key = options.key ?? (lineage === undefined ? undefined : join(lineage, "privkey.pem"));
  if (certificate === undefined)
    throw new CliFailure("usage", "no certificate is named", {
      remedy: "Name its files: porthole certificate upload --certificate fullchain.pem --key privkey.pem",
    });
  const root = options.root === undefined ? "" : `\n${await readSecret(options.root)}`;
  return {
    certificate: (await readSecret(certificate)) + root,
    ...(key === undefined ? {} : { privateKey: await readSecret(key) }),
  };
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliFailure("usage", `${path}: ${reason}`, { cause });
  }
}

async function list({ output, ...invocation }: Invocation): Promise<void> {
  const all = await allCertificates(invocation);
  output.list(
    all,
    fields(output),
    "No certificates were uploaded. Upload one: porthole certificate upload --certificate FILE --key FILE",
  );
  warnOf(all, output);
}

function warnOf(certificates: readonly Certificate[], output: Output): void {
  warnOfEnds(
    output,
    certificates.map((certificate) => ({
      what: `the certificate of ${certificate.names.slice(0, 3).join(", ")} (${certificate.pool ?? "all pools"})`,
      notAfter: certificate.notAfter,
      how: lastingOf(certificate, output.now()),
      remedy: remedyOf(certificate),
    })),
  );
}

async function remove({ api, output }: Invocation, text: string): Promise<void> {
  const all = await allCertificates({ api });
  const { id, names } = await find(text, {
    noun: "certificate",
    byId: async (wanted) => all.find((each) => each.id === wanted),
    byName: async (wanted) => all.filter(({ pool }) => pool === wanted),
    distinction: (same) => `Name it by its id: ${same.map((each) => each.id).join(", ")}.`,
  });
  await api.call({ method: "DELETE", path: ["certificates", id], answer: Nothing });
  output.result({ id }, `The certificate of ${names.join(", ")} is taken away.`);
}

async function authority({ api, output }: Invocation): Promise<void> {
  const answer = await api.call({
    method: "GET",
    path: ["certificates", "authority"],
    answer: NodeAuthority,
  });
  output.result(answer, answer.certificate.trim());
}

async function allCertificates({ api }: Pick<Invocation, "api">): Promise<readonly Certificate[]> {
  const answer = Type.Object({ items: Type.Array(Certificate) });
  return (await api.call({ method: "GET", path: ["certificates"], answer })).items;
}

function fields(output: Output): readonly Field<Certificate>[] {
  return [
    { title: "NAMES", value: ({ names }) => names.join(", ") },
    { title: "POOL", value: ({ pool }) => pool ?? "(all)" },
    {
      title: "ENDS",
      value: ({ notAfter }) => output.time(notAfter),
      tone: (certificate) => (lastingOf(certificate, output.now()) === "good" ? "plain" : "bad"),
    },
    { title: "ISSUER", spare: true, value: ({ issuer }) => issuer },
    { title: "FROM", spare: true, value: ({ source }) => source },
    { title: "SINCE", spare: true, value: ({ createdAt }) => output.time(createdAt) },
    { title: "ID", keep: true, value: ({ id }) => id },
  ];
}
