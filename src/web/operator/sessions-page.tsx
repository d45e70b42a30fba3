import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Session, SessionState } from "#wire/api.ts";
import { Copyable } from "../ui/copyable.tsx";
import { errorText, knownCode } from "../ui/error-texts.ts";
import { type Shape, StateShape } from "../ui/icons.tsx";
import { type Language, language } from "../ui/language.ts";
import { exactTime, relativeTime } from "../ui/relative-time.ts";
import type { Api } from "./api.ts";
import { type Column, DataTable } from "./data-table.tsx";
import type { Loaded } from "./loaded.ts";
import { Problem } from "./problem.tsx";
import { useRefresh } from "./refresh.ts";
import { type SessionPages, withNewest, withOlder } from "./session-pages.ts";
import { byText } from "./sorting.ts";
import { words } from "./words.ts";

const limits = {
  refreshMs: 5_000,
  /** How often “5 minutes ago” is looked at anew. */
  clockMs: 30_000,
} as const;

interface SessionsPageProps {
  readonly api: Api;
  readonly list: Loaded<SessionPages>;
}

/** Consoles that are or were open: who, when, and why they ended. */
export function SessionsPage({ api, list }: SessionsPageProps) {
  const refresh = () =>
    void list.load(async () => {
      const newest = await api.sessions();
      return withNewest(list.data.peek(), newest);
    });
  useRefresh(refresh, limits.refreshMs);
  const data = list.data.value;
  const error = list.error.value;
  const w = words.value;

  function older({ next }: SessionPages) {
    void list.load(async () => {
      const page = await api.sessions(next);
      return withOlder(list.data.peek() ?? { sessions: [] }, page);
    });
  }

  return (
    <main class="page">
      <header class="page-head">
        <h1>{w.sessions}</h1>
      </header>
      {error !== undefined && <Problem error={error} onTryAgain={refresh} />}
      {data === undefined && error === undefined && <p class="soft">{w.loading}</p>}
      {data?.sessions.length === 0 && (
        <div class="empty">
          <p>{w.noSessions}</p>
          <p class="soft">{w.noSessionsHow}</p>
        </div>
      )}
      {data !== undefined && data.sessions.length > 0 && <SessionTable sessions={data.sessions} />}
      {data?.next !== undefined && (
        <button type="button" class="button" onClick={() => older(data)}>
          {w.older}
        </button>
      )}
    </main>
  );
}

function SessionTable({ sessions }: { readonly sessions: readonly Session[] }) {
  const tongue = language.value;
  const now = useSignal(new Date());
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = new Date();
    }, limits.clockMs);
    return () => clearInterval(timer);
  }, [now]);
  const moment = now.value;
  const columns = useMemo(() => sessionColumns(tongue, moment), [tongue, moment]);

  return (
    <DataTable
      caption={words.value.sessions}
      columns={columns}
      rows={sessions}
      rowId={({ id }) => id}
      initial={{ column: "since", descending: true }}
    />
  );
}

function sessionColumns(tongue: Language, now: Date): readonly Column<Session>[] {
  const w = words.value;
  return [
    {
      id: "machine",
      label: w.machine,
      cell: ({ machine, viewOnly, account, ...session }) => (
        <>
          {machine}
          {viewOnly && <span class="soft small"> ({w.viewOnly})</span>}
          <span class="narrow-only soft">{account}</span>
          {isRemarkable(session) && (
            <span class="medium-only small">
              <Remark session={session} tongue={tongue} />
              {endedBadly(session) && <Reference id={session.id} worded />}
            </span>
          )}
        </>
      ),
      compare: byText(({ machine }) => machine, tongue),
    },
    {
      id: "account",
      label: w.who,
      cell: ({ account }) => account,
      compare: byText(({ account }) => account, tongue),
      weight: "minor",
    },
    {
      id: "state",
      label: w.state,
      cell: (session) => <SessionStateWord session={session} />,
      compare: byText(({ state }) => w.sessionStates[state], tongue),
    },
    {
      id: "since",
      label: w.since,
      cell: ({ createdAt }) => <Time at={new Date(createdAt)} now={now} tongue={tongue} />,
      compare: (a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt),
    },
    {
      id: "ending",
      label: w.ending,
      cell: (session) => isRemarkable(session) && <Remark session={session} tongue={tongue} />,
      compare: byText(({ ending }) => ending?.code ?? "", tongue),
      weight: "extra",
    },
    {
      id: "reference",
      label: w.reference,
      cell: ({ id }) => <Reference id={id} />,
      weight: "extra",
    },
  ];
}

const LOOKS: Readonly<Record<SessionState, { readonly shape: Shape; readonly look: string }>> = {
  pending: { shape: "half", look: "idle" },
  active: { shape: "full", look: "good" },
  detached: { shape: "half", look: "bad" },
  closing: { shape: "half", look: "idle" },
  ended: { shape: "empty", look: "idle" },
};

function Reference({ id, worded = false }: { readonly id: string; readonly worded?: boolean }) {
  const { copy, copied } = words.value;
  return <Copyable text={id} copy={copy} copied={copied} walkable worded={worded} />;
}

/** A link that nobody opened in its time is nothing that went wrong. */
function isUnused({ ending, redeemedAt }: Pick<Session, "ending" | "redeemedAt">): boolean {
  return ending?.code === "ticket_expired" && redeemedAt === undefined;
}

function endedBadly(session: Pick<Session, "ending" | "redeemedAt">): boolean {
  return session.ending !== undefined && session.ending.kind !== "closed" && !isUnused(session);
}

function SessionStateWord({ session }: { readonly session: Session }) {
  const { state } = session;
  const { shape, look } = endedBadly(session) ? ({ shape: "struck", look: "bad" } as const) : LOOKS[state];

  return (
    <span class={`state ${look}`}>
      <StateShape shape={shape} />
      {words.value.sessionStates[state]}
    </span>
  );
}

/** Whether its state alone leaves a question open. */
function isRemarkable({ state, ending }: Pick<Session, "state" | "ending">): boolean {
  return ending !== undefined || state === "detached";
}

/** Why it ended, or what is to be thought of one that is not over. */
function Remark({
  session,
  tongue,
}: {
  readonly session: Pick<Session, "state" | "ending" | "redeemedAt">;
  readonly tongue: Language;
}) {
  if (session.ending === undefined) return <span class="soft">{words.value.detachedMeans}</span>;
  return <EndingWords session={session} tongue={tongue} />;
}

function EndingWords({
  session,
  tongue,
}: {
  readonly session: Pick<Session, "ending" | "redeemedAt">;
  readonly tongue: Language;
}) {
  const { code = "internal", detail, step } = session.ending ?? {};
  const { closedByViewer, viewerLost, unused, failedAt } = words.value;
  // The catalogue says "you" to the person at the viewer, who is somebody else here.
  const ofOthers: Partial<Record<string, string>> = {
    viewer_closed: closedByViewer,
    viewer_lost: viewerLost,
  };
  const meaning = isUnused(session) ? unused : (ofOthers[code] ?? errorText(knownCode(code), tongue).meaning);
  return (
    <>
      {meaning}
      {detail !== undefined && <span class="soft"> ({detail})</span>}
      {step !== undefined && <span class="soft"> {failedAt[step]}</span>}
    </>
  );
}

function Time({ at, now, tongue }: { readonly at: Date; readonly now: Date; readonly tongue: string }) {
  return (
    <time dateTime={at.toISOString()} title={exactTime(at, tongue)}>
      {relativeTime(at, now, tongue)}
    </time>
  );
}
