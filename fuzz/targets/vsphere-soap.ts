import assert from "node:assert/strict";
import { HypervisorError } from "#hypervisors/hypervisor-error.ts";
import { readMachine } from "#hypervisors/vsphere/machines.ts";
import { objectsOf } from "#hypervisors/vsphere/properties.ts";
import { readServiceContent, readServiceVersion } from "#hypervisors/vsphere/service-content.ts";
import { readAnswer, VsphereFault } from "#hypervisors/vsphere/soap.ts";
import { readTicket } from "#hypervisors/vsphere/tickets.ts";
import { changedAddresses } from "#hypervisors/vsphere/updates.ts";
import { child, type Element } from "#hypervisors/vsphere/xml.ts";
import { ascii, type Target } from "../target.ts";
import { told } from "./told.ts";

/** What is made of the answer to each question. */
const READERS = {
  RetrieveServiceContent: readServiceContent,
  RetrievePropertiesEx: (answer: Element) =>
    objectsOf(child(answer, "returnval")).map((each) => readMachine(each)?.known),
  WaitForUpdatesEx: (answer: Element) => [
    ...changedAddresses(child(answer, "returnval") ?? answer, new Map([["vm-56", "before"]])),
  ],
  AcquireTicket: (answer: Element) => {
    const ticket = readTicket(answer);
    assert.match(ticket.ticket, /^[^/?#\s%]+$/, "a ticket that leads elsewhere");
    return ticket;
  },
} as const;

/** By the first byte of an input. */
export const KINDS = ["versions", ...Object.keys(READERS)] as readonly ("versions" | keyof typeof READERS)[];

/** What a vCenter answers. It is read once it is whole. */
export const vsphereSoap: Target = {
  name: "vsphere-soap",
  words: ascii(
    ...[
      '<!DOCTYPE a [<!ENTITY b "c">]>',
      "&amp;",
      "&#x41;",
      "<![CDATA[",
      "]]>",
      "<returnval>",
      "</returnval>",
    ],
    ...[
      'xsi:type="',
      'type="VirtualMachine"',
      "<missingSet>",
      "<fault>",
      "<token>1</token>",
      "<kind>leave</kind>",
    ],
    ...[
      "<host>a b</host>",
      "<ticket>../x</ticket>",
      "<port>65536</port>",
      "<port>1e3</port>",
      "%2f",
      "\ufffd",
    ],
  ),
  maxBytes: 64 * 1024,
  run(input) {
    const kind = KINDS[(input[0] ?? 0) % KINDS.length] ?? "versions";
    const text = new TextDecoder().decode(input.subarray(1));
    try {
      if (kind === "versions") return told(readServiceVersion(text));
      return told(READERS[kind](readAnswer(text, kind)));
    } catch (error) {
      if (!(error instanceof HypervisorError || error instanceof VsphereFault)) throw error;
      assert.ok(error.message.length <= 1_000, "an error of endless words");
      return `${error.name}: ${error.message}`;
    }
  },
};
