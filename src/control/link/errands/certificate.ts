import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { Compile } from "typebox/schema";
import type { Log } from "#base/process/log.ts";
import {
  CertificateAnswer,
  type CertificateCommand,
  type ServingCertificate,
} from "#wire/link-certificate.ts";
import type { DefaultCertificates } from "../../fleet/default-certificate.ts";
import { ENTRANCE_COLUMNS, plainEntranceOf, secureEntranceOf } from "../../fleet/entrance.ts";
import { hostsOf, publicNames } from "../../fleet/public-names.ts";
import { chainId, chainNote } from "../../fleet/served-chain.ts";
import type { SettingValues } from "../../settings/settings.ts";
import { prepare, TEXT } from "../../store/prepared.ts";
import type { Store } from "../../store/store.ts";
import type { Errand } from "../commands.ts";

/** The certificate that the nodes of a pool are to serve; `undefined`: each its own, of the installation's CA. */
export type ServingFor = (pool: string) => Promise<ServingCertificate | undefined>;

interface Parts {
  readonly store: Store;
  readonly values: SettingValues;
  readonly servingFor: ServingFor;
  readonly defaults: DefaultCertificates;
  readonly log: Log;
}

/** What a node is to serve. `names`: which those are that it is the default for, or what its chain is. */
interface Wanted {
  /** By which it is known that a node has refused it. */
  readonly key: string;
  readonly names: string | null;
  readonly isServed: boolean;
  /** What links are to be made with once it serves this; null: with the one in force. */
  readonly domain: string | null;
  /** What is wrong with it even so, in words. */
  readonly flaw?: string | undefined;
  readonly certificate: () => Promise<ServingCertificate | undefined>;
}

const certificateAnswer = Compile(CertificateAnswer);

/**
 * TLS or plain HTTP, and the certificate, where the node has not said that it serves just that. What it says is what links
 * are made by: an address that begins with https:// is given out once it works.
 */
export function createCertificateErrand({ store, values, servingFor, defaults, log }: Parts): Errand {
  const find = prepare(store, { nodeId: TEXT }, (db, slots) =>
    db
      .selectFrom("nodes")
      .select(ENTRANCE_COLUMNS)
      .select(["pool", "certificate_not_after", "certificate_names", "certificate_problem"])
      .select(["certificate_settled", "certificate_refused"])
      .where("id", "=", slots.nodeId)
      .where("incarnation", "is not", null)
      // An older node serves no TLS.
      .where("secure_page_origin", "is not", null),
  );
  type NodeRow = Awaited<ReturnType<typeof find>>[number];

  return async (nodeId, tell) => {
    const [row] = await find(store.db, { nodeId });
    if (row === undefined || row.incarnation === null) return;
    const { incarnation } = row;
    const untold = row.certificate_incarnation === incarnation ? {} : UNTOLD;
    const node = { ...row, ...untold };
    const { key, names, isServed, domain, flaw, certificate } = await wantedOf(node);
    const own = store.db.updateTable("nodes").where("id", "=", nodeId).where("incarnation", "=", incarnation);
    if (isServed && node.certificate_settled === 1) {
      // What it could not serve is not wanted any more, or it is called something else now.
      const said = {
        certificate_domain: domain,
        certificate_refused: null,
        certificate_problem: flaw ?? null,
      };
      if (!holds(node, said)) await own.set(said).execute();
      return;
    }
    if (key === node.certificate_refused) return;
    // Whoever asks next asks again, should this replica not live to write down the answer.
    await own.set({ ...untold, certificate_incarnation: incarnation, certificate_settled: 0 }).execute();
    const given = await certificate();
    const command: CertificateCommand = {
      incarnation,
      ...(given === undefined ? {} : { certificate: given }),
    };
    const answer = await tell("certificate", command);
    if (!certificateAnswer.Check(answer)) throw new Error("what a node answers is not of the link");
    const { serves, problem } = answer;
    await own
      .set({
        certificate_settled: 1,
        certificate_incarnation: incarnation,
        certificate_id: serves?.id ?? null,
        certificate_not_after: serves?.notAfter ?? null,
        certificate_problem: problem ?? flaw ?? null,
        certificate_refused: problem === undefined ? null : key,
        // With a problem it goes on with what it had.
        ...(problem === undefined ? { certificate_names: names, certificate_domain: domain } : {}),
      })
      .execute();
    if (problem === undefined)
      log.info({ nodeId, certificate: serves?.id }, "A node serves what it is to serve");
    else log.error({ nodeId, certificate: given?.id, problem }, "A node cannot serve its certificate");
  };

  async function wantedOf(
    node: Omit<NodeRow, "certificate_settled" | "certificate_refused">,
  ): Promise<Wanted> {
    if (!values.value("consoleproxy.sslEnabled"))
      return {
        key: "plain",
        names: null,
        isServed: node.certificate_id === null,
        domain: null,
        certificate: async () => undefined,
      };
    const entrances = [secureEntranceOf(node), plainEntranceOf(node)].filter((one) => one !== undefined);
    const domain = values.value("consoleproxy.url.domain");
    const stored = await servingFor(node.pool);
    if (stored !== undefined) {
      // A mended chain has the same leaf.
      const chain = chainNote(chainId(stored.chain));
      return {
        key: chain,
        names: chain,
        isServed: node.certificate_id === stored.id && node.certificate_names === chain,
        ...naming(node, stored, domain),
        certificate: async () => stored,
      };
    }
    const names = defaults.namesOf(entrances, domain);
    const isServed =
      node.certificate_id !== null &&
      node.certificate_names === names &&
      defaults.lasts(node.certificate_not_after ?? 0);
    return { key: names, names, isServed, domain, certificate: async () => await defaults.issue(names) };
  }
}

/** What a node is to be called that serves this: as before, where it is not for what it would be called now. */
function naming(
  node: Parameters<typeof secureEntranceOf>[0] & { readonly certificate_domain: string | null },
  { chain }: ServingCertificate,
  domain: string,
): Pick<Wanted, "domain" | "flaw"> {
  const entrance = secureEntranceOf(node);
  if (entrance === undefined) return { domain };
  const leaf = new X509Certificate(chain);
  const uncovered = hostsOf(publicNames(entrance, domain)).filter((host) => !isFor(leaf, host));
  if (uncovered.length === 0) return { domain };
  return {
    domain: node.certificate_domain,
    flaw: `the certificate is not for ${uncovered.join(" and ")}, as this node is called`,
  };
}

function isFor(leaf: X509Certificate, host: string): boolean {
  return (isIP(host) === 0 ? leaf.checkHost(host, { subject: "never" }) : leaf.checkIP(host)) !== undefined;
}

/** Whether a row says so already. */
function holds<Columns extends object>(row: Columns, said: Partial<Columns>): boolean {
  return Object.entries(said).every(([column, value]) => row[column as keyof Columns] === value);
}

/** Of a start that has been told nothing yet: it serves plain HTTP. */
const UNTOLD = {
  certificate_id: null,
  certificate_not_after: null,
  certificate_names: null,
  certificate_domain: null,
  certificate_settled: 1,
  certificate_refused: null,
  certificate_problem: null,
} as const;
