import { printable } from "#wire/gateway-error.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { child, type Element, escapeXml, readXml, textOf, typeOf } from "./xml.ts";

/** A managed object of the platform: what it is, and which. */
export interface Reference {
  readonly type: string;
  readonly id: string;
}

/** What a call says beside its name: XML, made by `value` and `reference`. */
export type Parameters = string;

/** The platform does not do what it is asked for: vSphere Web Services SDK, "Faults". */
export class VsphereFault extends Error {
  override readonly name = "VsphereFault";
  /** As the SDK names it, such as `NotAuthenticated`. */
  readonly fault: string;
  /** Of a fault `NoPermission`: what the account may not do. */
  readonly privilege: string | undefined;

  constructor(fault: string, said: string, privilege?: string) {
    super(said === "" ? fault : `${fault}: ${said}`);
    this.fault = fault;
    this.privilege = privilege;
  }
}

/** A message in which a managed object is asked for something. */
export function envelope(method: string, target: Reference, parameters: Parameters): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">',
    `<soapenv:Body><${method} xmlns="urn:vim25">${reference("_this", target)}${parameters}</${method}></soapenv:Body>`,
    "</soapenv:Envelope>",
  ].join("");
}

export function reference(name: string, { type, id }: Reference): Parameters {
  return `<${name} type="${escapeXml(type)}">${escapeXml(id)}</${name}>`;
}

export function value(name: string, of: string | number | boolean): Parameters {
  return `<${name}>${escapeXml(String(of))}</${name}>`;
}

/** What it answered to `method`. Throws a VsphereFault, or a HypervisorError where it is no answer to that. */
export function readAnswer(xml: string, method: string): Element {
  const envelopeElement = readXml(xml);
  const body = envelopeElement.name === "Envelope" ? child(envelopeElement, "Body") : undefined;
  const [said] = body?.children ?? [];
  if (said === undefined) throw notSoap();
  if (said.name === "Fault") throw readFault(said);
  if (said.name !== `${method}Response`) throw notSoap();
  refuseWithheld(said);
  return said;
}

/** A managed object that a property or an answer names. */
export function readReference(element: Element | undefined): Reference | undefined {
  const id = element?.text.trim();
  const type = element?.attributes["type"];
  return id === undefined || id === "" || type === undefined ? undefined : { type, id };
}

/** Fault of SOAP 1.1, with the platform's own in its detail. */
function readFault(fault: Element): VsphereFault {
  const [detail] = child(fault, "detail")?.children ?? [];
  const named = detail === undefined ? undefined : (typeOf(detail) ?? detail.name.replace(/Fault$/, ""));
  return faultOf(named ?? "fault", textOf(fault, "faultstring") ?? "", detail);
}

function faultOf(named: string, said: string, detail: Element | undefined): VsphereFault {
  const privilege = detail === undefined ? undefined : textOf(detail, "privilegeId");
  return new VsphereFault(
    printable(named),
    printable(said),
    privilege === undefined ? undefined : printable(privilege),
  );
}

/** Properties are told to whoever has a session; without one some servers answer, and leave out all of them. */
function refuseWithheld(answer: Element): void {
  for (const object of answer.children.flatMap(({ children }) => children)) {
    const fault = object.children
      .filter(({ name }) => name === "missingSet")
      .flatMap((missing) => child(missing, "fault")?.children ?? [])
      .find((each) => typeOf(each) === "NotAuthenticated");
    if (fault !== undefined) throw faultOf("NotAuthenticated", "", fault);
  }
}

function notSoap(): HypervisorError {
  return new HypervisorError(
    "answer",
    "what answers there is no vSphere: its answer is not one to what was asked",
  );
}
