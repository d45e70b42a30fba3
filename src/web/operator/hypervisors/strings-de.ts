import type { HypervisorStrings } from "./strings-en.ts";

/** Die Wörter der Hypervisoren, ein Teil des Katalogs von strings-de.ts. */
export const HYPERVISORS_GERMAN: HypervisorStrings = {
  known: "Bekannte Hypervisoren",
  none: "Die Steuerung kennt noch keinen Hypervisor.",
  noneHow:
    "Maschinen eines Hypervisors kommen von selbst. Fügen Sie einen hier hinzu, oder mit diesem Befehl:",
  name: "Name",
  address: "Adresse",
  platforms: {
    libvirt: "libvirt",
    xenserver: "XenServer, XCP-ng",
    vsphere: "VMware vSphere",
    proxmox: "Proxmox VE",
    kubevirt: "KubeVirt",
    command: "Befehl",
  },
  readOnly: "nur lesend",
  poolOf: (pool) => `Pool ${pool}`,
  state: "Zustand",
  states: { up: "Erreichbar", down: "Unerreichbar", new: "Noch nicht versucht" },
  failsAt: (step, said) => `Bei ${step}: ${said}`,
  machines: "Maschinen",
  machineCount: (machines, waiting) =>
    waiting === "0" ? machines : `${machines}, und ${waiting} ${waiting === "1" ? "wartet" : "warten"}`,
  rules: "Seine Maschinen kommen in",
  allOthers: "Alle anderen",
  allWait: "Alle warten hier",
  othersWait: "Andere warten hier",
  actions: "Aktionen",
  test: "Prüfen",
  testOf: (name) => `Den Weg zu ${name} prüfen`,
  change: "Ändern…",
  changeOf: (name) => `${name} ändern`,
  remove: "Entfernen…",
  removeOf: (name) => `${name} entfernen`,
  testing: (name) => `Geht den Weg zu ${name} …`,
  answers: (name, count) =>
    `${name} antwortet und hat ${count === "1" ? "1 Maschine" : `${count} Maschinen`}.`,
  silent: (parts, isOne) =>
    `Keine Antwort von ${parts}: ${isOne ? "seine" : "ihre"} Maschinen bleiben, wie sie bekannt sind.`,
  andOthers: (named, count) => `${named} und ${count} weiteren`,
  streamsOutside: (place) =>
    `Knoten dürfen sich für serielle Leitungen nicht bei ihm anmelden: Die Einstellung upstream.allow enthält ${place} nicht. Dieser Befehl nimmt es auf, in Portholes Ordner:`,
  fails: (name, step) => `Der Weg zu ${name} scheitert bei ${step}:`,
  steps: {
    command: {
      word: "dem Befehl",
      remedy: "Sehen Sie nach, ob das Programm in --command-drivers der Steuerung liegt, und was es ausgibt.",
    },
    dns: {
      word: "seinem Namen",
      remedy: "Sehen Sie nach, ob der Name richtig geschrieben ist, und was der Nameserver sagt.",
    },
    tcp: {
      word: "der Verbindung",
      remedy: "Sehen Sie nach, ob er läuft, und ob eine Firewall dazwischen steht.",
    },
    socket: {
      word: "dem Socket",
      remedy:
        "Sehen Sie nach, ob libvirt läuft, und ob der Benutzer der Steuerung seinen Socket benutzen darf.",
    },
    tls: {
      word: "TLS",
      remedy:
        "Sehen Sie nach, ob sein Zertifikat von der hinterlegten Zertifizierungsstelle ist, und für den Host der Adresse.",
    },
    "host-key": {
      word: "seinem Hostschlüssel",
      remedy: "Sehen Sie nach, ob die hinterlegten Hostschlüssel noch die seinen sind.",
    },
    credentials: {
      word: "den Zugangsdaten",
      remedy: "Sehen Sie nach, ob er das Zertifikat oder den Schlüssel annimmt, den die Steuerung zeigt.",
    },
    answer: {
      word: "seiner Antwort",
      remedy: "Sehen Sie in sein eigenes Protokoll: er wurde erreicht und antwortete nicht richtig.",
    },
    rights: { word: "den Rechten dort", remedy: "Sehen Sie nach, was das Konto der Steuerung dort darf." },
  },
  removed: (name) => `${name} ist vergessen, und seine Maschinen mit ihm.`,
  assigned: (count, project) =>
    count === "1"
      ? `1 Maschine ist jetzt im Projekt ${project}.`
      : `${count} Maschinen sind jetzt im Projekt ${project}.`,

  waiting: "Maschinen, die auf ein Projekt warten",
  waitingMeans:
    "Keine Regel ihrer Hypervisoren sagt, wohin sie gehören. Niemand öffnet sie, bis sie ein Projekt haben.",
  noneWaits: "Keine wartet: jede Maschine eines Hypervisors hat ein Projekt.",
  noneWaitsYet:
    "Keine wartet. Maschinen von Hypervisoren kommen durch Regeln in ein Projekt, oder warten hier.",
  filter: "Nach Name oder Hypervisor filtern",
  chooseAll: (count) => (count === "1" ? "Auswählen" : `Alle ${count} auswählen`),
  assign: (count) => (count === "0" ? "In ein Projekt geben…" : `${count} in ein Projekt geben…`),
  guest: "Gast",
  knownAs: "Dort bekannt als",
  powers: { running: "Läuft", paused: "Angehalten", stopped: "Aus", unknown: "Unbekannt" },
  guests: {
    linux: "Linux",
    windows: "Windows",
    bsd: "BSD",
    macos: "macOS",
    other: "Anderer",
    unknown: "",
  },
  cancel: "Abbrechen",

  assigning: {
    title: (count, name) =>
      count === "1" ? `${name} in ein Projekt geben` : `${count} Maschinen in ein Projekt geben`,
    andMore: (names, count) => `${names} und ${count} weitere`,
    hint: "Weitere Projekte: porthole project add NAME",
    choose: "Wählen Sie ein Projekt",
    missing: "Wählen Sie das Projekt.",
    means:
      "Mitglieder des Projekts sehen sie von jetzt an, öffnen ihre Konsolen, und starten und stoppen sie, wo der Hypervisor Anweisungen annimmt.",
    stays:
      "Keine Regel verschiebt sie wieder. „porthole machine assign“ gibt eine in ein anderes Projekt, was ihre Konsolen beendet.",
    confirm: "In das Projekt geben",
    progress: (done, all) => `${done} von ${all} sind darin.`,
    stopped: (machine, done) =>
      `${machine} konnte nicht hineingegeben werden. Davor ${done === "1" ? "wurde es 1" : `wurden es ${done}`}; die anderen warten noch.`,
  },

  removal: {
    title: (name) => `${name} entfernen?`,
    forgets: (machines, waiting) =>
      waiting === "0"
        ? `Porthole vergisst ${machines === "1" ? "seine Maschine" : `seine ${machines} Maschinen`}.`
        : `Porthole vergisst seine Maschinen: ${machines} mit einem Projekt, und ${waiting}, die ${waiting === "1" ? "wartet" : "warten"}.`,
    ends: (count) => {
      if (count === undefined) return "Ihre offenen Konsolen enden.";
      if (count === "0") return "Keine ihrer Konsolen ist jetzt offen.";
      return count === "1"
        ? "1 ihrer Konsolen ist jetzt offen und endet."
        : `${count} ihrer Konsolen sind jetzt offen und enden.`;
    },
    lost: "Wieder hinzugefügt, kommen die Maschinen durch seine Regeln, als neue: von Hand gegebene Projekte, Pools, Konsolenpasswörter und Links sind verloren.",
    stays:
      "Die Maschinen selbst laufen weiter: am Hypervisor wird nichts getan. Schlüssel und Passwörter, die Porthole für ihn hat, löscht es.",
    confirm: "Entfernen",
    cancel: "Behalten",
  },

  add: "Hypervisor hinzufügen",
  form: {
    inTheClear:
      "Diese Seite kam unverschlüsselt: wer unterwegs mithört, liest Schlüssel, die gesendet werden. Öffnen Sie sie mit https://, oder führen Sie „porthole hypervisor add“ dort aus, wo die Steuerung läuft.",
    nameHint: "Wie er hier heißt.",
    taken: "Ein anderer Hypervisor hat diesen Namen.",
    missing: {
      name: "Sagen Sie, wie er heißt.",
      address: "Sagen Sie, wo er ist.",
      pool: "Er hat bis zu 63 Kleinbuchstaben, Ziffern und Bindestriche, und an keinem Ende einen Bindestrich.",
      "consoleTls.pin": "Sagen Sie, welcher Fingerabdruck zu sehen sein muss.",
    },
    platform: "Plattform",
    way: "Weg dorthin",
    ways: { tls: "TLS", ssh: "SSH", socket: "UNIX-Socket" },
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
      tls: "Von libvirt, wie seine eigenen Werkzeuge sie haben. Für den Host muss sein Zertifikat gelten.",
      ssh: "Von libvirt, wie seine eigenen Werkzeuge sie haben, mit dem Benutzer dort.",
      socket: "Von libvirt auf dem Rechner der Steuerung. Ihr Benutzer muss dort hineingelassen werden.",
      xenserver: "Irgendein Host des Pools, oder mehrere hinter Kommas.",
      vsphere: "Eines vCenters, oder eines ESXi-Hosts für sich.",
      proxmox: "Irgendein Knoten des Clusters, oder mehrere hinter Kommas.",
      kubevirt:
        "in-cluster, wo die Steuerung darin läuft, kubeconfig:KONTEXT, oder die Adresse seiner API. ?\u2060namespace=NAME dahinter gilt einem Namespace.",
      command:
        "Ein Programm in --command-drivers der Steuerung, und hinter einem Doppelpunkt, was es ansehen soll (docs/command-driver.md).",
    },
    credentials: {
      caCertificate: {
        label: "Zertifizierungsstelle",
        hint: "PEM der Zertifizierungsstelle, die sein Zertifikat unterschreibt.",
      },
      clientCertificate: {
        label: "Zertifikat der Steuerung",
        hint: "PEM dessen, was die Steuerung dort zeigt.",
      },
      clientKey: { label: "Sein privater Schlüssel", hint: "PEM, ohne Passphrase." },
      sshKey: { label: "SSH-Schlüssel", hint: "Mit dem sich die Steuerung anmeldet, ohne Passphrase." },
      sshKnownHosts: {
        label: "Hostschlüssel",
        hint: "Wie in known_hosts von OpenSSH: „ssh-keyscan HOST“ gibt sie aus; vergleichen Sie sie.",
      },
      username: { label: "Konto", hint: "Wie die Plattform es schreibt." },
      secret: { label: "Passwort", hint: "Dieses Kontos." },
      pin: {
        label: "Fingerabdruck",
        hint: "Seines Zertifikats, an Stelle einer Zertifizierungsstelle. Vergleichen Sie ihn am Hypervisor selbst. Beides leer: die Zertifizierungsstellen des Systems der Steuerung.",
      },
    },
    ownCredentials: {
      vsphere: { username: { hint: "Etwa porthole@vsphere.local." } },
      proxmox: {
        username: { label: "API-Token", hint: "BENUTZER@REALM!NAME, etwa porthole@pve!console." },
        secret: { label: "Geheimnis des Tokens", hint: "Wie Proxmox VE es einmal gezeigt hat." },
      },
      kubevirt: {
        secret: {
          label: "Kubeconfig oder Token",
          hint: "Eine Kubeconfig mit Zertifikaten und Tokens darin, oder das Token eines Dienstkontos. Leer bei in-cluster.",
        },
      },
      command: {
        secret: { label: "Geheimnis", hint: "Womit sich der Befehl anmeldet. Viele brauchen keines." },
      },
    },
    choose: "Datei wählen",
    pasteHere: "Oder den Text einfügen",
    tooLarge: (name, size) => `${name} hat ${size}, und was hierher gehört, hat wenige kB.`,
    unreadable: (name) => `${name} kann nicht gelesen werden.`,
    rules: "In welches Projekt seine Maschinen kommen",
    rulesHint:
      "Nach ihren Namen, mit * für alles und ? für ein Zeichen. Die erste passende zählt; eine Maschine mit einem Projekt behält es.",
    ruleName: (line) => `Regel ${line}: Name der Maschinen`,
    ruleProject: (line) => `Regel ${line}: Projekt`,
    dropRule: (line) => `Regel ${line} herausnehmen`,
    addRule: "Regel hinzufügen",
    all: "Alle Maschinen",
    others: "Alle anderen",
    wait: "warten, bis jemand sie zuordnet",
    pool: "Pool von Knoten",
    poolHint:
      "Dessen Knoten die Konsolen seiner Maschinen tragen. Maschinen mit einem anderen Pool behalten ihn. Leer: default.",
    poolEmpty: (pool) => `Im Pool ${pool} ist kein Knoten: bis einer darin ist, öffnet sich keine Konsole.`,
    readOnly: "Nur ansehen",
    readOnlyHint: "Nichts kann gestartet oder gestoppt werden.",
    passwordsHidden: "Konsolenpasswörter bleiben verborgen.",
    sessionPasswords: "Ein VNC-Passwort für jede Sitzung",
    sessionPasswordsHint:
      "Zufällig, und ein bis zwei Minuten gültig. Was in der Definition einer Maschine steht, wird durch ein abgelaufenes ersetzt.",
    serialStreams: "Serielle Leitungen über libvirt",
    serialStreamsHint: "Für Pseudoterminals, die nichts anderes erreicht.",
    serialStreamsWays: {
      tls: "Knoten melden sich dafür bei libvirt an, über TLS mit dem Zertifikat der Steuerung, das sie dazu bekommen.",
      socket:
        "Knoten melden sich dafür bei libvirt an, an seinem Socket: die auf seinem eigenen Rechner können es.",
    },
    consoles: "Konsolen über",
    consolesWays: { webmks: "WebMKS", vnc: "VNC", both: "Beides" },
    consolesHints: {
      webmks:
        "Braucht nichts auf den Hosts. Ab vSphere 5.5 mit einem vCenter, ab 7.0 mit einem einzelnen Host.",
      vnc: "Von Hosts vor 7.0, und unverschlüsselt. Solange eine Konsole offen ist, hat ihre Maschine einen Port und ein zufälliges Passwort. Die Firewalls der Hosts müssen die Ports 5900 bis 6105 einlassen.",
      both: "WebMKS, und VNC, wo es das nicht gibt.",
    },
    consoleTls: "TLS von Knoten zu seinen Konsolen",
    unsaid: {
      xenserver: {
        word: "Wie API",
        meaning: "Mit TLS, und an demselben Zertifikat erkannt wie seine API.",
      },
      command: {
        word: "Befehl",
        meaning: "Wie der Befehl es von jeder Konsole sagt; wo er nichts sagt, ist nichts verschlüsselt.",
      },
    },
    consoleCa: "Zertifizierungsstelle der Konsolen",
    consoleCaHint: "PEM. Leer: die der Systeme der Knoten.",
    serverName: "Name im Zertifikat",
    serverNameHint: "Leer: der Host des Hypervisors.",
    pin: "Fingerabdruck",
    pinHint:
      "sha256: oder sha1:, des Zertifikats: „openssl x509 -in server-cert.pem -noout -fingerprint -sha256“.",
    consoleCertificate: "Zertifikat der Knoten",
    consoleCertificateHint: "PEM, wo der Hypervisor nach einem fragt (vnc_tls_x509_verify).",
    consoleKey: "Privater Schlüssel der Knoten",
    submit: "Hinzufügen",
    save: "Speichern",
    keptHint:
      "Was ihn öffnet, ist hinterlegt und wird nicht gezeigt. Was hier leer bleibt, bleibt, wie es ist.",
  },
};
