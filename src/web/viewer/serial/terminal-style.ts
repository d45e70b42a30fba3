/**
 * What xterm.js gets in place of its `<style>` elements (vite.config.ts): the page's policy allows no style that stands in the
 * page itself, and does allow a sheet that a script made (CSSOM).
 */
const TERMINAL_STYLE = "terminal-style";

export function defineTerminalStyle(): void {
  customElements.define(TERMINAL_STYLE, TerminalStyle);
}

class TerminalStyle extends HTMLElement {
  readonly #sheet = new CSSStyleSheet();

  override set textContent(css: string) {
    this.#sheet.replaceSync(css);
  }

  connectedCallback(): void {
    document.adoptedStyleSheets.push(this.#sheet);
  }

  disconnectedCallback(): void {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== this.#sheet);
  }
}
