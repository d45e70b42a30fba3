import { GatewayError, printable } from "#wire/gateway-error.ts";
import type { Fields } from "../answer.ts";
import { CloudStackError, invalidValue, missingParameter, STATUS } from "../cloudstack-error.ts";
import type { Command, CommandContext } from "../command.ts";
import { textOf } from "../parameters.ts";

const NAME = "uploadCustomCertificate";

/**
 * As in CloudStack in several calls: certificates of authorities by `id` and `name`, the root first, then the leaf with its
 * `privatekey`; or everything in one `certificate`. Answered with a job that is done, as what is refused is refused at once.
 */
export const uploadCustomCertificate: Command = {
  name: NAME,
  access: "administrators",
  changesState: true,
  run,
};

async function run({ services, caller, parameters }: CommandContext): Promise<Fields> {
  const [certificate, domain] = ["certificate", "domainsuffix"].map((name) => {
    const value = textOf(parameters, name);
    if (value === undefined) throw missingParameter(NAME, name);
    return value;
  });
  const privateKey = textOf(parameters, "privatekey");
  const name = textOf(parameters, "name");
  if (certificate === undefined || domain === undefined) throw missingParameter(NAME, "certificate");
  try {
    if (privateKey === undefined)
      return {
        jobid: (await services.certificates.addPart(caller, { certificate, ...partOf(parameters) })).id,
      };
    if (name !== undefined)
      throw new CloudStackError(STATUS.parameter, "Can't change the alias for private key certification");
    const upload = { certificate, privateKey, domain };
    return { jobid: (await services.certificates.upload(caller, upload, { isCompletedByParts: true })).id };
  } catch (error) {
    throw error instanceof GatewayError ? refusal(error, domain) : error;
  }
}

/** In CloudStack's order and words. */
function partOf(parameters: CommandContext["parameters"]): {
  readonly name: string;
  readonly sequence: number;
} {
  const name = textOf(parameters, "name");
  if (name === undefined)
    throw new CloudStackError(STATUS.parameter, "alias can't be empty, if it's a certification chain");
  const sequence = textOf(parameters, "id");
  if (sequence === undefined)
    throw new CloudStackError(STATUS.parameter, "index can't be empty, if it's a certification chain");
  if (!/^\d{1,9}$/.test(sequence))
    throw invalidValue(NAME, `Invalid parameter id value=${printable(sequence)}`);
  return { name, sequence: Number(sequence) };
}

function refusal(error: GatewayError, domain: string): Error {
  if (error.code === "certificate_refused")
    return new CloudStackError(
      STATUS.parameter,
      `Failed to pass certificate validation check with error: Certificate validation failed for domain: ${printable(domain)}: ${(error.problems ?? []).join("; ")}`,
    );
  if (error.detail !== undefined && ["request_invalid", "conflict", "limit_reached"].includes(error.code))
    return new CloudStackError(STATUS.parameter, error.detail);
  return error;
}
