import { NEWEST, OLDEST, versionText } from "./microversion.ts";

/** When Nova's 2.1 was last changed in itself, as Nova says it. */
const UPDATED = "2013-07-23T11:33:21Z";
const JSON_TYPE = "application/json";

/** Which versions there are: what clients ask first, without a token. `root` is where the API is. */
export function versionList(root: string): unknown {
  return { versions: [current(root)] };
}

/** For any other path at the top: Nova answers 300, and where to look. */
export function versionChoices(root: string): unknown {
  const { id, status, links } = current(root);
  return { choices: [{ id, status, links, "media-types": mediaTypes() }] };
}

export function versionDocument(root: string): unknown {
  const version = current(root);
  const described = {
    rel: "describedby",
    type: "text/html",
    href: "https://docs.openstack.org/api-ref/compute/",
  };
  return {
    version: { ...version, links: [...version.links, described], "media-types": mediaTypes() },
  };
}

function current(root: string) {
  return {
    id: "v2.1",
    status: "CURRENT",
    version: versionText(NEWEST),
    min_version: versionText(OLDEST),
    updated: UPDATED,
    links: [{ rel: "self", href: `${root}/v2.1/` }],
  };
}

function mediaTypes() {
  return [{ base: JSON_TYPE, type: "application/vnd.openstack.compute+json;version=2.1" }];
}
