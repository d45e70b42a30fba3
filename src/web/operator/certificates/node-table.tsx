import { useId, useMemo } from "preact/hooks";
import type { Node } from "#wire/api.ts";
import { lastingOf } from "#wire/certificate-end.ts";
import { type Shape, StateShape } from "../../ui/icons.tsx";
import { language } from "../../ui/language.ts";
import { Command } from "../command.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { byText } from "../sorting.ts";
import { words } from "../words.ts";
import { EndTime } from "./end-time.tsx";
import { type CertificateOverview, type Standing, standingOf } from "./overview.ts";
import { namesText } from "./texts.ts";

/** What each node has said that it serves, and whether that is what it is to serve. */
export function NodeTable({ overview }: { readonly overview: CertificateOverview }) {
  const tongue = language.value;
  const heading = useId();
  const w = words.value.ofCertificates;
  const columns = useMemo(() => nodeColumns(overview, tongue), [overview, tongue]);

  return (
    <section class="part" aria-labelledby={heading}>
      <h2 id={heading}>{w.nodes}</h2>
      {overview.nodes.length === 0 ? (
        <div class="empty">
          <p>{w.noNodesYet}</p>
          <p class="soft">{w.noNodesHow}</p>
          <Command line="npm run -s porthole -- join-token create" />
        </div>
      ) : (
        <DataTable
          caption={w.nodes}
          columns={columns}
          rows={overview.nodes}
          rowId={({ id }) => id}
          initial={{ column: "node", descending: false }}
        />
      )}
    </section>
  );
}

function nodeColumns(overview: CertificateOverview, tongue: string): readonly Column<Node>[] {
  const w = words.value.ofCertificates;
  return [
    {
      id: "node",
      label: w.node,
      cell: ({ id, pageOrigin, pool }) => (
        <>
          <span title={id}>{pageOrigin.replace(/^https?:\/\//, "") || id}</span>
          <span class="narrow-only soft">{pool}</span>
        </>
      ),
      compare: byText(({ pageOrigin }) => pageOrigin, tongue),
    },
    {
      id: "pool",
      label: w.pool,
      cell: ({ pool }) => pool,
      compare: byText(({ pool }) => pool ?? "", tongue),
      weight: "minor",
    },
    {
      id: "serves",
      label: w.serves,
      cell: (node) => servedText(node, overview),
      compare: byText((node) => servedText(node, overview), tongue),
    },
    {
      id: "ends",
      label: w.ends,
      cell: ({ certificate }) => {
        if (certificate === undefined) return false;
        const known = overview.certificates.find(({ chainId }) => chainId === certificate.chainId);
        const how = known === undefined ? {} : { how: lastingOf(known, Date.now()) };
        return <EndTime notAfter={certificate.notAfter} {...how} />;
      },
      compare: (a, b) => endOf(a) - endOf(b),
      weight: "minor",
    },
    {
      id: "standing",
      label: w.standing,
      cell: (node) => <StandingWord node={node} standing={standingOf(node, overview)} />,
      compare: byText((node) => w.standings[standingOf(node, overview)], tongue),
    },
  ];
}

const LOOKS: Readonly<Record<Standing, { readonly shape: Shape; readonly look: string }>> = {
  serves: { shape: "full", look: "good" },
  waits: { shape: "half", look: "caution" },
  flawed: { shape: "struck", look: "bad" },
  refused: { shape: "struck", look: "bad" },
  plain: { shape: "empty", look: "idle" },
  silent: { shape: "struck", look: "idle" },
};

function StandingWord({ node, standing }: { readonly node: Node; readonly standing: Standing }) {
  const { shape, look } = LOOKS[standing];
  return (
    <>
      <span class={`state ${look}`}>
        <StateShape shape={shape} />
        {words.value.ofCertificates.standings[standing]}
      </span>
      {(standing === "refused" || standing === "flawed") && (
        <span class="small node-problem">{node.certificateProblem}</span>
      )}
    </>
  );
}

function servedText({ certificate }: Node, { certificates }: CertificateOverview): string {
  const w = words.value.ofCertificates;
  if (certificate === undefined) return w.plainHttp;
  if (certificate.chainId === undefined) return w.ownCa;
  const known = certificates.find(({ chainId }) => chainId === certificate.chainId);
  return known === undefined ? w.another : namesText(known.names);
}

function endOf({ certificate }: Node): number {
  return certificate === undefined ? 0 : Date.parse(certificate.notAfter);
}
