import formbody from "@fastify/formbody";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { systemClock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { printable } from "#wire/gateway-error.ts";
import type { Caller, Services } from "../../services.ts";
import { type FailureLimit, isPossibleApiKey } from "../failure-limit.ts";
import { fromFramework, logProblem } from "../http-errors.ts";
import { peerAddress } from "../origins.ts";
import { type Answer, formatFor } from "./answer.ts";
import {
  CloudStackError,
  CredentialsRefused,
  errorAnswer,
  fromCatalogue,
  STATUS,
} from "./cloudstack-error.ts";
import type { Command } from "./command.ts";
import { createConsoleEndpoint } from "./commands/create-console-endpoint.ts";
import { listVirtualMachines } from "./commands/list-virtual-machines.ts";
import { type Parameters, readParameters, textOf } from "./parameters.ts";
import { isCurrent, signatureFits } from "./signature.ts";

const COMMANDS: readonly Command[] = [createConsoleEndpoint, listVirtualMachines];

/** As CloudStack has it: everything below U+0020 but line feed and carriage return, and delete. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const CONTROL_CHARACTERS = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f]/;

interface CloudStackOptions {
  readonly services: Services;
  readonly log: Log;
  readonly failures: FailureLimit;
  readonly version: string;
}

/** The CloudStack API at /client/api: signed requests, by GET or as a form by POST, answered in XML or JSON. */
export async function cloudStackApi(app: FastifyInstance, options: CloudStackOptions): Promise<void> {
  const { services, log, failures, version } = options;
  app.removeAllContentTypeParsers();
  await app.register(formbody, { parser: (text) => Object.fromEntries([[FORM, text]]) });

  app.setErrorHandler(async (error, request, reply) => {
    const parameters = parametersOf(request);
    const shown = toCloudStackError(error, request);
    return await send(request, reply.code(shown.status).headers(explained(error, shown)), {
      ...errorAnswer(shown, commandOf(parameters)?.name),
    });
  });

  app.route({
    method: ["GET", "POST"],
    url: "/client/api",
    schema: { hide: true },
    handler: async (request, reply) => {
      const parameters = parametersOf(request);
      const command = commandOf(parameters);
      // CloudStack looks for the command first, and tells nobody who is not signed in that there is none.
      if (command === undefined) throw new CredentialsRefused();
      const caller = await authenticate(parameters, peerAddress(request), { services, failures });
      refuseControlCharacters(parameters);
      const fields = await command.run({ services, caller, parameters, log, reference: request.id });
      return await send(request, reply, { name: `${command.name.toLowerCase()}response`, fields });
    },
  });

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
      .send(format.write(answer, version));
  }
}

/** Under which the form's text stands in the parsed body; it is read together with the query. */
const FORM = "form";

function parametersOf(request: FastifyRequest): Parameters {
  const [, query = ""] = /\?(.*)$/.exec(request.raw.url ?? "") ?? [];
  const form = (request.body as { readonly [FORM]?: string } | null | undefined)?.[FORM] ?? "";
  return readParameters(new URLSearchParams(query), new URLSearchParams(form));
}

function commandOf(parameters: Parameters): Command | undefined {
  const name = textOf(parameters, "command");
  return COMMANDS.find((command) => command.name === name);
}

/** Throws one and the same refusal whatever is wrong: the key, the signature, or the time. */
async function authenticate(
  parameters: Parameters,
  address: string,
  { services: { accounts }, failures }: Pick<CloudStackOptions, "services" | "failures">,
): Promise<Caller> {
  const apiKey = textOf(parameters, "apikey");
  if (apiKey === undefined || !isPossibleApiKey(apiKey)) throw new CredentialsRefused();
  const source = `${address} ${apiKey}`;
  failures.check(source);
  const found = await accounts.byApiKey(apiKey, address);
  const good = found !== undefined && signatureFits(parameters, found.secretKey);
  // An expired request of the right key is a mistake of its clock, not a guess.
  if (good && isCurrent(parameters, systemClock.now())) return found.caller;
  if (!good) failures.failed(source);
  throw new CredentialsRefused();
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
  if (shown instanceof CredentialsRefused || !(error instanceof CloudStackError)) return {};
  return { "x-description": shown.message.replace(/[^\x20-\x7e]/g, "?") };
}
