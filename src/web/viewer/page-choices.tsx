import { Choice } from "../ui/choice.tsx";
import { LANGUAGE_NAMES, LANGUAGES, language, setLanguage } from "../ui/language.ts";
import { setTheme, THEMES, theme } from "../ui/theme.ts";
import { words } from "./words.ts";

/** What a person chooses for every page: its colours and its language. */
export function PageChoices() {
  const w = words.value;

  return (
    <>
      <Choice
        legend={w.theme}
        value={theme.value}
        options={THEMES.map((value) => ({ value, label: w.themes[value] }))}
        onChoose={setTheme}
      />
      <Choice
        legend={w.language}
        value={language.value}
        options={LANGUAGES.map((value) => ({ value, label: LANGUAGE_NAMES[value] }))}
        onChoose={setLanguage}
      />
    </>
  );
}

interface PinChoiceProps {
  readonly pinned: boolean;
  readonly onChange: (pinned: boolean) => void;
}

/** Whether the bar stays where it is. */
export function PinChoice({ pinned, onChange }: PinChoiceProps) {
  return (
    <label class="check">
      <input type="checkbox" checked={pinned} onChange={(event) => onChange(event.currentTarget.checked)} />
      {words.value.pinBar}
    </label>
  );
}
