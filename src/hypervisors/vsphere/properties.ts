import { HypervisorError } from "../hypervisor-error.ts";
import type { VsphereClient } from "./client.ts";
import { type Parameters, type Reference, readReference, reference, value } from "./soap.ts";
import { child, children, type Element, textOf } from "./xml.ts";

const limits = {
  /** Of one page. */
  objects: 500,
  /** A server that always says that there is more would be asked for ever. */
  pages: 200,
} as const;

/** What is known of one managed object: its properties by their paths, each as it was sent. */
export interface Properties {
  readonly object: Reference;
  readonly values: ReadonlyMap<string, Element>;
}

/** PropertyFilterSpec: these properties of one object. */
export function ofObject(object: Reference, paths: readonly string[]): Parameters {
  return filterSpec(object.type, paths, reference("obj", object));
}

/** PropertyFilterSpec: these properties of everything that a view shows. */
export function ofView(view: Reference, type: string, paths: readonly string[]): Parameters {
  return ofMembers(view, { path: "view", type, properties: paths });
}

/** PropertyFilterSpec: these properties of every object that one of an object's properties names. */
export function ofMembers(
  of: Reference,
  {
    path,
    type,
    properties,
  }: { readonly path: string; readonly type: string; readonly properties: readonly string[] },
): Parameters {
  const traversal = [
    '<selectSet xsi:type="TraversalSpec">',
    value("name", "members"),
    value("type", of.type),
    value("path", path),
    value("skip", false),
    "</selectSet>",
  ].join("");
  return filterSpec(type, properties, `${reference("obj", of)}${value("skip", true)}${traversal}`);
}

/** Shows all machines, whatever folder they lie in. Whoever asked for it ends it: it lasts as long as the session. */
export async function createMachineView(client: VsphereClient, signal: AbortSignal): Promise<Reference> {
  const root = await client.object("rootFolder", signal);
  const parameters = `${reference("container", root)}${value("type", "VirtualMachine")}${value("recursive", true)}`;
  const call = { method: "CreateContainerView", target: "viewManager", parameters } as const;
  return requireReference(child(await client.ask(call, signal), "returnval"));
}

export function requireReference(element: Element | undefined): Reference {
  const found = readReference(element);
  if (found === undefined)
    throw new HypervisorError("answer", "it does not name the object that it was asked for");
  return found;
}

/** Asks for properties, page by page. Throws as the client does. */
export async function retrieve(
  client: VsphereClient,
  specification: Parameters,
  signal: AbortSignal,
): Promise<readonly Properties[]> {
  const options = `<options>${value("maxObjects", limits.objects)}</options>`;
  const first = {
    ...({ method: "RetrievePropertiesEx", target: "propertyCollector", isRepeatable: true } as const),
    parameters: `${specification}${options}`,
  };
  let page = child(await client.ask(first, signal), "returnval");
  const found = objectsOf(page);
  for (let pages = 1; page !== undefined; pages++) {
    const token = textOf(page, "token");
    if (token === undefined || token === "") break;
    if (pages === limits.pages) throw new HypervisorError("answer", "its list has no end");
    const method = "ContinueRetrievePropertiesEx";
    const next = { method, target: "propertyCollector", parameters: value("token", token) } as const;
    page = child(await client.ask(next, signal), "returnval");
    found.push(...objectsOf(page));
  }
  return found;
}

/** What stands in one page of an answer. */
export function objectsOf(page: Element | undefined): Properties[] {
  return children(page ?? EMPTY, "objects").flatMap((content) => {
    const object = readReference(child(content, "obj"));
    if (object === undefined) return [];
    return [{ object, values: new Map(children(content, "propSet").flatMap(propertyOf)) }];
  });
}

/** Of what was not told. */
export const EMPTY: Element = { name: "", attributes: {}, children: [], text: "" };

function propertyOf(property: Element): readonly (readonly [string, Element])[] {
  const name = textOf(property, "name");
  const said = child(property, "val");
  return name === undefined || said === undefined ? [] : [[name, said]];
}

function filterSpec(type: string, paths: readonly string[], objectSet: Parameters): Parameters {
  const set = paths.map((path) => value("pathSet", path)).join("");
  return [
    `<specSet><propSet>${value("type", type)}${value("all", false)}${set}</propSet>`,
    `<objectSet>${objectSet}</objectSet></specSet>`,
  ].join("");
}
