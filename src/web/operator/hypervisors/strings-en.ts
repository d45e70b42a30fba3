import { STEP_REMEDIES } from "#wire/hypervisor-steps.ts";
import type { HypervisorStep } from "#wire/hypervisors.ts";
import type { GuestFamily, PowerState } from "#wire/machine-origin.ts";
import type { Credential, Kind } from "./hypervisor-form.ts";

/** What one platform calls otherwise than others. */
const ownCredentials: Partial<
  Record<Kind, Partial<Record<Credential, { readonly label?: string; readonly hint?: string }>>>
> = {
  vsphere: { username: { hint: "Such as porthole@vsphere.local." } },
  proxmox: {
    username: { label: "API token", hint: "USER@REALM!NAME, such as porthole@pve!console." },
    secret: { label: "Secret of the token", hint: "As Proxmox VE showed it once." },
  },
  kubevirt: {
    secret: {
      label: "Kubeconfig or token",
      hint: "A kubeconfig with certificates and tokens in it, or the token of a service account. Empty for in-cluster.",
    },
  },
  command: {
    secret: { label: "Secret", hint: "Whatever the command signs in with. None is needed by many." },
  },
};

const powers: Record<PowerState, string> = {
  running: "Running",
  paused: "Paused",
  stopped: "Stopped",
  unknown: "Unknown",
};
const guests: Record<GuestFamily, string> = {
  linux: "Linux",
  windows: "Windows",
  bsd: "BSD",
  macos: "macOS",
  other: "Other",
  unknown: "",
};
/** Where a way to a hypervisor failed, and what to look at first. */
const steps: Record<HypervisorStep, { readonly word: string; readonly remedy: string }> = {
  command: { word: "the command", remedy: STEP_REMEDIES.command },
  dns: { word: "its name", remedy: STEP_REMEDIES.dns },
  tcp: { word: "the connection", remedy: STEP_REMEDIES.tcp },
  socket: { word: "the socket", remedy: STEP_REMEDIES.socket },
  tls: { word: "TLS", remedy: STEP_REMEDIES.tls },
  "host-key": { word: "its host key", remedy: STEP_REMEDIES["host-key"] },
  credentials: { word: "the credentials", remedy: STEP_REMEDIES.credentials },
  answer: { word: "its answer", remedy: STEP_REMEDIES.answer },
  rights: { word: "the rights there", remedy: STEP_REMEDIES.rights },
};

