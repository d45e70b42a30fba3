import { GatewayError } from "#wire/gateway-error.ts";

/** Of a console that draws nothing. */
export async function noPicture(): Promise<never> {
  throw new GatewayError("request_invalid", { detail: "a console of this kind has no picture" });
}
