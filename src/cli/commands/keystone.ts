import { type Command, InvalidArgumentError } from "commander";
import {
  KEYSTONE_RIGHTS,
  Keystone,
  type KeystoneChange,
  type KeystoneRight,
  KeystoneTest,
} from "#wire/keystone.ts";
import { Nothing } from "../api-client.ts";
import { CliFailure } from "../exit-status.ts";
import { action, type CliContext, type Invocation, readSecret } from "../invocation.ts";
import type { Output } from "../output/output.ts";

type RoleChange = NonNullable<KeystoneChange["roles"]>[number];
type ProjectChange = NonNullable<KeystoneChange["projects"]>[number];

interface ConfigureOptions {
  readonly url?: string;
  readonly publicUrl?: string | false;
  readonly caFile?: string | false;
  readonly username?: string;
  readonly userDomain?: string;
  readonly project?: string;
  readonly projectDomain?: string;
  readonly passwordFile?: string;
  readonly applicationCredential?: string;
  readonly secretFile?: string;
  readonly role: readonly RoleChange[];
  readonly map: readonly ProjectChange[];
  readonly unmap: readonly ProjectChange[];
  readonly makeProjects?: boolean;
}

/** The Keystone whose tokens are good at the Nova API. */
export function keystoneCommands(program: Command, context: CliContext): void {
  const keystone = program
    .command("keystone")
    .description("The Keystone of your cloud, whose tokens are good at the Nova API");
  keystone
    .command("configure")
    .description("Have its tokens be good, or change what is said; what is not named stays as it is")
    .option("--url <url>", "its identity API, version 3: https://keystone.example.com:5000/v3")
    .option("--public-url <url>", "what clients are pointed to, where they reach it by another URL")
    .option("--no-public-url", "point them to the same")
    .option("--ca-file <file>", "the authority that signs its certificate, as PEM")
    .option("--no-ca-file", "judge its certificate by the authorities of control's system")
    .option("--username <name>", "the user as whom control asks; it needs the role service or admin")
    .option("--user-domain <domain>", "that user's domain, by its name; Default, if nothing is said")
    .option("--project <project>", "the project in which it has that role, by its name")
    .option("--project-domain <domain>", "that project's domain, by its name; Default, if nothing is said")
    .option("--password-file <file>", "file with that user's password; - reads it from standard input")
    .option("--application-credential <id>", "in place of a user: an application credential of such a one")
    .option("--secret-file <file>", "file with its secret; - reads it from standard input")
    .option(
      "--role <role=right>",
      "what a role comes to: member opens consoles of the token's project, viewer looks at them, reader only lists machines, admin is an administrator of all of Porthole, none is nothing; may be said again",
      collectRole,
      [],
    )
    .option(
      "--map <keystone=project>",
      "whose token is for this project of Keystone's, an id or DOMAIN/NAME, comes into this project here; may be said again",
      collectMapping,
      [],
    )
    .option(
      "--unmap <keystone>",
      "comes into none any more; consoles of its users end; may be said again",
      (text: string, before: readonly ProjectChange[]) => [...before, { keystone: text, project: null }],
      [],
    )
    .option(
      "--make-projects",
      "make a project here for each that is mapped to none, when its first user comes",
    )
    .option("--no-make-projects", "refuse its users instead")
    .action(action(context, configure));
  keystone.command("show").description("What is configured").action(action(context, show));
  keystone
    .command("test")
    .description(
      "Go the whole way to it and sign in there, and say at which step it failed; the exit status is 1 then",
    )
    .action(action(context, test));
  keystone
    .command("disable")
    .description("Take none of its tokens any more; its users' accounts go, and their consoles end")
    .action(action(context, disable));
}

function collectRole(text: string, before: readonly RoleChange[]): readonly RoleChange[] {
  const at = text.lastIndexOf("=");
  const right = text.slice(at + 1);
  if (at < 1 || !(right === "none" || isRight(right)))
    throw new InvalidArgumentError(`It is ROLE=RIGHT, and a right is ${KEYSTONE_RIGHTS.join(", ")} or none.`);
  return [...before, { role: text.slice(0, at), right: right === "none" ? null : right }];
}

function isRight(text: string): text is KeystoneRight {
  return KEYSTONE_RIGHTS.some((right) => right === text);
}

function collectMapping(text: string, before: readonly ProjectChange[]): readonly ProjectChange[] {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1)
    throw new InvalidArgumentError("It is KEYSTONE=PROJECT, such as Default/shop=shop.");
  return [...before, { keystone: text.slice(0, at), project: text.slice(at + 1) }];
}

