import type { Setting } from "#wire/api.ts";
import type { Fields } from "../answer.ts";
import type { Command, CommandContext } from "../command.ts";
import { listFields, windowOf } from "../paging.ts";
import { textOf } from "../parameters.ts";

const NAME = "listConfigurations";

/** CloudStack sorts its settings into categories; all of ours are of one. */
const CATEGORY = "Advanced";

/** By `name`, `keyword` (a part of the name), `category`, and by `page` with `pagesize`. */
export const listConfigurations: Command = {
  name: NAME,
  access: "administrators",
  changesState: false,
  run,
};

async function run({ services, caller, parameters }: CommandContext): Promise<Fields> {
  const { first, size } = windowOf(NAME, parameters);
  const name = textOf(parameters, "name");
  const keyword = textOf(parameters, "keyword") ?? "";
  const category = textOf(parameters, "category") ?? CATEGORY;
  const matching = (await services.settings.list(caller)).filter(
    (setting) =>
      category === CATEGORY &&
      (name === undefined || setting.name === name) &&
      setting.name.includes(keyword),
  );
  const items = matching.slice(first, first + size);
  return listFields("configuration", { count: matching.length, items }, configuration);
}

/** One setting in CloudStack's fields. All of them take effect at once. */
export function configuration({ name, value, fallback, description }: Setting): Fields {
  return {
    category: CATEGORY,
    name,
    value,
    defaultvalue: fallback,
    description,
    isdynamic: true,
    type: typeOf(fallback),
  };
}

function typeOf(fallback: string): string {
  if (fallback === "true" || fallback === "false") return "Boolean";
  return /^\d+$/.test(fallback) ? "Number" : "String";
}
