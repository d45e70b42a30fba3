import { SaxesParser } from "saxes";
import { HypervisorError } from "../hypervisor-error.ts";

const limits = {
  /** Of one answer. A machine in a list is some twenty, and a page of a list has some hundred machines. */
  elements: 500_000,
  depth: 64,
} as const;

/** An element without its prefix: each name here stands in one namespace. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  /** What stands in it outside its children. */
  text: string;
}

/**
 * Reads an answer. A document type is refused, and with it every entity but the five of XML itself, so nothing grows as it is read
 * and nothing is fetched. Throws a HypervisorError.
 */
export function readXml(xml: string): Element {
  const root: Element = { name: "", attributes: {}, children: [], text: "" };
  const path = [root];
  let elements = 0;
  const parser = new SaxesParser();
  parser.on("doctype", () => {
    throw unreadable("it has a document type");
  });
  parser.on("opentag", ({ name, attributes }) => {
    const element = { name: localName(name), attributes: attributesOf(attributes), children: [], text: "" };
    elements++;
    if (elements > limits.elements || path.length > limits.depth) throw unreadable("it is too large");
    path.at(-1)?.children.push(element);
    path.push(element);
  });
  parser.on("closetag", () => void path.pop());
  const addText = (text: string) => {
    const element = path.at(-1);
    if (element !== undefined) element.text += text;
  };
  parser.on("text", addText);
  parser.on("cdata", addText);
  try {
    parser.write(xml).close();
  } catch (cause) {
    // What the parser says of it may quote the answer, in which there can be a ticket.
    throw cause instanceof HypervisorError ? cause : unreadable("it is not XML");
  }
  const [document] = root.children;
  if (document === undefined) throw unreadable("it is empty");
  return document;
}

export function child(element: Element, name: string): Element | undefined {
  return element.children.find((each) => each.name === name);
}

export function children(element: Element, name: string): readonly Element[] {
  return element.children.filter((each) => each.name === name);
}

/** The text of a child, without the white space around it. */
export function textOf(element: Element, name: string): string | undefined {
  return child(element, name)?.text.trim();
}

/** Of a value that may be of several types: `xsi:type` without prefixes. `type` alone is something else, a managed object's. */
export function typeOf({ attributes }: Element): string | undefined {
  const said = Object.entries(attributes).find(([name]) => name.endsWith(":type"));
  return said === undefined ? undefined : localName(said[1]);
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

function attributesOf(attributes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.assign(Object.create(null), attributes);
}

function localName(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1);
}

function unreadable(why: string): HypervisorError {
  return new HypervisorError("answer", `its answer cannot be read: ${why}`);
}
