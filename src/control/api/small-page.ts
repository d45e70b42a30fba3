import type { PublicError } from "#wire/gateway-error.ts";

/** Where the style sheet of small pages is served. */
export const STYLE_PATH = "/machines/problem.css";

interface SmallPage {
  readonly title: string;
  /** HTML, as are `head`'s lines. */
  readonly body: readonly string[];
  readonly head?: readonly string[];
}

/** A page of a few lines, for windows in which nothing else is to be seen. */
export function smallPage({ title, body, head = [] }: SmallPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${[...head, `<title>${escaped(title)}</title>`].join("\n")}
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<main>
${body.join("\n")}
</main>
</body>
</html>
`;
}

/** The catalogue's words on a page of their own, with a way back. */
export function problemPage({ code, message, remedy, detail, reference }: PublicError): string {
  return smallPage({
    // A tab, and who hears the page, get to know from it what went wrong.
    title: `${message.replace(/\.$/, "")} · Porthole`,
    body: [
      `<h1>${escaped(message)}</h1>`,
      ...(detail === undefined ? [] : [`<p>${escaped(detail)}</p>`]),
      `<p>${escaped(remedy)}</p>`,
      `<p><a href="/">${code === "unauthenticated" ? "Sign in" : "Back to the machines"}</a></p>`,
      `<p class="reference">${[code, ...(reference === undefined ? [] : [reference])].map(escaped).join(" · ")}</p>`,
    ],
  });
}

export const styleSheet = `:root { color-scheme: light dark; --text: #16212b; --faint: #566573; --ground: #fff; --accent: #0b5c86; }
@media (prefers-color-scheme: dark) { :root { --text: #e4ebf0; --faint: #9fb0bd; --ground: #10181f; --accent: #6cc0ea; } }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 36rem; margin: 20vh auto 0; padding: 0 24px; overflow-wrap: anywhere; }
h1 { margin: 0 0 12px; font-size: 20px; line-height: 1.4; }
p { margin: 0 0 12px; }
a { color: var(--accent); }
.reference { color: var(--faint); font: 12px ui-monospace, monospace; }
`;

/** Text, fit for an element or a quoted attribute. */
export function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
