import { Type } from "typebox";
import { Check } from "typebox/schema";
import { readCertificatePin } from "#wire/certificate-pin.ts";
import type { Upstream } from "#wire/grant.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import type { VsphereClient } from "./client.ts";
import type { VsphereEndpoint } from "./endpoint.ts";
import { type Reference, value } from "./soap.ts";
import { child, children, type Element, textOf } from "./xml.ts";

/** VirtualMachineTicket, as far as it matters here. */
const Ticket = Type.Object({
  /** It stands in a path, and is no way out of it. */
  ticket: Type.String({ pattern: "^[A-Za-z0-9_.~:=+-]{1,512}$" }),
  host: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9._:%-]{1,253}$" })),
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
  pin: Type.String(),
});

/** Of hosts that do not say. */
const HTTPS_PORT = 443;

/**
 * Where the machine's console is for whoever comes first within some minutes: WebMKS is RFB in a WebSocket of its host. The ticket opens
 * it once; it ends by itself if nobody does.
 */
export async function acquireWebMks(
  client: VsphereClient,
  {
    machine,
    endpoint,
    signal,
  }: { readonly machine: Reference; readonly endpoint: VsphereEndpoint; readonly signal: AbortSignal },
): Promise<Upstream> {
  const parameters = value("ticketType", "webmks");
  const answer = await client.ask({ method: "AcquireTicket", target: machine, parameters }, signal);
  const { ticket, host = endpoint.host, port, pin } = readTicket(answer);
  return {
    address: {
      ...{ kind: "websocket", host, port, isSecure: true, subprotocol: "binary" },
      isTicket: true,
      path: `/ticket/${ticket}`,
    },
    tls: { mode: "pin", pin },
  };
}

/** A ticket without the fingerprint of where it leads is good for nothing here. Throws a HypervisorError, which does not hold it. */
export function readTicket(answer: Element) {
  const said = child(answer, "returnval") ?? answer;
  const host = textOf(said, "host");
  const port = textOf(said, "port");
  const ticket = {
    ticket: textOf(said, "ticket"),
    ...(host === undefined || host === "" ? {} : { host }),
    port: port === undefined || port === "" ? HTTPS_PORT : Number(port),
    pin: pinOf(said),
  };
  if (ticket.pin === undefined)
    throw new HypervisorError("answer", "its ticket does not say by which certificate the host is known");
  if (!Check(Ticket, ticket)) throw new HypervisorError("answer", "its ticket cannot be read");
  return ticket;
}

/** From 7.0.3.1 on there is a list, with SHA-256 in it; before, there is one of SHA-1, and hosts can leave that out. */
function pinOf(ticket: Element): string | undefined {
  const said = [
    ...children(ticket, "certThumbprintList").map((each) => textOf(each, "thumbprint")),
    textOf(ticket, "sslThumbprint"),
  ];
  const pins = said.flatMap((text) => {
    const digits = (text ?? "").replaceAll(":", "");
    return readCertificatePin(`${digits.length === 64 ? "sha256" : "sha1"}:${digits}`) ?? [];
  });
  return pins.find((pin) => pin.startsWith("sha256:")) ?? pins[0];
}