async function configure({ api, output }: Invocation, options: ConfigureOptions): Promise<void> {
  const { url, publicUrl, caFile, role, map, unmap, makeProjects } = options;
  const projects = [...unmap, ...map];
  const body: KeystoneChange = {
    ...(url === undefined ? {} : { url }),
    ...(publicUrl === undefined ? {} : { publicUrl: publicUrl === false ? null : publicUrl }),
    ...(caFile === undefined ? {} : { caCertificate: caFile === false ? null : await readSecret(caFile) }),
    ...(await credentialsOf(options)),
    ...(role.length === 0 ? {} : { roles: [...role] }),
    ...(projects.length === 0 ? {} : { projects }),
    ...(makeProjects === undefined ? {} : { makesProjects: makeProjects }),
  };
  if (Object.keys(body).length === 0)
    throw new CliFailure("usage", "nothing is to be changed", {
      remedy: "porthole keystone configure --help",
    });
  tell(output, await api.call({ method: "PATCH", path: ["keystone"], body, answer: Keystone }));
}

async function credentialsOf(options: ConfigureOptions): Promise<Pick<KeystoneChange, "credentials">> {
  const { username, userDomain, project, projectDomain, passwordFile } = options;
  const { applicationCredential: applicationCredentialId, secretFile } = options;
  const isUser = [username, userDomain, project, projectDomain, passwordFile].some(
    (each) => each !== undefined,
  );
  const isCredential = applicationCredentialId !== undefined || secretFile !== undefined;
  if (isUser && isCredential)
    throw new CliFailure("usage", "control asks as a user or by an application credential, not as both");
  if (isUser) {
    if (username === undefined || project === undefined || passwordFile === undefined)
      throw new CliFailure("usage", "--username, --project and --password-file go together");
    return {
      credentials: {
        ...{ username, project, password: await readSecret(passwordFile) },
        ...(userDomain === undefined ? {} : { userDomain }),
        ...(projectDomain === undefined ? {} : { projectDomain }),
      },
    };
  }
  if (!isCredential) return {};
  if (applicationCredentialId === undefined || secretFile === undefined)
    throw new CliFailure("usage", "--application-credential and --secret-file go together");
  return { credentials: { applicationCredentialId, secret: await readSecret(secretFile) } };
}

async function show({ api, output }: Invocation): Promise<void> {
  const keystone = await api.call({ method: "GET", path: ["keystone"], answer: Keystone });
  tell(output, keystone);
  if (keystone.state === "off" && !output.json)
    output.note(
      "Turn it on: porthole keystone configure --url URL --username NAME --project PROJECT --password-file FILE",
    );
}

async function test({ api, output }: Invocation): Promise<void> {
  const result = await api.call({ method: "POST", path: ["keystone", "test"], answer: KeystoneTest });
  if (!result.ok)
    throw new CliFailure("failed", `The way to Keystone fails at “${result.failedStep}”: ${result.detail}`);
  const { user, roles = [], detail } = result;
  if (detail !== undefined && !output.json) output.warn(`${user}: ${detail}.`);
  output.result(
    result,
    `Keystone answers, and knows us as ${user}, with the roles ${roles.join(", ") || "none"}.`,
  );
}

async function disable({ api, output }: Invocation): Promise<void> {
  await api.call({ method: "DELETE", path: ["keystone"], answer: Nothing });
  output.result({ state: "off" }, "No token of Keystone's is taken any more.");
}

function tell(output: Output, keystone: Keystone): void {
  output.record(keystone, [
    { title: "STATE", value: ({ state }) => state },
    { title: "URL", value: ({ url }) => url },
    { title: "PUBLIC URL", value: ({ publicUrl }) => publicUrl },
    { title: "AUTHORITIES", value: ({ authorities }) => authorities?.join("; ") },
    { title: "ASKED AS", value: askedAs },
    {
      title: "ROLES",
      value: ({ roles }) => roles?.map(({ role, right }) => `${role}=${right}`).join(", "),
    },
    {
      title: "PROJECTS",
      value: ({ projects }) =>
        projects
          ?.map(({ keystone: theirs, project, made }) => `${theirs}=${project}${made ? " (made)" : ""}`)
          .join(", "),
    },
    { title: "OTHER PROJECTS", value: ({ makesProjects }) => otherProjects(makesProjects) },
  ]);
}

function askedAs({ username, userDomain, project, projectDomain, applicationCredentialId }: Keystone) {
  if (username !== undefined) return `${username}@${userDomain} in ${projectDomain}/${project}`;
  return applicationCredentialId && `the application credential ${applicationCredentialId}`;
}

function otherProjects(isMade: boolean | undefined): string | undefined {
  if (isMade === undefined) return undefined;
  return isMade ? "are made" : "are refused";
}
