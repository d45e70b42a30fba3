import { Compile } from "typebox/compile";
import type { Log } from "#base/process/log.ts";
import {
  CertificateAnswer,
  type CertificateCommand,
  type ServingCertificate,
} from "#wire/link-certificate.ts";
import type { DefaultCertificates } from "../../fleet/default-certificate.ts";
import { ENTRANCE_COLUMNS, plainEntranceOf, secureEntranceOf } from "../../fleet/entrance.ts";
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
      .select(["pool", "certificate_not_after", "certificate_names"])
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
    const { key, names, isServed, certificate } = await wantedOf(node);
    const own = store.db.updateTable("nodes").where("id", "=", nodeId).where("incarnation", "=", incarnation);
    if (isServed && node.certificate_settled === 1) {
      // What it could not serve is not wanted any more.
      if (node.certificate_refused !== null)
        await own.set({ certificate_refused: null, certificate_problem: null }).execute();
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
        certificate_problem: problem ?? null,
        certificate_refused: problem === undefined ? null : key,
        // With a problem it goes on with what it had.
        ...(problem === undefined ? { certificate_names: names } : {}),
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
        certificate: async () => undefined,
      };
    const stored = await servingFor(node.pool);
    if (stored !== undefined) {
      // A mended chain has the same leaf.
      const chain = chainNote(chainId(stored.chain));
      return {
        key: chain,
        names: chain,
        isServed: node.certificate_id === stored.id && node.certificate_names === chain,
        certificate: async () => stored,
      };
    }
    const entrances = [secureEntranceOf(node), plainEntranceOf(node)].filter((one) => one !== undefined);
    const names = defaults.namesOf(entrances, values.value("consoleproxy.url.domain"));
    const isServed =
      node.certificate_id !== null &&
      node.certificate_names === names &&
      defaults.lasts(node.certificate_not_after ?? 0);
    return { key: names, names, isServed, certificate: async () => await defaults.issue(names) };
  }
}

/** Of a start that has been told nothing yet: it serves plain HTTP. */
const UNTOLD = {
  certificate_id: null,
  certificate_not_after: null,
  certificate_names: null,
  certificate_settled: 1,
  certificate_refused: null,
  certificate_problem: null,
} as const;
