import { ERRORS } from "#wire/errors.ts";
import { type GatewayError, printable } from "#wire/gateway-error.ts";
import type { Answer } from "./answer.ts";

/** CloudStack's error codes, which are its HTTP statuses as well. */
export const STATUS = {
  badRequest: 400,
  unauthorized: 401,
  parameter: 431,
  unknownCommand: 432,
  tooManyRequests: 429,
  internal: 530,
  unavailable: 503,
} as const;

/** CloudStack's number for "some exception of the API", which every error has that is not a refused credential. */
const GENERAL_EXCEPTION = 9999;

/** An error in CloudStack's own terms. The text is for the caller and names parameters as CloudStack does. */
export class CloudStackError extends Error {
  override readonly name = "CloudStackError";
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

/** The one answer to every doubt about who asks, so that nothing can be told from it. */
export class CredentialsRefused extends CloudStackError {
  constructor() {
    super(STATUS.unauthorized, "unable to verify user credentials and/or request signature");
  }
}

/** To whoever is signed in, for a command that its role has not. */
export function commandUnavailable(command: string): CloudStackError {
  return new CloudStackError(
    STATUS.unauthorized,
    `The given command '${command}' either does not exist, is not available for user.`,
  );
}

export function unknownCommand(command: string): CloudStackError {
  return new CloudStackError(STATUS.unknownCommand, `Unknown API command: ${printable(command)}`);
}

export function missingParameter(command: string, parameter: string): CloudStackError {
  return new CloudStackError(
    STATUS.parameter,
    `Unable to execute API command ${command.toLowerCase()} due to missing parameter ${parameter}`,
  );
}

export function invalidValue(command: string, text: string): CloudStackError {
  return new CloudStackError(
    STATUS.parameter,
    `Unable to execute API command ${command.toLowerCase()} due to invalid value. ${text}`,
  );
}

/** CloudStack's answer for an id of nothing; for what is not the caller's to see it is the same one. */
export function unknownEntity(command: string, parameter: string, value: string): CloudStackError {
  return invalidValue(
    command,
    `Invalid parameter ${parameter} value=${printable(value)} due to incorrect long value format, or entity does not exist ` +
      "or due to incorrect parameter annotation for the field in api cmd class.",
  );
}

/** For what a command did not expect, in the catalogue's words. */
export function fromCatalogue(error: GatewayError, reference: string): CloudStackError {
  const { meaning } = ERRORS[error.code];
  const detail = error.detail === undefined ? "" : ` (${error.detail})`;
  if (error.code === "rate_limited") return new CloudStackError(STATUS.tooManyRequests, meaning);
  if (error.code === "unauthenticated") return new CredentialsRefused();
  if (error.code === "database_unavailable") return new CloudStackError(STATUS.unavailable, meaning);
  if (error.status < 500) return new CloudStackError(error.status, `${meaning}${detail}`);
  return new CloudStackError(STATUS.internal, `${meaning} Reference: ${reference}`);
}

/** The body; a refused credential has no `cserrorcode`. An unknown command's answer is named `errorresponse`. */
export function errorAnswer(error: CloudStackError, command: string | undefined): Answer {
  return {
    name: command === undefined ? "errorresponse" : `${command.toLowerCase()}response`,
    fields: {
      uuidList: [],
      errorcode: error.status,
      ...(error instanceof CredentialsRefused ? {} : { cserrorcode: GENERAL_EXCEPTION }),
      errortext: error.message,
    },
  };
}
