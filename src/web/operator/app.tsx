import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Account, Machine } from "#wire/api.ts";
import type { WaitingMachine } from "#wire/hypervisors.ts";
import { Mark } from "../ui/icons.tsx";
import { AccountMenu } from "./account-menu.tsx";
import type { Api, PartOf } from "./api.ts";
import { CertificateNotices } from "./certificates/certificate-notices.tsx";
import { CertificatesPage } from "./certificates/certificates-page.tsx";
import type { CertificateOverview } from "./certificates/overview.ts";
import { type HypervisorOverview, HypervisorsPage } from "./hypervisors/hypervisors-page.tsx";
import { Loaded } from "./loaded.ts";
import { MachinesPage } from "./machines-page.tsx";
import { SelfCheckPage } from "./self-check/self-check-page.tsx";
import { SelfCheckRun } from "./self-check/self-check-run.ts";
import type { SessionPages } from "./session-pages.ts";
import { SessionsPage } from "./sessions-page.tsx";
import { SignedOut } from "./signed-out.tsx";
import type { Visitor } from "./visitor.ts";
import { words } from "./words.ts";

const PAGES = ["machines", "sessions", "hypervisors", "certificates", "doctor"] as const;
export type PageName = (typeof PAGES)[number];

/** Of administrators alone: everybody else would only be refused. */
const OF_ADMINISTRATORS: readonly PageName[] = ["hypervisors", "certificates", "doctor"];

/** The page that a fragment names; the machines where it names none. */
export function pageOf(fragment: string): PageName {
  return PAGES.find((name) => name === fragment) ?? "machines";
}

interface AppProps {
  readonly api: Api;
  readonly visitor: Visitor;
  readonly first: PageName;
}

export function App({ api, visitor, first }: AppProps) {
  const page = useSignal(first);
  usePageOfAddress(page);
  const presence = visitor.presence.value;
  switch (presence.kind) {
    case "arriving":
      return <p class="arriving soft">{words.value.signIn}</p>;
    case "signed-out":
      return <SignedOut visitor={visitor} wasIn={presence.wasIn} error={presence.error} />;
    case "signed-in":
      return <Pages api={api} visitor={visitor} account={presence.account} page={page.value} />;
    default:
      return presence satisfies never;
  }
}

interface PagesProps {
  readonly api: Api;
  readonly visitor: Visitor;
  readonly account: Account;
  readonly page: PageName;
}

/** One column of navigation, one of content. What was loaded is kept when somebody goes to and fro. */
function Pages({ api, visitor, account, page: wanted }: PagesProps) {
  const isAdministrator = account.role === "admin";
  const pages = PAGES.filter((name) => isAdministrator || !OF_ADMINISTRATORS.includes(name));
  const page = pages.find((name) => name === wanted) ?? "machines";
  const machines = useMemo(() => new Loaded<PartOf<Machine>>(visitor), [visitor]);
  const sessions = useMemo(() => new Loaded<SessionPages>(visitor), [visitor]);
  const hypervisors = useMemo(() => new Loaded<HypervisorOverview>(visitor), [visitor]);
  const waiting = useMemo(() => new Loaded<PartOf<WaitingMachine>>(visitor), [visitor]);
  const certificates = useMemo(() => new Loaded<CertificateOverview>(visitor), [visitor]);
  const selfCheck = useMemo(() => new SelfCheckRun(api, visitor), [api, visitor]);
  const w = words.value;
  useEffect(() => {
    document.title = `${w[page]} · ${w.product}`;
  }, [w, page]);

  return (
    <div class="frame">
      <nav class="side" aria-label={w.navigation}>
        <span class="brand">
          <Mark />
          <span>{w.product}</span>
        </span>
        {pages.map((name) => (
          <a key={name} href={`#${name}`} aria-current={name === page ? "page" : undefined}>
            {w[name]}
          </a>
        ))}
        <div class="account">
          <AccountMenu account={account} visitor={visitor} />
        </div>
      </nav>
      <div class="content">
        {isAdministrator && (
          <CertificateNotices api={api} loaded={certificates} isOnPage={page === "certificates"} />
        )}
        {page === "machines" && <MachinesPage api={api} account={account} list={machines} />}
        {page === "sessions" && <SessionsPage api={api} account={account} list={sessions} />}
        {page === "hypervisors" && <HypervisorsPage api={api} loaded={hypervisors} waiting={waiting} />}
        {page === "certificates" && <CertificatesPage api={api} loaded={certificates} />}
        {page === "doctor" && <SelfCheckPage run={selfCheck} />}
      </div>
    </div>
  );
}

/** The page stands in the address, so that the browser's own ways to go back and forth lead along them. */
function usePageOfAddress(page: Signal<PageName>): void {
  useEffect(() => {
    const moved = () => {
      page.value = pageOf(location.hash.slice(1));
    };
    window.addEventListener("hashchange", moved);
    return () => window.removeEventListener("hashchange", moved);
  }, [page]);
}
