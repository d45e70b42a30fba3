import { StateShape } from "../../ui/icons.tsx";
import { type Language, language } from "../../ui/language.ts";
import type { Api } from "../api.ts";
import type { Loaded } from "../loaded.ts";
import { useRefresh } from "../refresh.ts";
import { number, words } from "../words.ts";
import { type Notice, noticesOf } from "./notices.ts";
import type { CertificateOverview } from "./overview.ts";
import type { CertificateStrings } from "./strings-en.ts";
import { dayText, inDays, namesText, poolText } from "./texts.ts";

const limits = { refreshMs: 60_000 } as const;

interface CertificateNoticesProps {
  readonly api: Api;
  readonly loaded: Loaded<CertificateOverview>;
  /** Whether the page about them is open: what leads there is then not needed. */
  readonly isOnPage: boolean;
}

/** Above every page: what an administrator would otherwise hear of from people whose browser refuses a console. */
export function CertificateNotices({ api, loaded, isOnPage }: CertificateNoticesProps) {
  useRefresh(() => void loaded.load(async () => await api.certificates()), limits.refreshMs);
  const overview = loaded.data.value;
  const notices = overview === undefined ? [] : noticesOf(overview, Date.now());
  const w = words.value.ofCertificates.notices;

  return (
    // There before it has something to say: only then is it heard by those who do not see it.
    <div class="notices" role="status" aria-label={w.region}>
      {notices.map((notice) => (
        <p key={keyOf(notice)} class={`notice ${isGrave(notice) ? "bad" : "caution"}`}>
          <StateShape shape={isGrave(notice) ? "struck" : "half"} />
          <span>
            {textOf(notice, w, language.value)} {!isOnPage && <a href="#certificates">{w.show}</a>}
          </span>
        </p>
      ))}
    </div>
  );
}

function keyOf(notice: Notice): string {
  return notice.kind === "uploaded-ends" ? notice.certificate.id : notice.kind;
}

function isGrave(notice: Notice): boolean {
  return !("days" in notice) || notice.days <= 0;
}

function textOf(notice: Notice, w: CertificateStrings["notices"], tongue: Language): string {
  switch (notice.kind) {
    case "uploaded-ends": {
      const { certificate, days } = notice;
      const names = namesText(certificate.names);
      const pool = poolText(certificate.pool);
      const day = dayText(certificate.notAfter, tongue);
      if (certificate.source === "acme")
        return days > 0 ? w.renewedEnds(names, pool, inDays(days, tongue)) : w.renewedEnded(names, pool, day);
      return days > 0
        ? w.uploadedEnds(names, pool, inDays(days, tongue), day)
        : w.uploadedEnded(names, pool, day);
    }
    case "own-ends": {
      const count = number(notice.nodes.length);
      return notice.days > 0 ? w.ownEnds(count, inDays(notice.days, tongue)) : w.ownEnded(count);
    }
    case "authority-ends":
      return notice.days > 0 ? w.authorityEnds(inDays(notice.days, tongue)) : w.authorityEnded;
    case "refused":
      return w.refused(number(notice.nodes.length));
    case "flawed":
      return w.flawed(number(notice.nodes.length));
    default:
      return notice satisfies never;
  }
}
