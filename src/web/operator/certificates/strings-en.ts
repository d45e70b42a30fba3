/** The words of certificates, a part of the catalogue of strings-en.ts. */
export const CERTIFICATES_ENGLISH = {
  upload: "Upload a certificate",
  tlsOff:
    "TLS is off: nodes serve plain HTTP, and show no certificate. This command switches it on, and closes nothing that is open:",
  uploaded: "Uploaded or issued",
  noneUploaded: (isTls: boolean) =>
    `No certificate was uploaded. ${isTls ? "Nodes show" : "Once TLS is on, nodes show"} one of the installation's own CA, which browsers know only once they are told of it.`,
  noneUploadedHow:
    "Have one come by itself, with “porthole acme configure”, or upload one, here or with this command:",
  names: "Names",
  moreNames: (count: string) => `and ${count} more`,
  pool: "Pool",
  allPools: "All pools",
  issuer: "Issuer",
  ends: "Ends",
  ended: "Ended",
  endsSoon: "Soon",
  byAcme: "Renewed by ACME",
  nodes: "Nodes",
  fingerprint: "SHA-256",
  copyFingerprint: (names: string) => `Copy the SHA-256 fingerprint of ${names}`,
  remove: "Remove",
  removeOf: (names: string) => `Remove the certificate of ${names}`,
  progress: (serving: string, of: string) => `${serving} of ${of} nodes serve it`,
  allServe: (of: string) => (of === "1" ? "The node serves it" : `All ${of} nodes serve it`),
  noNodes: "No node is to serve it",
  refusedCount: (count: string) =>
    count === "1" ? "1 node cannot load it" : `${count} nodes cannot load it`,

  node: "Node",
  serves: "Serves",
  standing: "State",
  ownCa: "Own CA",
  another: "Another certificate",
  plainHttp: "Plain HTTP",
  standings: {
    serves: "Confirmed",
    waits: "Waits for the node",
    flawed: "Not for this node",
    refused: "Cannot load it",
    plain: "Without TLS",
    silent: "Not heard of",
  },
  noNodesYet: "No node has joined yet.",
  noNodesHow: "Let one join with a join token:",

  authority: "The installation's own CA",
  authorityAbout:
    "It signs what nodes show that have no uploaded certificate. Browsers that trust it trust all nodes. Whoever holds its key can pass for any site towards them, so give it to browsers that you administer and to no others.",
  download: "Download the CA",

  uploadedNow: (names: string) => `The certificate of ${names} is uploaded.`,
  domainNow: (domain: string) => `consoleproxy.url.domain is ${domain} now.`,
  removedNow: (names: string) => `The certificate of ${names} is removed.`,

  form: {
    intro:
      "Choose files, drop them here, or paste their text. What is in use stays in use until all is right.",
    inTheClear:
      "This page came without encryption: whoever listens on the way reads the private key. Open it by https://, or run “porthole certificate upload” where control runs.",
    kind: "What you have",
    kinds: { pem: "PEM", pkcs12: "PKCS#12 (PFX)" },
    certificate: "Certificate",
    certificateHint: "With those of its authorities in any order, and the root of an authority of your own.",
    privateKey: "Private key",
    privateKeyHint: "Not needed where it stands in the certificate's file.",
    pkcs12: "PKCS#12 file",
    pkcs12Hint: "Certificate, authorities and key in one: .p12 or .pfx.",
    passphrase: "Passphrase",
    passphraseHint: "Where the key is encrypted. It is kept nowhere.",
    pool: "Pool",
    poolHint: "Empty: all pools that have none of their own.",
    replaces: (names: string) => `Takes the place of the certificate of ${names}.`,
    byAcme:
      "That of all pools comes by ACME, which is to be turned off before another is uploaded: porthole acme disable",
    domain: "Domain",
    domainHint: "Sets consoleproxy.url.domain as well, which console links are made of.",
    domainStays: (domain: string) => `Empty: it stays ${domain}.`,
    domainOfAll: "The domain is that of all pools, so it goes without a pool.",
    domainBecomes: (domain: string) =>
      `consoleproxy.url.domain becomes *.${domain} where the certificate is for that, and links https://203-0-113-7.${domain}; otherwise ${domain}.`,
    choose: "Choose a file",
    chooseMore: "Choose another",
    pasteHere: "Or paste its text: -----BEGIN …",
    takeOut: (file: string) => `Take ${file} out`,
    submit: "Upload",
    submitting: "Uploading",
    cancel: "Cancel",
    drop: "Let go to take the files",
    refused: "The certificate cannot be used. What was in use stays in use.",
    nothing: "Bring a certificate: choose a file, drop it here, or paste its text.",
    poolForm: "A pool's name has lower-case letters, digits and hyphens.",
    tooLarge: (name: string, size: string, most: string) =>
      `${name} has ${size}, and a certificate has a few kB: it is not sent. At most ${most} are taken.`,
    allTooLarge: (most: string) => `All together is too large: at most ${most} are taken.`,
    derCertificate: (name: string) =>
      `${name} is DER. This makes PEM of it: openssl x509 -inform der -in ${name}`,
    notKnown: (name: string) => `${name} is neither PEM nor PKCS#12.`,
    unreadable: (name: string) => `${name} cannot be read.`,
    tooMany: (most: string) => `At most ${most} files are read at once.`,
  },

  removal: {
    title: (names: string) => `Remove the certificate of ${names}?`,
    touches: (count: string) => (count === "1" ? "1 node shows it now." : `${count} nodes show it now.`),
    touchesNone: "No node shows it now.",
    nextAll: (names: string) => `In its place comes that of all pools, of ${names}.`,
    nextOwn:
      "In its place come certificates of the installation's own CA, which browsers warn of unless they were told of it.",
    nextPlain: "TLS is off, so they show none now.",
    stays:
      "Consoles that are open stay open. The private key is deleted; uploading it again brings the certificate back.",
    confirm: "Remove",
    cancel: "Keep it",
  },

  notices: {
    region: "Notices",
    show: "Certificates",
    uploadedEnds: (names: string, pool: string, when: string, day: string) =>
      `The certificate of ${names} (${pool}) ends ${when}, on ${day}. Upload the next one before then; consoles that are open stay open.`,
    uploadedEnded: (names: string, pool: string, day: string) =>
      `The certificate of ${names} (${pool}) ended on ${day}: browsers refuse the consoles of its nodes. Upload the next one.`,
    renewedEnds: (names: string, pool: string, when: string) =>
      `The certificate of ${names} (${pool}) ends ${when}, and should have been renewed by ACME. “porthole acme show” says why it was not.`,
    renewedEnded: (names: string, pool: string, day: string) =>
      `The certificate of ${names} (${pool}) ended on ${day}, and should have been renewed by ACME: browsers refuse the consoles of its nodes. “porthole acme show” says why it was not.`,
    refused: (count: string) =>
      count === "1"
        ? "A node cannot load the certificate that it is to serve, and goes on with what it had. The list of nodes says why."
        : `${count} nodes cannot load the certificate that they are to serve, and go on with what they had. The list of nodes says why.`,
    flawed: (count: string) =>
      count === "1"
        ? "A node serves a certificate that is not for what it is called: browsers refuse its consoles."
        : `${count} nodes serve a certificate that is not for what they are called: browsers refuse their consoles.`,
    ownEnds: (count: string, when: string) =>
      `The certificate that ${count === "1" ? "a node" : `${count} nodes`} got of the installation's own CA ends ${when}, and should have been renewed by itself. See why in control's log.`,
    ownEnded: (count: string) =>
      `The certificate that ${count === "1" ? "a node" : `${count} nodes`} got of the installation's own CA has ended, and should have been renewed by itself. See why in control's log.`,
    authorityEnds: (when: string) =>
      `The installation's own CA ends ${when}. Nodes then no longer know control, and have to join an installation with a new one.`,
    authorityEnded:
      "The installation's own CA has ended. Nodes no longer know control, and have to join an installation with a new one.",
  },
};
export type CertificateStrings = typeof CERTIFICATES_ENGLISH;
