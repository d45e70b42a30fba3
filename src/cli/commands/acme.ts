import { type Command, Option } from "commander";
import { Acme, type AcmeChange } from "#wire/acme.ts";
import { Nothing } from "../api-client.ts";
import { CliFailure } from "../exit-status.ts";
import { action, type CliContext, type Invocation, readSecret } from "../invocation.ts";
import type { Output } from "../output/output.ts";

interface ConfigureOptions {
  readonly directory?: string;
  readonly contact?: string;
  readonly agreeTerms?: boolean;
  readonly challenge?: "dns-01" | "http-01";
  readonly eabKeyId?: string;
  readonly eabHmacFile?: string;
  /** `false` for the option that takes it away. */
  readonly eab?: boolean;
  readonly root?: string | false;
  readonly replaceUpload?: boolean;
}

/** Certificates of console nodes that come from an authority by themselves. */
export function acmeCommands(program: Command, context: CliContext): void {
  const acme = program
    .command("acme")
    .description("Certificates of console nodes that come from an authority by themselves");
  acme
    .command("configure")
    .description("Turn it on, or change what is said; what is not named stays as it is")
    .option("--directory <url>", "the authority's ACME directory; Let's Encrypt's, if nothing was ever said")
    .option("--contact <address>", "your mail address, for the authority")
    .option("--agree-terms", "you agree to the authority's terms of service")
    .addOption(
      new Option("--challenge <type>", "how the authority is shown that the domain is yours").choices([
        "dns-01",
        "http-01",
      ]),
    )
    .option("--eab-key-id <id>", "the key id of an external account, where the authority wants one")
    .option("--eab-hmac-file <file>", "file with its HMAC key; - reads it from standard input")
    .addOption(new Option("--no-eab", "forget the external account").conflicts(["eabKeyId", "eabHmacFile"]))
    .option("--root <file>", "PEM: the roots of an authority that not everybody knows")
    .option("--no-root", "forget them")
    .option("--replace-upload", "what is issued takes the place of the certificate uploaded for all pools")
    .action(action(context, configure));
  acme
    .command("show")
    .description("What was last ordered, what went wrong, and when the next order is")
    .action(action(context, show));
  acme
    .command("renew")
    .description("Order a new certificate now, though there is one")
    .action(action(context, renew));
  acme
    .command("disable")
    .description("Order no more; what was issued stays in use")
    .action(action(context, disable));
}

async function configure({ api, output }: Invocation, options: ConfigureOptions): Promise<void> {
  const { directory, contact, agreeTerms, challenge, replaceUpload } = options;
  const body: AcmeChange = {
    ...(directory === undefined ? {} : { directory }),
    ...(contact === undefined ? {} : { contact }),
    ...(agreeTerms === undefined ? {} : { agreesToTerms: agreeTerms }),
    ...(challenge === undefined ? {} : { challenge }),
    ...(await externalAccountOf(options)),
    ...(await rootsOf(options)),
    ...(replaceUpload === undefined ? {} : { replacesUpload: replaceUpload }),
  };
  tell(output, await api.call({ method: "PATCH", path: ["acme"], body, answer: Acme }));
}

async function externalAccountOf({
  eabKeyId: keyId,
  eabHmacFile: file,
  eab,
}: ConfigureOptions): Promise<Pick<AcmeChange, "externalAccount">> {
  if (eab === false) return { externalAccount: null };
  if (keyId === undefined && file === undefined) return {};
  if (keyId === undefined || file === undefined)
    throw new CliFailure("usage", "--eab-key-id and --eab-hmac-file go together");
  return { externalAccount: { keyId, hmacKey: await readSecret(file) } };
}

async function rootsOf({ root }: ConfigureOptions): Promise<Pick<AcmeChange, "roots">> {
  if (root === false) return { roots: "" };
  if (root === undefined) return {};
  const roots = await readSecret(root);
  // Empty text would forget those that there are.
  if (roots.trim() === "") throw new CliFailure("usage", `${root}: is empty; --no-root forgets the roots`);
  return { roots };
}

async function show({ api, output }: Invocation): Promise<void> {
  const acme = await api.call({ method: "GET", path: ["acme"], answer: Acme });
  tell(output, acme);
  if (acme.state === "off" && !output.json) output.note("Turn it on: porthole acme configure --agree-terms");
}

async function renew({ api, output }: Invocation): Promise<void> {
  tell(output, await api.call({ method: "POST", path: ["acme", "renew"], answer: Acme }));
}

async function disable({ api, output }: Invocation): Promise<void> {
  await api.call({ method: "DELETE", path: ["acme"], answer: Nothing });
  output.result({ state: "off" }, "No more certificates are ordered. The one that was issued stays in use.");
}

function termsOf(isAgreed: boolean | undefined): string | undefined {
  if (isAgreed === undefined) return undefined;
  return isAgreed ? "agreed to" : "not agreed to";
}

function tell(output: Output, acme: Acme): void {
  output.record(acme, [
    {
      title: "STATE",
      value: ({ state }) => state,
      tone: ({ state }) => (state === "ready" ? "good" : state === "failing" ? "bad" : "plain"),
    },
    { title: "PROBLEM", value: ({ problem }) => problem, tone: () => "bad" },
    { title: "AUTHORITY", value: ({ directory }) => directory },
    { title: "CONTACT", value: ({ contact }) => contact },
    { title: "TERMS", value: ({ agreesToTerms }) => termsOf(agreesToTerms) },
    { title: "CHALLENGE", value: ({ challenge }) => challenge },
    { title: "EXTERNAL ACCOUNT", value: ({ externalAccount }) => externalAccount?.keyId },
    { title: "ROOTS", value: ({ roots }) => roots?.join("; ") },
    { title: "NAMES", value: ({ names }) => names?.join(", ") },
    { title: "CERTIFICATE", value: ({ certificate }) => certificate },
    { title: "ENDS", value: ({ notAfter }) => output.time(notAfter) },
    { title: "LAST ORDER", value: ({ lastAttemptAt }) => output.time(lastAttemptAt) },
    { title: "LAST SUCCESS", value: ({ lastSuccessAt }) => output.time(lastSuccessAt) },
    { title: "FAILURES SINCE", value: ({ failures }) => failures?.toString() },
    { title: "NEXT ORDER", value: ({ nextAttemptAt }) => output.time(nextAttemptAt) },
    {
      title: "AUTHORITY SUGGESTS",
      value: ({ renewalWindow: window }) =>
        window && `${output.time(window.start)} to ${output.time(window.end)}`,
    },
    { title: "BECAUSE", value: ({ renewalWindow }) => renewalWindow?.explanation },
  ]);
}
