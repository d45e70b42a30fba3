import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Choice } from "../ui/choice.tsx";
import { ViewIcon } from "../ui/icons.tsx";
import { LANGUAGE_NAMES, LANGUAGES, language, setLanguage } from "../ui/language.ts";
import { Menu } from "../ui/menu.tsx";
import { setTheme, THEMES, theme } from "../ui/theme.ts";
import type { ConsoleView } from "./console-view.ts";
import { fullScreenOn, toggleFullScreen } from "./full-screen.ts";
import { savePicture } from "./save-picture.ts";
import { QUALITIES, SCALES } from "./screen.ts";
import { words } from "./words.ts";

const ID = "view";

/** How the console is shown: its size, how much data that may cost, and the page around it. */
export function ViewMenu({ view }: { readonly view: ConsoleView }) {
  const { session, settings } = view;
  const canResize = useSignal(false);
  const live = session.phase.value.kind === "live";
  const w = words.value;

  function toggled(open: boolean) {
    // The hypervisor may say so at any time; it is looked up when it is to be chosen.
    if (open)
      canResize.value = session.rights.value?.resize === true && session.screen.value?.canResize === true;
    view.menuToggled(open);
  }

  return (
    <Menu
      id={ID}
      label={w.view}
      face={
        <>
          <ViewIcon />
          <span class="face">{w.view}</span>
        </>
      }
      width={320}
      onToggle={toggled}
    >
      {live && (
        <>
          <Choice
            legend={w.scale}
            value={settings.scale.value}
            options={SCALES.filter((scale) => scale !== "remote" || canResize.value).map((value) => ({
              value,
              label: w.scales[value],
            }))}
            onChoose={(scale) => settings.setScale(scale)}
          />
          <Choice
            legend={w.quality}
            value={settings.quality.value}
            options={QUALITIES.map((value) => ({ value, label: w.qualities[value] }))}
            onChoose={(quality) => settings.setQuality(quality)}
          />
          <div class="row">
            <FullScreenButton />
            <button
              type="button"
              class="button"
              popovertarget={ID}
              popovertargetaction="hide"
              onClick={() => void savePicture(session)}
            >
              {w.screenshot}
            </button>
          </div>
          <label class="check">
            <input
              type="checkbox"
              checked={settings.pinned.value}
              onChange={(event) => settings.setPinned(event.currentTarget.checked)}
            />
            {w.pinBar}
          </label>
        </>
      )}
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
      {live && <p class="small soft">{w.shortcut}</p>}
    </Menu>
  );
}

function FullScreenButton() {
  const on = useSignal(fullScreenOn());
  useEffect(() => {
    const changed = () => {
      on.value = fullScreenOn();
    };
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, [on]);
  if (!document.fullscreenEnabled) return null;
  const { fullScreen, leaveFullScreen } = words.value;

  return (
    <button
      type="button"
      class="button"
      popovertarget={ID}
      popovertargetaction="hide"
      onClick={() => void toggleFullScreen()}
    >
      {on.value ? leaveFullScreen : fullScreen}
    </button>
  );
}
