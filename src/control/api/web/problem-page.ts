import type { PublicError } from "#wire/gateway-error.ts";

export const STYLE_PATH = "/machines/problem.css";

/** The catalogue's words on a page of their own, with a way back. */
export function problemPage({ code, message, remedy, detail, reference }: PublicError): string {
  const lines = [
    `<h1>${escaped(message)}</h1>`,
    ...(detail === undefined ? [] : [`<p>${escaped(detail)}</p>`]),
    `<p>${escaped(remedy)}</p>`,
    `<p><a href="/">${code === "unauthenticated" ? "Sign in" : "Back to the machines"}</a></p>`,
    `<p class="reference">${[code, ...(reference === undefined ? [] : [reference])].map(escaped).join(" · ")}</p>`,
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>No console · Porthole</title>
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<main>
${lines.join("\n")}
</main>
</body>
</html>
`;
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

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
