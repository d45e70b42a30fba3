import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { fullScreenOn, toggleFullScreen } from "./full-screen.ts";
import { words } from "./words.ts";

/** For a menu, which it closes: there it is named by its id. */
export function FullScreenButton({ menu }: { readonly menu: string }) {
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
      popovertarget={menu}
      popovertargetaction="hide"
      onClick={() => void toggleFullScreen()}
    >
      {on.value ? leaveFullScreen : fullScreen}
    </button>
  );
}
