/** The Keyboard Lock API, where the browser has it: then the system's own keys reach the machine in full screen. */
interface KeyboardLock {
  readonly keyboard?: { lock(): Promise<void> };
}

export function fullScreenOn(): boolean {
  return document.fullscreenElement !== null;
}

export async function toggleFullScreen(): Promise<void> {
  if (fullScreenOn()) {
    await document.exitFullscreen();
    return;
  }
  try {
    await document.documentElement.requestFullscreen({ navigationUI: "hide" });
    await (navigator as KeyboardLock).keyboard?.lock();
  } catch {
    // The browser or the system forbids one or the other; the page goes on as it was.
  }
}
