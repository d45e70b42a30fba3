import { daysLeft, lasting } from "#wire/certificate-end.ts";
import { StateShape } from "../../ui/icons.tsx";
import { language } from "../../ui/language.ts";
import { exactTime, relativeTime } from "../../ui/relative-time.ts";
import { words } from "../words.ts";
import { inDays } from "./texts.ts";

/** When something ends, with a word where that is soon or past. */
export function EndTime({
  notAfter,
  how = lasting(Date.parse(notAfter), Date.now()),
}: {
  readonly notAfter: string;
  readonly how?: ReturnType<typeof lasting>;
}) {
  const [end, now] = [new Date(notAfter), new Date()];
  const tongue = language.value;
  const w = words.value.ofCertificates;

  return (
    <>
      <time dateTime={notAfter} title={exactTime(end, tongue)}>
        {how === "good"
          ? relativeTime(end, now, tongue)
          : inDays(daysLeft(end.getTime(), now.getTime()), tongue)}
      </time>{" "}
      {how !== "good" && (
        <span class={`state small ${how === "ended" ? "bad" : "caution"}`}>
          <StateShape shape={how === "ended" ? "struck" : "half"} />
          {how === "ended" ? w.ended : w.endsSoon}
        </span>
      )}
    </>
  );
}
