import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Account, Session, SessionState } from "#wire/api.ts";
import { endedBadly, isUnused } from "#wire/session-ending.ts";
import { STEP_DETAILS } from "#wire/upstream-step.ts";
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
import { SessionEnd } from "./session-end.tsx";
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
  readonly account: Account;
  readonly list: Loaded<SessionPages>;
}

/** Consoles that are or were open: who, when, and why they ended. */
export function SessionsPage({ api, account, list }: SessionsPageProps) {
  const refresh = () =>
    void list.load(async () => {
      const newest = await api.sessions();
      return withNewest(list.data.peek(), newest);
    });
  useRefresh(refresh, limits.refreshMs);
  const data = list.data.value;
  const error = list.error.value;
  const w = words.value;
  const closing = useSignal<Session | undefined>(undefined);
  const heading = useRef<HTMLHeadingElement>(null);

  function older({ next }: SessionPages) {
    void list.load(async () => {
      const page = await api.sessions(next);
      return withOlder(list.data.peek() ?? { sessions: [] }, page);
    });
  }

  return (
    <main class="page">
      <header class="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {w.sessions}
        </h1>
      </header>
      {error !== undefined && <Problem error={error} onTryAgain={refresh} />}
      {data === undefined && error === undefined && <p class="soft">{w.loading}</p>}
      {data?.sessions.length === 0 && (
        <div class="empty">
          <p>{w.noSessions}</p>
          <p class="soft">{w.noSessionsHow}</p>
        </div>
      )}
      {data !== undefined && data.sessions.length > 0 && (
        <SessionTable
          sessions={data.sessions}
          onEnd={(session) => {
            closing.value = session;
          }}
        />
      )}
      {data?.next !== undefined && (
        <button type="button" class="button" onClick={() => older(data)}>
          {w.older}
        </button>
      )}
      {closing.value !== undefined && (
        <SessionEnd
          api={api}
          account={account}
          session={closing.value}
          onEnded={() => {
            closing.value = undefined;
            refresh();
            // With its state goes the button that was pressed.
            requestAnimationFrame(() => heading.current?.focus());
          }}
          onClose={() => {
            closing.value = undefined;
          }}
        />
      )}
    </main>
  );
}

interface SessionTableProps {
  readonly sessions: readonly Session[];
  readonly onEnd: (session: Session) => void;
}

function SessionTable({ sessions, onEnd }: SessionTableProps) {
  const tongue = language.value;
  const now = useSignal(new Date());
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = new Date();
    }, limits.clockMs);
    return () => clearInterval(timer);
  }, [now]);
  const moment = now.value;
  // Control lists nobody a session that they may not end.
  const hasOpen = sessions.some(isOpen);
  const columns = useMemo(
    () => [...sessionColumns({ tongue, now: moment, onEnd }), ...(hasOpen ? [endColumn(onEnd)] : [])],
    [tongue, moment, hasOpen],
  );

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

function sessionColumns({
  tongue,
  now,
  onEnd,
}: {
  readonly tongue: Language;
  readonly now: Date;
  readonly onEnd: (session: Session) => void;
}): readonly Column<Session>[] {
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
      cell: (session) => (
        <>
          <SessionStateWord session={session} />
          <span class="narrow-only">
            <EndButton session={session} onEnd={onEnd} />
          </span>
        </>
      ),
      compare: byText((session) => stateWord(session), tongue),
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

function endColumn(onEnd: (session: Session) => void): Column<Session> {
  return {
    id: "end",
    label: words.value.actions,
    cell: (session) => <EndButton session={session} onEnd={onEnd} />,
    weight: "minor",
  };
}

function EndButton({ session, onEnd }: { readonly session: Session } & Pick<SessionTableProps, "onEnd">) {
  const { label, open } = words.value.ofEnd;
  if (!isOpen(session)) return null;
  return (
    <button
      type="button"
      class="button"
      aria-label={label(session.machine, session.account)}
      onClick={() => onEnd(session)}
    >
      {open}
    </button>
  );
}

/** Whether there is anything to end: a link that was not used yet is, too. */
function isOpen({ state }: Session): boolean {
  return state !== "closing" && state !== "ended";
}

const LOOKS: Readonly<Record<SessionState, { readonly shape: Shape; readonly look: string }>> = {
  pending: { shape: "half", look: "idle" },
  active: { shape: "full", look: "good" },
  detached: { shape: "half", look: "bad" },
  closing: { shape: "half", look: "idle" },
  ended: { shape: "empty", look: "idle" },
};

/** Of a session's id as much as is its time, so that two hardly look alike: who compares copies all of it. */
const REFERENCE_DIGITS = 13;

function Reference({ id, worded = false }: { readonly id: string; readonly worded?: boolean }) {
  const { copy, copied } = words.value;
  const shown = id.length > REFERENCE_DIGITS ? `${id.slice(0, REFERENCE_DIGITS)}…` : id;
  return <Copyable text={id} shown={shown} copy={copy} copied={copied} walkable worded={worded} />;
}

function SessionStateWord({ session }: { readonly session: Session }) {
  const { state } = session;
  const { shape, look } = endedBadly(session) ? ({ shape: "struck", look: "bad" } as const) : LOOKS[state];

  return (
    <span class={`state ${look}`}>
      <StateShape shape={shape} />
      {stateWord(session)}
    </span>
  );
}

/** One that failed is over as well; that is not what is to be read there. */
function stateWord(session: Session): string {
  const { sessionStates, sessionFailed } = words.value;
  return session.state === "ended" && endedBadly(session) ? sessionFailed : sessionStates[session.state];
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

/** What may happen in any step; the others say by themselves in which it was. */
const IN_ANY_STEP: ReadonlySet<string> = new Set([
  "upstream_timeout",
  "upstream_closed",
  "upstream_lost",
  "upstream_refused",
  "upstream_protocol_error",
]);

function EndingWords({
  session,
  tongue,
}: {
  readonly session: Pick<Session, "ending" | "redeemedAt">;
  readonly tongue: Language;
}) {
  const { code = "internal", detail, step } = session.ending ?? {};
  const { closedByViewer, viewerLost, unused, failedAt } = words.value;
  // Nodes say it in the detail as well, for those who have no more than that.
  const isStep = step !== undefined && detail === STEP_DETAILS[step];
  // The catalogue says "you" to the person at the viewer, who is somebody else here.
  const ofOthers: Partial<Record<string, string>> = {
    viewer_closed: closedByViewer,
    viewer_lost: viewerLost,
  };
  const meaning = isUnused(session) ? unused : (ofOthers[code] ?? errorText(knownCode(code), tongue).meaning);
  return (
    <>
      {meaning}
      {detail !== undefined && !isStep && <span class="soft"> ({detail})</span>}
      {step !== undefined && IN_ANY_STEP.has(code) && <span class="soft"> {failedAt[step]}</span>}
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
