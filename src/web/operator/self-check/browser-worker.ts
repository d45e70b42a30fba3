import type { CheckedEntrance } from "#wire/self-check.ts";
import { lookAt } from "./look.ts";

const limits = {
  /** Entrances at once. */
  atOnce: 4,
} as const;

/**
 * Looks at entrances apart from the page: the page's own policy lets it talk to nobody but control, and this one's, which has
 * no document and gets no secret but a token of the self-check, lets it talk to nodes. Says the lines of each entrance, and at
 * the end `done`.
 */
addEventListener("message", ({ data }: MessageEvent<readonly CheckedEntrance[]>) => {
  const waiting = data.values();
  const look = async () => {
    for (const entrance of waiting) {
      const lines = await lookAt(entrance, location.href);
      postMessage(lines.map((line) => ({ ...line, nodeId: entrance.nodeId })));
    }
  };
  void Promise.allSettled(Array.from({ length: limits.atOnce }, look)).then(() => postMessage("done"));
});
