import type { MachineState, SessionState } from "#wire/api.ts";
import type { Protocol } from "#wire/grant.ts";
import type { UpstreamStep } from "#wire/upstream-step.ts";
import { CERTIFICATES_ENGLISH } from "./certificates/strings-en.ts";
import { HYPERVISORS_ENGLISH } from "./hypervisors/strings-en.ts";

const protocols: Record<Protocol, string> = { rfb: "RFB", serial: "Serial" };
const machineStates: Record<MachineState | "paused" | "unknown", string> = {
  running: "Running",
  stopped: "Stopped",
  paused: "Paused",
  unknown: "Unknown",
};
const sessionStates: Record<SessionState, string> = {
  pending: "Pending",
  active: "Active",
  detached: "Detached",
  closing: "Closing",
  ended: "Ended",
};
/** In which step of getting to the console it failed. */
const failedAt: Record<UpstreamStep, string> = {
  resolve: "It failed as the name was looked up.",
  connect: "It failed as the node connected.",
  tls: "It failed as TLS was agreed on.",
  handshake: "It failed in the protocol’s handshake.",
  authentication: "It failed as the node signed in.",
};

/** Every sentence and word of the operator's pages in English. German has the same, in strings-de.ts. */
export const ENGLISH = {
  product: "Porthole",
  navigation: "Pages",
  machines: "Machines",
  sessions: "Sessions",
  hypervisors: "Hypervisors",
  certificates: "Certificates",
  doctor: "Self-check",

  signedOut: "You are signed out",
  notSignedIn: "Sign in",
  signInHow: "A sign-in link works once. Get one on the computer where Porthole runs, in its folder:",
  signInAsk: "If you cannot use that computer, ask your administrator for a sign-in link.",
  signIn: "Signing in",
  signOut: "Sign out",
  tryAgain: "Try again",
  account: "Account",
  roles: { admin: "Administrator", member: "Member" },
  theme: "Colours",
  themes: { system: "System", light: "Light", dark: "Dark" },
  language: "Language",

  noAnswer: {
    meaning: "Porthole does not answer.",
    remedy: "Check your network, and whether Porthole runs.",
  },
  reference: "Reference",
  copy: "Copy",
  copied: "Copied",
  loading: "Loading",

  filterMachines: "Filter by name or project",
  filterHint: "Press / to filter",
  clearFilter: "Show all",
  countMachines: (count: string) => `${count} machines`,
  oneMachine: "1 machine",
  shownOf: (shown: string, all: string) => `${shown} of ${all}`,
  incomplete: (count: string) =>
    `Only the first ${count} are listed. The filter looks in all of them, by name.`,
  noMachines: "There are no machines yet.",
  addMachine: "Add one with this command, in Porthole's folder:",
  noMachinesForMember: "Your projects have no machines yet.",
  askAdministrator: "An administrator can add some.",
  noProjects: "You are in no project yet, so there are no machines for you to see.",
  askForProject: "Ask an administrator to put you into one.",
  noMatch: (filter: string) => `No machine matches “${filter}”.`,
  name: "Name",
  project: "Project",
  hypervisor: "Hypervisor",
  protocol: "Protocol",
  tls: "TLS",
  tlsModes: {
    verify: {
      word: "Verified",
      meaning: "The hypervisor’s certificate is judged by its authority, its name and its dates.",
    },
    pin: { word: "Pinned", meaning: "The hypervisor has to show the very certificate that is on record." },
    insecure: {
      word: "Not verified",
      meaning: "Encrypted, and any certificate is taken: whoever stands in between may be anybody.",
    },
    none: { word: "None", meaning: "Nothing is encrypted between the node and the hypervisor." },
  },
  state: "State",
  console: "Console",
  open: "Open",
  openConsole: (machine: string) => `Open the console of ${machine}`,
  openStopped: (machine: string) => `Open the console of ${machine}, which is stopped and has none now`,
  openLine: (machine: string) => `Open the serial line of ${machine}`,
  openLineStopped: (machine: string) =>
    `Open the serial line of ${machine}, which is stopped and has none now`,
  serialLine: "Serial line",
  protocols,
  machineStates,
  lastHeard: "as last heard",
  unheard: "Its hypervisor cannot be reached now.",
  byHand: "It was registered by hand: no hypervisor says whether it runs.",
  ofPower: {
    column: "Power",
    open: "Power…",
    label: (machine: string) => `Start or stop ${machine}`,
    title: (machine: string) => `Power of ${machine}`,
    cancel: "Cancel",
  },

  machine: "Machine",
  who: "Account",
  since: "Asked for",
  ending: "Ending",
  viewOnly: "view only",
  sessionStates,
  sessionFailed: "Failed",
  actions: "Actions",
  ofEnd: {
    open: "End…",
    label: (machine: string, account: string) => `End the console of ${machine}, opened by ${account}`,
    title: (machine: string) => `End the console of ${machine}?`,
    means: (account: string, by: string) =>
      `It is open for one person, ${account}, who is told that ${by} ended it.`,
    own: "You opened it. Its page says that it was ended from outside.",
    unused: (account: string) => `${account} has not used its link yet, which opens nothing then.`,
    ownUnused: "You have not used its link yet, which opens nothing then.",
    stays: "The machine itself runs on, and its console can be opened again.",
    confirm: "End it",
    cancel: "Leave it open",
  },
  detachedMeans: "Its console node is not heard of. The console may still be open.",
  noSessions: "No console was opened yet.",
  noSessionsHow: "Open one from the machine list; it is then shown here.",
  closedByViewer: "The person at the viewer closed it.",
  viewerLost: "The connection between the viewer and the console node broke.",
  failedAt,
  unused: "Nobody used the link in its time.",
  older: "Show older",

  ofHypervisors: HYPERVISORS_ENGLISH,
  ofCertificates: CERTIFICATES_ENGLISH,
  checkAgain: "Check again",
  checkMeans: "What consoles need, looked at from control, from the nodes, and from this browser.",
  checkSides: { control: "From control", nodes: "From the nodes", browser: "From this browser" },
  checkResults: { ok: "ok", warning: "Warning", failed: "Failed", skipped: "Skipped" },
  checking: "Looking …",
  checked: (failed: string, warnings: string, fine: string) =>
    `${failed} failed, ${warnings} ${warnings === "1" ? "warning" : "warnings"}, ${fine} ok`,
  checkFurther: "More, and from another place:",
  whatToDo: "What to do:",
};
export type Strings = typeof ENGLISH;
