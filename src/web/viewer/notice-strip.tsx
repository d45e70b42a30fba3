import { language, variantOf } from "../ui/language.ts";
import type { ConsoleSession } from "./console-session.ts";
import type { ConsoleView } from "./console-view.ts";
import { words } from "./words.ts";

type Notice = NonNullable<ConsoleSession["notice"]["value"]>;

/** What is going to happen to the node that carries the console, with the way to be elsewhere by then. */
export function NoticeStrip({ view }: { readonly view: ConsoleView }) {
  const { session } = view;
  const notice = session.notice.value;
  if (notice === undefined || session.phase.value.kind !== "live") return null;
  const { moveNow, dismiss } = words.value;

  return (
    <div class="strip notice">
      <span>{noticeText(notice)}</span>
      <button type="button" class="button" onClick={() => void session.moveNow()}>
        {moveNow}
      </button>
      <button
        type="button"
        class="button"
        onClick={() => {
          session.notice.value = undefined;
          // The button that had it is gone.
          view.backToScreen();
        }}
      >
        {dismiss}
      </button>
    </div>
  );
}

export function noticeText({ code, at }: Notice): string {
  const { willRestart, willGo, sessionEndsAt, sessionMayStay } = words.value;
  const what = code === "node_restarting" ? willRestart : willGo;
  if (at === undefined) return `${what} ${sessionMayStay}`;
  const time = timeText(new Date(at), variantOf(language.value, navigator.languages));
  return `${what} ${sessionEndsAt(time)}`;
}

/** With the day, where it is another one. */
function timeText(at: Date, locale: string): string {
  const isToday = at.toDateString() === new Date().toDateString();
  return at.toLocaleString(locale, { timeStyle: "short", ...(isToday ? {} : { dateStyle: "medium" }) });
}
