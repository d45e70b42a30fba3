import { type Envelope, linkLimits } from "./link.ts";

const limits = {
  /** UTF-16 units, each at most three bytes of UTF-8. What is longer by itself travels alone. */
  charactersTogether: linkLimits.frameBytes / 4,
} as const;

/** The frames that carry these questions or answers, in order: as few as the limits of a frame allow. */
export function linkFrames(envelopes: readonly Envelope[]): string[] {
  const frames: string[] = [];
  let texts: string[] = [];
  let characters = 0;
  const close = () => {
    if (texts.length > 0) frames.push(`[${texts.join(",")}]`);
    texts = [];
    characters = 0;
  };
  for (const envelope of envelopes) {
    const text = JSON.stringify(envelope);
    if (texts.length === linkLimits.envelopesPerFrame || characters + text.length > limits.charactersTogether)
      close();
    texts.push(text);
    characters += text.length;
  }
  close();
  return frames;
}
