import type { Clock } from "#base/clock.ts";
import { usualAddress } from "#dns/dashed-name.ts";
import type { NameServer, ZoneData } from "#dns/zone-data.ts";
import { addressOf, keyOfOrigin } from "../fleet/ip-range.ts";
import { silenceMs } from "../fleet/up.ts";
import type { SettingValues } from "../settings/settings.ts";
import { INTEGER, prepare } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { NamedServer } from "./dns-settings.ts";
import { createFormerDomains, type FormerDomains } from "./former-domains.ts";

const limits = {
  /** Domains that nodes have certificates for, the latest, which are answered for beside the one of now. */
  before: 4,
  /** How long after the last node has changed to another: pages that were opened by the old one come back to it. */
  beforeMs: 60 * 60 * 1000,
  /** How much of that may be lost when control is started anew, so that not every reading writes. */
  unwrittenMs: 60 * 1000,
} as const;

/** The zones as the database has them now. */
export type ReadZones = () => Promise<Zones>;

interface Zones {
  /** `undefined` while nodes are found by their addresses. */
  readonly now: ZoneData | undefined;
  /** Of other domains that nodes have certificates for, or had a moment ago. */
  readonly before: readonly ZoneData[];
}

/**
 * Reads what there is to be said of the domain. A dashed name has who is registered, and nobody else: were any address
 * given one, a stranger could make a name of ours lead wherever he likes, and pages of that name would be ours to browsers.
 *
 * `ownAddresses`: where this replica answers, for name servers that nobody has named.
 */
export function createZoneReading({
  store,
  values,
  clock,
  ownAddresses,
}: {
  readonly store: Store;
  readonly values: SettingValues;
  readonly clock: Clock;
  readonly ownAddresses: readonly string[];
}): ReadZones {
  const findNodes = prepare(store, { silenceMs: INTEGER }, (db, slots) =>
    db
      .selectFrom("nodes")
      .select(["page_origin", "web_socket_origin", "secure_page_origin", "secure_web_socket_origin"])
      .select((node) =>
        node
          .case()
          .when(
            node.and([
              node("certificate_id", "is not", null),
              node("certificate_incarnation", "=", node.ref("incarnation")),
            ]),
          )
          .then(node.ref("certificate_domain"))
          .else(null)
          .end()
          .as("certified_domain"),
      )
      .select((node) =>
        node
          .case()
          .when(
            node.and([
              node("incarnation", "is not", null),
              node("draining_at", "is", null),
              node("seen_at", ">", (where) => where(store.now, "-", slots.silenceMs)),
            ]),
          )
          .then(1)
          .else(0)
          .end()
          .as("takes_viewers"),
      )
      .where("revoked_at", "is", null)
      .where("page_origin", "<>", "")
      .orderBy("created_at")
      .orderBy("id"),
  );
  const findTexts = prepare(store, {}, (db) =>
    db
      .selectFrom("dns_texts")
      .select(["name", "value"])
      .where("expires_at", ">", store.now)
      .orderBy("name")
      .orderBy("value"),
  );

  const former = createFormerDomains(store);
  /** Domains that nodes were certified for, and when they last were. */
  const certified = new Map<string, number>();

  return async () => {
    const nodes = await findNodes(store.db, { silenceMs: silenceMs(values) });
    const entrances = nodes.filter(({ takes_viewers: takes }) => takes === 1);
    const texts = await findTexts(store.db, {});
    const common = {
      serial: Math.floor(clock.now() / 1000),
      issuers: values.value("dns.caa"),
      // A name that leads nowhere would help nobody either.
      apex: addressesOf(entrances.length > 0 ? entrances : nodes),
      addresses: addressesOf(nodes),
      ranges: values.value("dns.public.ranges") ? await rangesOf(store) : [],
      texts: new Map(
        Map.groupBy(texts, ({ name }) => name)
          .entries()
          .map(([name, rows]) => [name, rows.map(({ value }) => value)]),
      ),
    };
    const zoneOf = (domain: string): ZoneData => ({
      domain,
      nameServers: nameServersOf(domain, values.value("dns.name.servers"), ownAddresses),
      contact: values.value("dns.contact") || `hostmaster@${domain}`,
      ...common,
    });
    const written = await former.read();
    noteCertified(
      nodes.flatMap(({ certified_domain: domain }) => domain || []),
      written,
    );
    const domain = nameOf(values.value("consoleproxy.url.domain"));
    const before = new Map([...certified].filter(([each]) => each !== domain));
    const isUnwritten = ([each, since]: readonly [string, number]) =>
      since > (written.get(each) ?? Number.NEGATIVE_INFINITY) + limits.unwrittenMs;
    if ([...before].some(isUnwritten)) await former.write(before);
    return {
      now: domain === "" ? undefined : zoneOf(domain),
      before: [...before.keys()].map(zoneOf),
    };
  };

  /** The latest first. */
  function noteCertified(domains: readonly string[], written: FormerDomains): void {
    for (const [domain, since] of written)
      certified.set(domain, Math.max(since, certified.get(domain) ?? since));
    for (const domain of domains) certified.set(nameOf(domain), clock.now());
    const latest = [...certified]
      .filter(([, since]) => clock.now() - since <= limits.beforeMs)
      .toSorted(([, one], [, other]) => other - one)
      .slice(0, limits.before);
    certified.clear();
    for (const [domain, since] of latest) certified.set(domain, since);
  }
}

/** Of consoleproxy.url.domain, which may begin with `*.`. */
function nameOf(domain: string): string {
  return domain.replace(/^\*\./, "");
}

async function rangesOf({ db }: Store) {
  const rows = await db.selectFrom("public_ip_ranges").select(["first_key", "last_key"]).execute();
  return rows.map(({ first_key: first, last_key: last }) => ({
    first: addressOf(first),
    last: addressOf(last),
  }));
}

interface Origins {
  readonly page_origin: string;
  readonly web_socket_origin: string;
  readonly secure_page_origin: string | null;
  readonly secure_web_socket_origin: string | null;
}

/** Of those nodes that are known by an address, with TLS or without. */
function addressesOf(nodes: readonly Origins[]): readonly string[] {
  const origins = nodes.flatMap((node) => [
    node.page_origin,
    node.web_socket_origin,
    node.secure_page_origin,
    node.secure_web_socket_origin,
  ]);
  const keys = origins.flatMap((origin) => (origin === null ? [] : (keyOfOrigin(origin) ?? [])));
  return [...new Set(keys)].map((key) => usualAddress(addressOf(key)));
}

function nameServersOf(
  domain: string,
  named: readonly NamedServer[],
  ownAddresses: readonly string[],
): readonly NameServer[] {
  if (named.length === 0) return [{ name: `ns.${domain}`, addresses: ownAddresses }];
  return [
    ...Map.groupBy(named, ({ name }) => name)
      .entries()
      .map(([name, same]) => ({ name, addresses: same.flatMap(({ address }) => address ?? []) })),
  ];
}
