import { language } from "../ui/language.ts";
import type { ConsoleSession } from "./console-session.ts";
import { words } from "./words.ts";

type Notice = NonNullable<ConsoleSession["notice"]["value"]>;

/** What is going to happen to the node that carries the console, with the way to be elsewhere by then. */
export function NoticeStrip({ session }: { readonly session: ConsoleSession }) {
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
  const time = new Date(at).toLocaleTimeString(language.value, { timeStyle: "short" });
  return `${what} ${sessionEndsAt(time)}`;
}
