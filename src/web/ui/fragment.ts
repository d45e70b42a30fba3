declare global {
  interface Window {
    /** Left by take-fragment.js, which runs before everything else on the page. */
    portholeFragment?: string;
  }
}

/** What the page's address carried behind its `#`. It is given out once: what it holds is secret. */
export function takeFragment(): URLSearchParams {
  const fragment = window.portholeFragment ?? "";
  delete window.portholeFragment;
  return new URLSearchParams(fragment);
}
