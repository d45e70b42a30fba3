/** A version in its numbers: 10.0 comes behind 7.0, though not as text. */
export type Version = readonly number[];

/** `undefined` where it does not begin with a number. */
export function readVersion(text: string): Version | undefined {
  const numbers = /^\d{1,9}(\.\d{1,9})*/.exec(text)?.[0];
  return numbers?.split(".").map(Number);
}

/** What one does not name is 0: 7.0 is 7.0.0. */
export function isAtLeast(version: Version, least: Version): boolean {
  const length = Math.max(version.length, least.length);
  for (let index = 0; index < length; index++) {
    const difference = (version[index] ?? 0) - (least[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
