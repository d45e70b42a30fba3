/** What CloudStack's answers are made of; `undefined` fields are left out. */
type Field = string | number | boolean | undefined | Fields | readonly Fields[];
export interface Fields {
  readonly [name: string]: Field;
}

/** One answer, in the order in which its fields are written. */
export interface Answer {
  /** The outermost name: the command in lower case and "response", or "errorresponse". */
  readonly name: string;
  readonly fields: Fields;
}

/** One way of writing an answer down. */
export interface Format {
  readonly contentType: string;
  write(answer: Answer, version: string): string;
}

const JSON_FORMAT: Format = {
  contentType: "application/json; charset=UTF-8",
  write: ({ name, fields }) => JSON.stringify({ [name]: fields }),
};

const XML_FORMAT: Format = {
  contentType: "text/xml; charset=UTF-8",
  write: ({ name, fields }, version) =>
    `<?xml version="1.0" encoding="UTF-8"?><${name} cloud-stack-version="${escaped(version)}">${elements(fields)}</${name}>`,
};

/** By the parameter `response`: XML unless the caller asks for JSON, as in CloudStack. */
export function formatFor(response: string | undefined): Format {
  return response?.toLowerCase() === "json" ? JSON_FORMAT : XML_FORMAT;
}

function elements(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, field]) => element(name, field))
    .join("");
}

/** A list is its element, repeated; an empty one is nothing. */
function element(name: string, field: Field): string {
  if (field === undefined) return "";
  if (isList(field)) return field.map((item) => element(name, item)).join("");
  const content = typeof field === "object" ? elements(field) : escaped(String(field));
  return `<${name}>${content}</${name}>`;
}

function isList(field: Field): field is readonly Fields[] {
  return Array.isArray(field);
}

/** XML 1.0 §2.2: control characters may stand in a document in no form, so they become U+FFFD. */
function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&apos;",
  };
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "\u{FFFD}")
    .replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
