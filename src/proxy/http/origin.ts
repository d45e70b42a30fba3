import { GatewayError } from "#wire/gateway-error.ts";

/** The origins that the node itself is found at, from its configuration or control, and never from a Host header. */
export interface OwnOrigins {
  readonly pageOrigin: string;
  readonly webSocketOrigin: string;
}

/**
 * Judges the Origin of a request that only our own pages may send. None means that no browser sends it, and is
 * accepted. Otherwise it must be the node's own, on any of its ports, or stand in what the operator allows; `itself` takes no other ports.
 * Throws `origin_refused`.
 */
export function checkOrigin(
  header: string | undefined,
  own: readonly OwnOrigins[],
  allowed: ReadonlySet<string>,
  ports: "any" | "itself" = "any",
): void {
  if (header === undefined) return;
  const origin = parseOrigin(header);
  const fits =
    origin !== undefined &&
    (allowed.has(origin.origin) ||
      own
        .flatMap(({ pageOrigin, webSocketOrigin }) => [pageOrigin, webSocketOrigin])
        .some((one) => (ports === "any" ? isOwn(origin, one) : origin.origin === new URL(one).origin)));
  if (!fits) throw new GatewayError("origin_refused");
}

/** Only what a browser would write: one origin, in lower case, without a default port. So not `null`, not a list. */
function parseOrigin(header: string): URL | undefined {
  const url = URL.canParse(header) ? new URL(header) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.origin === header ? url : undefined;
}

function isOwn(origin: URL, own: string): boolean {
  const { protocol, hostname } = new URL(own);
  return origin.protocol === protocol && origin.hostname === hostname;
}
