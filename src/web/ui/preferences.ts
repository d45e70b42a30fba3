/** What a person chose for this browser. A browser may deny storage: then a choice lasts as long as the page. */
export function remembered(name: string): string | undefined {
  try {
    return localStorage.getItem(`porthole.${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`porthole.${name}`, value);
  } catch {
    // The choice was made for this page already; there is only nothing to keep it in.
  }
}
