import { useSignal } from "@preact/signals";
import { Choice } from "../ui/choice.tsx";
import { ViewIcon } from "../ui/icons.tsx";
import { Menu } from "../ui/menu.tsx";
import { FullScreenButton } from "./full-screen-button.tsx";
import { PageChoices, PinChoice } from "./page-choices.tsx";
import { fileName, saveFile } from "./save-file.ts";
import { QUALITIES, SCALES } from "./screen.ts";
import type { VncPage } from "./vnc-page.ts";
import { words } from "./words.ts";

const ID = "view";

/** How the console is shown: its size, how much data that may cost, and the page around it. */
export function ViewMenu({ page }: { readonly page: VncPage }) {
  const { view, settings } = page;
  const { session } = view;
  const canResize = useSignal(false);
  const live = session.phase.value.kind === "live";
  const w = words.value;

  function toggled(open: boolean) {
    // The hypervisor may say so at any time; it is looked up when it is to be chosen.
    if (open)
      canResize.value = session.rights.value?.resize === true && session.screen.value?.canResize === true;
    view.menuToggled(open);
  }

  /** The whole picture, in its own size. */
  async function savePicture() {
    const picture = await session.screen.value?.picture();
    if (picture === null || picture === undefined) return;
    saveFile(picture, fileName(session.machine.value ?? "", new Date(), "png"));
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
            <FullScreenButton menu={ID} />
            <button
              type="button"
              class="button"
              popovertarget={ID}
              popovertargetaction="hide"
              onClick={() => void savePicture()}
            >
              {w.screenshot}
            </button>
          </div>
          <PinChoice pinned={settings.pinned.value} onChange={(pinned) => settings.setPinned(pinned)} />
        </>
      )}
      <PageChoices />
      {live && <p class="small soft">{w.shortcut}</p>}
    </Menu>
  );
}
