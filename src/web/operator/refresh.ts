import { useEffect } from "preact/hooks";

/** Runs something now and when the interval changes, every so often while the page is looked at, and when somebody looks at it again. */
export function useRefresh(refresh: () => void, everyMs: number): void {
  useEffect(() => {
    const whenSeen = () => {
      if (!document.hidden) refresh();
    };
    refresh();
    const timer = setInterval(whenSeen, everyMs);
    document.addEventListener("visibilitychange", whenSeen);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", whenSeen);
    };
  }, [everyMs]);
}
