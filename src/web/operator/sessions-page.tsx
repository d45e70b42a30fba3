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
      cell: ({ machine, viewOnly, account, ending }) => (
        <>
          {machine}
          {viewOnly && <span class="soft small"> ({w.viewOnly})</span>}
          <span class="narrow-only soft">{account}</span>
          {ending !== undefined && (
            <span class="narrow-only small">
              <EndingWords ending={ending} tongue={tongue} />
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
      cell: ({ ending }) => ending !== undefined && <EndingWords ending={ending} tongue={tongue} />,
      compare: byText(({ ending }) => ending?.code ?? "", tongue),
      weight: "minor",
    },
    {
      id: "reference",
      label: w.reference,
      cell: ({ id }) => <Copyable text={id} copy={w.copy} copied={w.copied} walkable />,
      weight: "extra",
    },
  ];
}

const LOOKS: Readonly<Record<SessionState, { readonly shape: Shape; readonly look: string }>> = {
  pending: { shape: "half", look: "idle" },
  active: { shape: "full", look: "good" },
  ended: { shape: "empty", look: "idle" },
};

function SessionStateWord({ session: { state, ending } }: { readonly session: Session }) {
  const badly = ending !== undefined && ending.kind !== "closed";
  const { shape, look } = badly ? ({ shape: "struck", look: "bad" } as const) : LOOKS[state];

  return (
    <span class={`state ${look}`}>
      <StateShape shape={shape} />
      {words.value.sessionStates[state]}
    </span>
  );
}

function EndingWords({
  ending,
  tongue,
}: {
  readonly ending: NonNullable<Session["ending"]>;
  readonly tongue: Language;
}) {
  // The catalogue says "you" to the person at the viewer, who is somebody else here.
  const meaning =
    ending.code === "viewer_closed"
      ? words.value.closedByViewer
      : errorText(knownCode(ending.code), tongue).meaning;
  return (
    <>
      {meaning}
      {ending.detail !== undefined && <span class="soft"> ({ending.detail})</span>}
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
