import { ConsolePage } from "./console-page.tsx";
import { TouchKeyboard, touchScreen } from "./touch-keyboard.tsx";
import { TypingStrip } from "./typing-strip.tsx";
import type { VncPage } from "./vnc-page.ts";
import { VncTools } from "./vnc-tools.tsx";
import { words } from "./words.ts";

interface AppProps {
  readonly page: VncPage;
  /** Where noVNC puts the screen. */
  readonly host: HTMLElement;
}

/** The page of a console with a picture. */
export function App({ page, host }: AppProps) {
  const { view, vnc, settings } = page;
  const { session } = view;

  function facts() {
    const { screenSize, desktopName } = words.value;
    const size = session.screen.value?.size;
    const title = vnc.desktopName.value;
    return [
      ...(size === undefined ? [] : [{ term: screenSize, detail: `${size.width} × ${size.height}` }]),
      ...(title === "" || title === session.machine.value ? [] : [{ term: desktopName, detail: title }]),
    ];
  }

  return (
    <ConsolePage
      view={view}
      host={host}
      scale={settings.scale.value}
      tools={<VncTools page={page} />}
      facts={facts}
      held={vnc.keys.held.value.map((name) => words.value.modifiers[name]).join("+")}
    >
      <TypingStrip typing={vnc.keys.typing.value} />
      {session.phase.value.kind === "live" && touchScreen() && <TouchKeyboard page={page} />}
    </ConsolePage>
  );
}
