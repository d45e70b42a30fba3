import { GatewayError, printable } from "#wire/gateway-error.ts";
import type { Fields } from "../answer.ts";
import { CloudStackError, missingParameter, STATUS } from "../cloudstack-error.ts";
import type { Command, CommandContext } from "../command.ts";
import { textOf } from "../parameters.ts";
import { configuration } from "./list-configurations.ts";

const NAME = "updateConfiguration";

/** By `name` and `value`. A setting that is left without a value is set to the empty text, as in CloudStack. */
export const updateConfiguration: Command = {
  name: NAME,
  access: "administrators",
  changesState: true,
  run,
};

async function run({ services, caller, parameters }: CommandContext): Promise<Fields> {
  const name = textOf(parameters, "name");
  if (name === undefined) throw missingParameter(NAME, "name");
  try {
    const setting = await services.settings.set(caller, name, textOf(parameters, "value") ?? "");
    return { configuration: configuration(setting) };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    if (error.code === "not_found")
      throw new CloudStackError(
        STATUS.parameter,
        `Config parameter with name ${printable(name)} doesn't exist`,
      );
    if (error.code === "request_invalid" && error.detail !== undefined)
      throw new CloudStackError(STATUS.parameter, error.detail);
    throw error;
  }
}
