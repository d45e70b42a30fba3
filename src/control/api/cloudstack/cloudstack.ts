import formbody from "@fastify/formbody";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Log } from "#base/process/log.ts";
import { printable } from "#wire/gateway-error.ts";
import type { Services } from "../../services.ts";
import type { SettingValues } from "../../settings/settings.ts";
import type { FailureLimit } from "../failure-limit.ts";
import { fromFramework, logProblem } from "../http-errors.ts";
import { whenceOf } from "../origins.ts";
import { type Answer, type Fields, formatFor } from "./answer.ts";
import {
  CloudStackError,
  CredentialsRefused,
  commandUnavailable,
  errorAnswer,
  fromCatalogue,
  STATUS,
  unknownCommand,
} from "./cloudstack-error.ts";
import type { Command } from "./command.ts";
import { SYSTEM_VM_COMMANDS } from "./commands/change-system-vm.ts";
import { createConsoleEndpoint } from "./commands/create-console-endpoint.ts";
import { EMPTY_LISTS } from "./commands/empty-lists.ts";
import { listCapabilities } from "./commands/list-capabilities.ts";
import { listConfigurations } from "./commands/list-configurations.ts";
import { listConsoleSessions } from "./commands/list-console-sessions.ts";
import { listSystemVms } from "./commands/list-system-vms.ts";
import { listVirtualMachines } from "./commands/list-virtual-machines.ts";
import { queryAsyncJobResult } from "./commands/query-async-job-result.ts";
import { updateConfiguration } from "./commands/update-configuration.ts";
import { uploadCustomCertificate } from "./commands/upload-custom-certificate.ts";
import { consolePage } from "./console-page.ts";
import { type Identity, identify, signatureLife } from "./identity.ts";
import { login, logout } from "./login.ts";
import { FORM, type Parameters, parametersOf, textOf } from "./parameters.ts";
import { CLOUDSTACK_VERSION } from "./version.ts";

/** Every command but `login` and `logout`, which begin and end what the others need. */
export const COMMANDS: readonly Command[] = [
  createConsoleEndpoint,
  listCapabilities,
  listConfigurations,
  listConsoleSessions,
  listSystemVms,
  listVirtualMachines,
  queryAsyncJobResult,
  updateConfiguration,
  uploadCustomCertificate,
  ...SYSTEM_VM_COMMANDS,
  ...EMPTY_LISTS,
];

/** As CloudStack has it: everything below U+0020 but line feed and carriage return, and delete. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const CONTROL_CHARACTERS = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f]/;

export interface CloudStackOptions {
  readonly services: Services;
  readonly log: Log;
  readonly failures: FailureLimit;
  readonly values: SettingValues;
  readonly ourOrigin: (request: FastifyRequest) => string;
}

/**
 * The CloudStack API at /client/api: requests that are signed, or come with a session and its key, by GET or as a form
 * by POST, answered in XML or JSON.
 */
export async function cloudStackApi(app: FastifyInstance, options: CloudStackOptions): Promise<void> {
  const { services, log, failures, values, ourOrigin } = options;
  app.removeAllContentTypeParsers();
  await app.register(formbody, { parser: (text) => Object.fromEntries([[FORM, text]]) });
  consolePage(app, options);

  app.setErrorHandler(async (error, request, reply) => {
    const parameters = parametersOf(request);
    const shown = toCloudStackError(error, request);
    return await send(request, reply.code(shown.status).headers(explained(error, shown)), {
      ...errorAnswer(shown, knownName(parameters)),
    });
  });

  app.route({
    method: ["GET", "POST"],
    url: "/client/api",
    schema: { hide: true },
    handler: async (request, reply) => {
      const parameters = parametersOf(request);
      const name = textOf(parameters, "command") ?? "";
      return await send(request, reply, {
        name: `${name.toLowerCase()}response`,
        fields: await answerOf(request, reply, { name, parameters }),
      });
    },
  });

  async function answerOf(
    request: FastifyRequest,
    reply: FastifyReply,
    { name, parameters }: { readonly name: string; readonly parameters: Parameters },
  ): Promise<Fields> {
    const signIn = { accounts: services.accounts, failures, origin: ourOrigin(request) };
    if (name === "login") return await login(request, reply, signIn);
    if (name === "logout") return await logout(request, reply, signIn);
    const enforced = values.value("enforce.post.requests.and.timestamps");
    const { caller, via } = await identify(request, parameters, {
      accounts: services.accounts,
      failures,
      signatureMs: signatureLife(values),
    });
    const command = commandFor(name, { caller, via });
    if (enforced && command.changesState && request.method !== "POST")
      throw new CloudStackError(
        STATUS.badRequest,
        `State changing command ${command.name} needs to be sent using POST request`,
      );
    refuseControlCharacters(parameters);
    const known = { ...caller, ...whenceOf(request, "cloudstack") };
    return await command.run({ services, caller: known, parameters, log, reference: request.id });
  }

  function toCloudStackError(error: unknown, request: FastifyRequest): CloudStackError {
    if (error instanceof CloudStackError) return error;
    const problem = fromFramework(error);
    logProblem(log, problem, request.id);
    return fromCatalogue(problem, request.id);
  }

  async function send(request: FastifyRequest, reply: FastifyReply, answer: Answer) {
    const format = formatFor(textOf(parametersOf(request), "response"));
    return await reply
      .type(format.contentType)
      .header("cache-control", "no-store")
      .send(format.write(answer, CLOUDSTACK_VERSION));
  }
}

/** CloudStack verifies a signature for commands that there are; of others it tells only those who have a session. */
function commandFor(name: string, { caller, via }: Identity): Command {
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) throw via === "session" ? unknownCommand(name) : new CredentialsRefused();
  if (command.access === "administrators" && caller.role !== "admin") throw commandUnavailable(name);
  return command;
}

/** The command after which an error's answer is named, if there is such a command. */
function knownName(parameters: Parameters): string | undefined {
  const name = textOf(parameters, "command");
  const names = ["login", "logout", ...COMMANDS.map((command) => command.name)];
  return names.find((known) => known === name);
}

function refuseControlCharacters(parameters: Parameters): void {
  for (const { name, value } of parameters.values()) {
    if (CONTROL_CHARACTERS.test(value))
      throw new CloudStackError(
        STATUS.parameter,
        `Received value containing illegal ASCII non-printable characters for parameter ${printable(name)}`,
      );
  }
}

/** CloudStack repeats the text of an exception in a header, where only printable ASCII may stand. */
function explained(error: unknown, shown: CloudStackError): Record<string, string> {
  if (shown.status === STATUS.tooManyRequests) return { "retry-after": "60" };
  if (shown.status === STATUS.unavailable) return { "retry-after": "5" };
  if (shown instanceof CredentialsRefused || !(error instanceof CloudStackError)) return {};
  return { "x-description": shown.message.replace(/[^\x20-\x7e]/g, "?") };
}
