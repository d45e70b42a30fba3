import { useSignal } from "@preact/signals";
import type { Account } from "#wire/api.ts";
import { Choice } from "../ui/choice.tsx";
import { ChevronIcon } from "../ui/icons.tsx";
import { LANGUAGE_NAMES, LANGUAGES, language, setLanguage } from "../ui/language.ts";
import { Menu } from "../ui/menu.tsx";
import { setTheme, THEMES, theme } from "../ui/theme.ts";
import type { ApiError } from "./api.ts";
import { Problem } from "./problem.tsx";
import { apiError, type Visitor } from "./visitor.ts";
import { words } from "./words.ts";

/** Who is signed in, how they like the pages, and the way out. */
export function AccountMenu({ account, visitor }: { readonly account: Account; readonly visitor: Visitor }) {
  const error = useSignal<ApiError | undefined>(undefined);
  const w = words.value;

  async function signOut() {
    try {
      await visitor.signOut();
    } catch (thrown) {
      error.value = apiError(thrown);
    }
  }

  return (
    <Menu
      id="account"
      label={`${w.account}: ${account.name}`}
      face={
        <>
          <span class="account-name">{account.name}</span>
          <ChevronIcon />
        </>
      }
      width={288}
    >
      <p>
        <strong>{account.name}</strong>
        <span class="soft"> · {w.roles[account.role]}</span>
      </p>
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
      {error.value !== undefined && <Problem error={error.value} />}
      <button type="button" class="button" onClick={() => void signOut()}>
        {w.signOut}
      </button>
    </Menu>
  );
}
