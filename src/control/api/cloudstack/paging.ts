import { printable } from "#wire/gateway-error.ts";
import type { Found, Window } from "../../services.ts";
import type { Fields } from "./answer.ts";
import { CloudStackError, invalidValue, STATUS } from "./cloudstack-error.ts";
import { type Parameters, textOf } from "./parameters.ts";

const limits = {
  /** CloudStack's default.page.size, which is the largest page as well. */
  pageSize: 500,
  /** What CloudStack calls unlimited, `pagesize=-1`. */
  unlimited: 10_000,
} as const;

/** Which of all that was found a list command shows: by `page`, counted from one, with `pagesize`. */
export function windowOf(command: string, parameters: Parameters): Window {
  const page = integer(command, parameters, "page");
  const pageSize = integer(command, parameters, "pagesize");
  if (page === undefined && pageSize !== undefined && pageSize !== -1)
    throw new CloudStackError(STATUS.parameter, '"page" parameter is required when "pagesize" is specified');
  if (page !== undefined && pageSize === undefined)
    throw new CloudStackError(STATUS.parameter, '"pagesize" parameter is required when "page" is specified');
  if (page !== undefined && pageSize === -1)
    throw new CloudStackError(
      STATUS.parameter,
      "Can't specify page parameter when pagesize is -1 (Unlimited)",
    );
  if (pageSize !== undefined && pageSize < 1 && pageSize !== -1)
    throw invalidValue(command, `Invalid parameter pagesize value=${pageSize}`);
  if (pageSize !== undefined && pageSize > limits.pageSize)
    throw new CloudStackError(
      STATUS.parameter,
      `Page size can't exceed max allowed page size value: ${limits.pageSize}`,
    );
  const size = pageSize ?? limits.pageSize;
  return { first: size * (Math.max(page ?? 1, 1) - 1), size: size === -1 ? limits.unlimited : size };
}

function integer(command: string, parameters: Parameters, name: string): number | undefined {
  const text = textOf(parameters, name);
  if (text === undefined) return undefined;
  if (!/^-?\d{1,9}$/.test(text))
    throw invalidValue(command, `Invalid parameter ${name} value=${printable(text)}`);
  return Number(text);
}

/** A list command's fields. An empty list is an empty object, and a page behind the last has the count alone. */
export function listFields<Item>(
  name: string,
  { count, items }: Found<Item>,
  toFields: (item: Item) => Fields,
): Fields {
  return count === 0 ? {} : { count, ...(items.length === 0 ? {} : { [name]: items.map(toFields) }) };
}
