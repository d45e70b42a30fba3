import type { CertificateStrings } from "./strings-en.ts";

export const CERTIFICATES_GERMAN: CertificateStrings = {
  upload: "Zertifikat hochladen",
  tlsOff:
    "TLS ist aus: Knoten sprechen bloßes HTTP und zeigen kein Zertifikat. Dieser Befehl schaltet es ein, und schließt nichts, was offen ist:",
  uploaded: "Hochgeladen oder ausgestellt",
  noneUploaded: (isTls) =>
    `Es wurde kein Zertifikat hochgeladen. ${isTls ? "Knoten zeigen" : "Sobald TLS an ist, zeigen Knoten"} eines der eigenen CA, die Browser erst kennen, wenn man sie ihnen nennt.`,
  noneUploadedHow:
    "Lassen Sie mit „porthole acme configure“ eines von selbst kommen, oder laden Sie eines hoch, hier oder mit diesem Befehl:",
  names: "Namen",
  moreNames: (count) => `und ${count} weitere`,
  pool: "Pool",
  allPools: "Alle Pools",
  issuer: "Aussteller",
  ends: "Endet",
  ended: "Abgelaufen",
  endsSoon: "Bald",
  byAcme: "Erneuert durch ACME",
  nodes: "Knoten",
  fingerprint: "SHA-256",
  copyFingerprint: (names) => `SHA-256-Fingerabdruck von ${names} kopieren`,
  remove: "Entfernen",
  removeOf: (names) => `Zertifikat von ${names} entfernen`,
  progress: (serving, of) => `${serving} von ${of} Knoten zeigen es`,
  allServe: (of) => (of === "1" ? "Der Knoten zeigt es" : `Alle ${of} Knoten zeigen es`),
  noNodes: "Kein Knoten soll es zeigen",
  refusedCount: (count) =>
    count === "1" ? "1 Knoten kann es nicht laden" : `${count} Knoten können es nicht laden`,

  node: "Knoten",
  serves: "Zeigt",
  standing: "Zustand",
  ownCa: "Eigene CA",
  another: "Ein anderes Zertifikat",
  plainHttp: "Bloßes HTTP",
  standings: {
    serves: "Bestätigt",
    waits: "Wartet auf den Knoten",
    flawed: "Nicht für diesen Knoten",
    refused: "Kann es nicht laden",
    plain: "Ohne TLS",
    silent: "Nicht zu hören",
  },
  noNodesYet: "Es ist noch kein Knoten beigetreten.",
  noNodesHow: "Lassen Sie einen mit einem Beitrittstoken beitreten:",

  authority: "Die eigene CA der Installation",
  authorityAbout:
    "Sie unterschreibt, was Knoten ohne hochgeladenes Zertifikat zeigen. Browser, die ihr trauen, trauen allen Knoten. Wer ihren Schlüssel hat, kann sich ihnen gegenüber als jede Seite ausgeben: geben Sie sie also nur Browsern, die Sie verwalten.",
  download: "CA herunterladen",

  uploadedNow: (names) => `Das Zertifikat von ${names} ist hochgeladen.`,
  domainNow: (domain) => `consoleproxy.url.domain ist jetzt ${domain}.`,
  removedNow: (names) => `Das Zertifikat von ${names} ist entfernt.`,

  form: {
    intro:
      "Wählen Sie Dateien, ziehen Sie sie hierher, oder fügen Sie ihren Text ein. Was in Gebrauch ist, bleibt es, bis alles stimmt.",
    inTheClear:
      "Diese Seite kam unverschlüsselt: wer unterwegs mithört, liest den privaten Schlüssel. Öffnen Sie sie mit https://, oder führen Sie „porthole certificate upload“ dort aus, wo die Steuerung läuft.",
    kind: "Was Sie haben",
    kinds: { pem: "PEM", pkcs12: "PKCS#12 (PFX)" },
    certificate: "Zertifikat",
    certificateHint:
      "Mit denen seiner Zertifizierungsstellen in beliebiger Reihenfolge, und der Wurzel, wenn es eine eigene ist.",
    privateKey: "Privater Schlüssel",
    privateKeyHint: "Nicht nötig, wo er in der Datei des Zertifikats steht.",
    pkcs12: "PKCS#12-Datei",
    pkcs12Hint: "Zertifikat, Zertifizierungsstellen und Schlüssel in einem: .p12 oder .pfx.",
    passphrase: "Passphrase",
    passphraseHint: "Wo der Schlüssel verschlüsselt ist. Sie wird nirgends aufbewahrt.",
    pool: "Pool",
    poolHint: "Leer: alle Pools, die kein eigenes haben.",
    replaces: (names) => `Tritt an die Stelle des Zertifikats von ${names}.`,
    byAcme:
      "Das aller Pools kommt durch ACME, das auszuschalten ist, ehe ein anderes hochgeladen wird: porthole acme disable",
    domain: "Domain",
    domainHint: "Setzt auch consoleproxy.url.domain, woraus Konsolenlinks gemacht werden.",
    domainStays: (domain) => `Leer: es bleibt ${domain}.`,
    domainOfAll: "Die Domain ist die aller Pools, also geht sie ohne Pool.",
    domainBecomes: (domain) =>
      `consoleproxy.url.domain wird *.${domain}, wo das Zertifikat dafür gilt, und Links https://203-0-113-7.${domain}; sonst ${domain}.`,
    choose: "Datei wählen",
    chooseMore: "Weitere wählen",
    pasteHere: "Oder Text einfügen: -----BEGIN …",
    takeOut: (file) => `${file} herausnehmen`,
    submit: "Hochladen",
    submitting: "Lädt hoch",
    cancel: "Abbrechen",
    drop: "Loslassen, um die Dateien zu nehmen",
    refused: "Das Zertifikat kann nicht benutzt werden. Was in Gebrauch war, bleibt in Gebrauch.",
    nothing:
      "Bringen Sie ein Zertifikat: wählen Sie eine Datei, ziehen Sie sie hierher, oder fügen Sie ihren Text ein.",
    poolForm: "Der Name eines Pools hat Kleinbuchstaben, Ziffern und Bindestriche.",
    tooLarge: (name, size, most) =>
      `${name} hat ${size}, und ein Zertifikat hat wenige kB: sie wird nicht gesendet. Höchstens ${most} werden genommen.`,
    allTooLarge: (most) => `Alles zusammen ist zu groß: höchstens ${most} werden genommen.`,
    derCertificate: (name) => `${name} ist DER. Das macht PEM daraus: openssl x509 -inform der -in ${name}`,
    notKnown: (name) => `${name} ist weder PEM noch PKCS#12.`,
    unreadable: (name) => `${name} kann nicht gelesen werden.`,
    tooMany: (most) => `Höchstens ${most} Dateien werden auf einmal gelesen.`,
  },

  removal: {
    title: (names) => `Zertifikat von ${names} entfernen?`,
    touches: (count) => (count === "1" ? "1 Knoten zeigt es jetzt." : `${count} Knoten zeigen es jetzt.`),
    touchesNone: "Kein Knoten zeigt es jetzt.",
    nextAll: (names) => `An seine Stelle tritt das aller Pools, von ${names}.`,
    nextOwn:
      "An seine Stelle treten Zertifikate der eigenen CA, vor denen Browser warnen, wenn man sie ihnen nicht genannt hat.",
    nextPlain: "TLS ist aus, also zeigen Knoten jetzt keines.",
    stays:
      "Offene Konsolen bleiben offen. Der private Schlüssel wird gelöscht; wer ihn wieder hochlädt, hat das Zertifikat wieder.",
    confirm: "Entfernen",
    cancel: "Behalten",
  },

  notices: {
    region: "Hinweise",
    show: "Zertifikate",
    uploadedEnds: (names, pool, when, day) =>
      `Das Zertifikat von ${names} (${pool}) endet ${when}, am ${day}. Laden Sie vorher das nächste hoch; offene Konsolen bleiben offen.`,
    uploadedEnded: (names, pool, day) =>
      `Das Zertifikat von ${names} (${pool}) ist am ${day} abgelaufen: Browser weisen die Konsolen seiner Knoten ab. Laden Sie das nächste hoch.`,
    renewedEnds: (names, pool, when) =>
      `Das Zertifikat von ${names} (${pool}) endet ${when} und hätte sich durch ACME erneuern sollen. Warum nicht, sagt „porthole acme show“.`,
    renewedEnded: (names, pool, day) =>
      `Das Zertifikat von ${names} (${pool}) ist am ${day} abgelaufen und hätte sich durch ACME erneuern sollen: Browser weisen die Konsolen seiner Knoten ab. Warum nicht, sagt „porthole acme show“.`,
    refused: (count) =>
      count === "1"
        ? "Ein Knoten kann das Zertifikat nicht laden, das er zeigen soll, und macht mit dem weiter, was er hatte. Warum, steht in der Liste der Knoten."
        : `${count} Knoten können das Zertifikat nicht laden, das sie zeigen sollen, und machen mit dem weiter, was sie hatten. Warum, steht in der Liste der Knoten.`,
    flawed: (count) =>
      count === "1"
        ? "Ein Knoten zeigt ein Zertifikat, das nicht für seinen Namen gilt: Browser weisen seine Konsolen ab."
        : `${count} Knoten zeigen ein Zertifikat, das nicht für ihre Namen gilt: Browser weisen ihre Konsolen ab.`,
    ownEnds: (count, when) =>
      `Das Zertifikat der eigenen CA, das ${count === "1" ? "ein Knoten zeigt" : `${count} Knoten zeigen`}, endet ${when} und hätte sich von selbst erneuern sollen. Warum nicht, steht im Protokoll der Steuerung.`,
    ownEnded: (count) =>
      `Das Zertifikat der eigenen CA, das ${count === "1" ? "ein Knoten zeigt" : `${count} Knoten zeigen`}, ist abgelaufen und hätte sich von selbst erneuern sollen. Warum nicht, steht im Protokoll der Steuerung.`,
    authorityEnds: (when) =>
      `Die eigene CA der Installation endet ${when}. Dann kennen Knoten die Steuerung nicht mehr und müssen einer Installation mit einer neuen beitreten.`,
    authorityEnded:
      "Die eigene CA der Installation ist abgelaufen. Knoten kennen die Steuerung nicht mehr und müssen einer Installation mit einer neuen beitreten.",
  },
};
