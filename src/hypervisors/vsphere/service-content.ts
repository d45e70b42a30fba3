import { type Static, Type } from "typebox";
import { Check } from "typebox/schema";
import { HypervisorError } from "../hypervisor-error.ts";
import { type Reference, readReference } from "./soap.ts";
import { child, children, type Element, readXml, textOf } from "./xml.ts";

const Line = Type.String({ minLength: 1, maxLength: 256, pattern: "^[ -~]+$" });

/** AboutInfo, as far as it matters here. */
const About = Type.Object({
  apiVersion: Type.String({ pattern: "^[0-9]{1,9}(\\.[0-9]{1,9}){0,7}$" }),
  /** `VirtualCenter`, or `HostAgent` of an ESXi host by itself. */
  apiType: Line,
  /** A vCenter's own; hosts have none. */
  instanceUuid: Type.Optional(Line),
});
export type About = Static<typeof About>;

const OBJECTS = [
  "rootFolder",
  "propertyCollector",
  "viewManager",
  "searchIndex",
  "sessionManager",
  "setting",
] as const;
type Objects = Readonly<Record<(typeof OBJECTS)[number], Reference>>;

export interface ServiceContent {
  readonly about: About;
  readonly objects: Objects;
}

/** ServiceContent of the service instance. Throws a HypervisorError. */
export function readServiceContent(answer: Element): ServiceContent {
  const content = child(answer, "returnval") ?? answer;
  const about = child(content, "about") ?? answer;
  const instanceUuid = textOf(about, "instanceUuid");
  const said = {
    apiVersion: textOf(about, "apiVersion"),
    apiType: textOf(about, "apiType"),
    ...(instanceUuid === undefined || instanceUuid === "" ? {} : { instanceUuid }),
  };
  if (!Check(About, said)) throw unreadable();
  const objects = OBJECTS.map((name) => {
    const reference = readReference(child(content, name));
    if (reference === undefined) throw unreadable();
    return [name, reference];
  });
  return { about: said, objects: Object.fromEntries(objects) };
}

/** The newest version of the API that a server speaks: vimServiceVersions.xml. Throws a HypervisorError. */
export function readServiceVersion(xml: string): string {
  const own = children(readXml(xml), "namespace").find((each) => textOf(each, "name") === "urn:vim25");
  const version = own === undefined ? undefined : textOf(own, "version");
  if (version === undefined || !/^[\w.]{1,64}$/.test(version)) throw unreadable();
  return version;
}

function unreadable(): HypervisorError {
  return new HypervisorError("answer", "what answers there does not say what it is as a vSphere does");
}
