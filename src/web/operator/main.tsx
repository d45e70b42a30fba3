import "../ui/tokens.css";
import "../ui/base.css";
import "../ui/panel.css";
import "./operator.css";
import "./parts.css";
import "./certificates/certificates.css";
import "./hypervisors/hypervisors.css";
import "./self-check/self-check.css";
import { render } from "preact";
import { takeFragment } from "../ui/fragment.ts";
import { startLanguage } from "../ui/language.ts";
import { startTheme } from "../ui/theme.ts";
import { Api } from "./api.ts";
import { App, pageOf } from "./app.tsx";
import { Visitor } from "./visitor.ts";

const fragment = takeFragment();
startLanguage();
startTheme();

const [name = ""] = fragment.keys();
const first = pageOf(name);
// A page's name is no secret, unlike a code: it goes back to where it was taken from.
if (name === first) history.replaceState(null, "", `#${name}`);

// A sign-in link that is put into a tab with this page changes what stands behind the "#" and nothing else.
window.addEventListener("hashchange", () => {
  if (new URLSearchParams(location.hash.slice(1)).has("code")) location.reload();
});

const api = new Api();
const visitor = new Visitor(api);
void visitor.arrive(fragment.get("code") ?? undefined);
render(<App api={api} visitor={visitor} first={first} />, document.body);