/** The words of hypervisors, a part of the catalogue of strings-en.ts. */
export const HYPERVISORS_ENGLISH = {
  known: "Known hypervisors",
  none: "Control knows no hypervisor yet.",
  noneHow: "Machines of a hypervisor come by themselves. Add one here, or with this command:",
  name: "Name",
  address: "Address",
  platforms: {
    libvirt: "libvirt",
    xenserver: "XenServer, XCP-ng",
    vsphere: "VMware vSphere",
    proxmox: "Proxmox VE",
    kubevirt: "KubeVirt",
    command: "Command",
  },
  readOnly: "read-only",
  poolOf: (pool: string) => `pool ${pool}`,
  state: "State",
  states: { up: "Reachable", down: "Unreachable", new: "Not tried yet" },
  failsAt: (step: string, said: string) => `At ${step}: ${said}`,
  machines: "Machines",
  machineCount: (machines: string, waiting: string) =>
    waiting === "0" ? machines : `${machines}, and ${waiting} that ${waiting === "1" ? "waits" : "wait"}`,
  rules: "Its machines come into",
  allOthers: "All others",
  allWait: "All wait here",
  othersWait: "Others wait here",
  actions: "Actions",
  test: "Test",
  testOf: (name: string) => `Test the way to ${name}`,
  change: "Change…",
  changeOf: (name: string) => `Change ${name}`,
  remove: "Remove…",
  removeOf: (name: string) => `Remove ${name}`,
  testing: (name: string) => `Going the way to ${name} …`,
  answers: (name: string, count: string) =>
    `${name} answers, and has ${count === "1" ? "1 machine" : `${count} machines`}.`,
  silent: (parts: string, isOne: boolean) =>
    `No answer from ${parts}: ${isOne ? "its" : "their"} machines stay as they are on record.`,
  andOthers: (named: string, count: string) => `${named} and ${count} more`,
  streamsOutside: (place: string) =>
    `Nodes may not sign in to it for serial lines: the setting upstream.allow does not have ${place}. This command adds it, in Porthole’s folder:`,
  fails: (name: string, step: string) => `The way to ${name} fails at ${step}:`,
  steps,
  removed: (name: string) => `${name} is forgotten, and its machines with it.`,
  assigned: (count: string, project: string) =>
    count === "1"
      ? `1 machine is in the project ${project} now.`
      : `${count} machines are in the project ${project} now.`,

  waiting: "Machines that wait for a project",
  waitingMeans:
    "No rule of their hypervisors says where they belong. Nobody opens them until they have a project.",
  noneWaits: "None waits: each machine of a hypervisor has a project.",
  noneWaitsYet: "None waits. Machines of hypervisors come into a project by rules, or wait here.",
  filter: "Filter by name or hypervisor",
  chooseAll: (count: string) => (count === "1" ? "Choose it" : `Choose all ${count}`),
  assign: (count: string) => (count === "0" ? "Put into a project…" : `Put ${count} into a project…`),
  guest: "Guest",
  knownAs: "Known there as",
  powers,
  guests,
  cancel: "Cancel",

  assigning: {
    title: (count: string, name: string) =>
      count === "1" ? `Put ${name} into a project` : `Put ${count} machines into a project`,
    andMore: (names: string, count: string) => `${names} and ${count} more`,
    hint: "More projects: porthole project add NAME",
    choose: "Choose a project",
    missing: "Choose the project.",
    means:
      "Members of the project see them from now on, open their consoles, and start and stop them where the hypervisor takes orders.",
    stays:
      "No rule moves them again. “porthole machine assign” moves one to another project, which ends its consoles.",
    confirm: "Put into the project",
    progress: (done: string, all: string) => `${done} of ${all} are in it.`,
    stopped: (machine: string, done: string) =>
      `${machine} could not be put into it. Before it ${done === "1" ? "1 was" : `${done} were`}; the others still wait.`,
  },

  removal: {
    title: (name: string) => `Remove ${name}?`,
    forgets: (machines: string, waiting: string) =>
      waiting === "0"
        ? `Porthole forgets its ${machines === "1" ? "machine" : `${machines} machines`}.`
        : `Porthole forgets its machines: ${machines} that ${machines === "1" ? "has" : "have"} a project, and ${waiting} that ${waiting === "1" ? "waits" : "wait"}.`,
    ends: (count: string | undefined) => {
      if (count === undefined) return "Consoles of them that are open end.";
      if (count === "0") return "None of their consoles is open now.";
      return count === "1"
        ? "1 console of them is open now, and ends."
        : `${count} consoles of them are open now, and end.`;
    },
    lost: "Added again, the machines come by its rules, as new ones: projects that were given by hand, pools, console passwords and links are lost.",
    stays:
      "The machines themselves run on: nothing is done to the hypervisor. Porthole deletes the keys and passwords that it has for it.",
    confirm: "Remove",
    cancel: "Keep it",
  },

  add: "Add a hypervisor",
  form: {
    inTheClear:
      "This page came without encryption: whoever listens on the way reads keys that are sent. Open it by https://, or run “porthole hypervisor add” where control runs.",
    nameHint: "As it is called here.",
    taken: "Another hypervisor has this name.",
    missing: {
      name: "Say what it is called.",
      address: "Say where it is.",
      pool: "It has up to 63 lower-case letters, digits and hyphens, and no hyphen at either end.",
      "consoleTls.pin": "Say the fingerprint that is to be seen.",
    },
    platform: "Platform",
    way: "Way there",
    ways: { tls: "TLS", ssh: "SSH", socket: "UNIX socket" },
    addresses: {
      tls: "qemu+tls://kvm-7.example.com/system",
      ssh: "qemu+ssh://porthole@kvm-7.example.com/system",
      socket: "qemu:///system",
      xenserver: "https://xen-1.example.com",
      vsphere: "https://vcenter.example.com",
      proxmox: "https://pve-1.example.com:8006",
      kubevirt: "https://cluster.example.com:6443",
      command: "qemu-folder.mjs:/srv/machines",
    },
    addressHints: {
      tls: "Of libvirt, as its own tools have it. The host is what its certificate has to be for.",
      ssh: "Of libvirt, as its own tools have it, with the user there.",
      socket: "Of libvirt on the computer where control runs. Its user has to be let in there.",
      xenserver: "Any host of the pool, or several behind commas.",
      vsphere: "Of a vCenter, or of an ESXi host by itself.",
      proxmox: "Any node of the cluster, or several behind commas.",
      kubevirt:
        "in-cluster where control runs in it, kubeconfig:CONTEXT, or the address of its API. ?\u2060namespace=NAME behind it is for one namespace.",
      command:
        "An executable in control’s --command-drivers, and behind a colon what it is to look at (docs/command-driver.md).",
    },
    credentials: {
      caCertificate: { label: "Authority", hint: "PEM of the authority that signs its certificate." },
      clientCertificate: { label: "Certificate of control", hint: "PEM of what control shows there." },
      clientKey: { label: "Its private key", hint: "PEM, without passphrase." },
      sshKey: { label: "SSH key", hint: "By which control signs in, without passphrase." },
      sshKnownHosts: {
        label: "Host keys",
        hint: "As in OpenSSH’s known_hosts: “ssh-keyscan HOST” prints them; compare them.",
      },
      username: { label: "Account", hint: "As the platform writes it." },
      secret: { label: "Password", hint: "Of that account." },
      pin: {
        label: "Fingerprint",
        hint: "Of its certificate, in place of an authority. Compare it at the hypervisor itself. Both empty: the authorities of control’s system.",
      },
    },
    ownCredentials,
    choose: "Choose a file",
    pasteHere: "Or paste its text",
    tooLarge: (name: string, size: string) => `${name} has ${size}, and what belongs here has a few kB.`,
    unreadable: (name: string) => `${name} cannot be read.`,
    rules: "Into which project its machines come",
    rulesHint:
      "By their names, with * for anything and ? for one character. The first that fits counts; a machine that has a project keeps it.",
    ruleName: (line: number) => `Rule ${line}: name of machines`,
    ruleProject: (line: number) => `Rule ${line}: project`,
    dropRule: (line: number) => `Take rule ${line} out`,
    addRule: "Add a rule",
    all: "All machines",
    others: "All others",
    wait: "wait until somebody assigns them",
    pool: "Pool of nodes",
    poolHint:
      "Whose nodes carry the consoles of its machines. Machines that were given another pool keep it. Empty: default.",
    poolEmpty: (pool: string) => `No node is in the pool ${pool}: until one is, no console opens.`,
    readOnly: "Only look",
    readOnlyHint: "Nothing can be started or stopped.",
    passwordsHidden: "Console passwords stay hidden.",
    sessionPasswords: "A VNC password for each session",
    sessionPasswordsHint:
      "Random, and good for a minute or two. What stands in a machine’s definition is replaced by one that has expired.",
    serialStreams: "Serial lines by libvirt",
    serialStreamsHint: "For pseudo-terminals, which nothing else reaches.",
    serialStreamsWays: {
      tls: "Nodes sign in to libvirt for them, by TLS with the certificate of control, which they are given.",
      socket: "Nodes sign in to libvirt for them, at its socket: those on its own computer can.",
    },
    consoles: "Consoles by",
    consolesWays: { webmks: "WebMKS", vnc: "VNC", both: "Both" },
    consolesHints: {
      webmks:
        "Needs nothing on the hosts. From vSphere 5.5 on with a vCenter, from 7.0 on with a host by itself.",
      vnc: "Of hosts before 7.0, and not encrypted. While a console is open, its machine has a port and a random password. The hosts’ firewalls have to let ports 5900 to 6105 in.",
      both: "WebMKS, and VNC where there is none.",
    },
    consoleTls: "TLS from nodes to its consoles",
    unsaid: {
      xenserver: {
        word: "As API",
        meaning: "By TLS, and known by the same certificate as its API.",
      },
      command: {
        word: "Command",
        meaning: "As the command says of each console; where it says nothing, nothing is encrypted.",
      },
    },
    consoleCa: "Authority of the consoles",
    consoleCaHint: "PEM. Empty: those of the nodes’ systems.",
    serverName: "Name in the certificate",
    serverNameHint: "Empty: the hypervisor’s host.",
    pin: "Fingerprint",
    pinHint:
      "sha256: or sha1:, of the certificate: “openssl x509 -in server-cert.pem -noout -fingerprint -sha256”.",
    consoleCertificate: "Certificate of the nodes",
    consoleCertificateHint: "PEM, where the hypervisor asks for one (vnc_tls_x509_verify).",
    consoleKey: "Private key of the nodes",
    submit: "Add",
    save: "Save",
    keptHint: "What opens it is on record, and not shown. What is left empty here stays as it is.",
  },
};
export type HypervisorStrings = typeof HYPERVISORS_ENGLISH;
