/** The parts of the dialog that something can be wrong with. */
const FIELDS = ["certificate", "privateKey", "pkcs12", "passphrase", "domain", "pool"] as const;
export type Field = (typeof FIELDS)[number];

/** What is wrong, beside what it is about; `form`: what no field can be named for. */
export type Problems = Readonly<Partial<Record<Field | "form", readonly string[]>>>;

interface Brought {
  /** In a PKCS#12 all is in one field. */
  readonly kind: "pem" | "pkcs12";
  readonly hasDomain: boolean;
}

/** Sorts what control says of an upload to the fields, in the reader's language. */
export function problemsByField(said: readonly string[], brought: Brought, language: "en" | "de"): Problems {
  const sorted = Map.groupBy(said, (problem) => fieldOf(problem, brought));
  return Object.fromEntries(
    [...sorted].map(([field, problems]) => [
      field,
      problems.map((problem) => sentence(language === "de" ? inGerman(problem) : problem)),
    ]),
  );
}

/** `{"error": {"detail": "domain: must be …"}}`: what stands before the colon is a member of the request. */
export function fieldOfDetail(
  detail: string,
  language: "en" | "de",
): { readonly field: Field; readonly words: string } | undefined {
  const [, name = "", words = ""] = /^(\w+): (.*)$/s.exec(detail) ?? [];
  const field = FIELDS.find((each) => each === name);
  if (field === undefined) return undefined;
  return { field, words: sentence(language === "de" ? inGerman(words) : words) };
}

export function isEmpty(problems: Problems): boolean {
  return Object.values(problems).every((each) => each.length === 0);
}

/** By its first words: those of problems that are yet to be thought of begin likewise. */
function fieldOf(problem: string, { kind, hasDomain }: Brought): Field | "form" {
  if (/passphrase/.test(problem)) return "passphrase";
  if (hasDomain && /^the certificate is not for (?!servers)/.test(problem)) return "domain";
  if (!/certificate|private key|PKCS#12|chain/.test(problem)) return "form";
  if (kind === "pkcs12") return "pkcs12";
  return /^the private key/.test(problem) ? "privateKey" : "certificate";
}

/** In the words of the German pages, or as control said it where it is not known here. */
function inGerman(problem: string): string {
  for (const [pattern, german] of GERMAN) {
    const found = pattern.exec(problem);
    if (found !== null) return german.replace(/\$(\d)/g, (_, group) => part(found[Number(group)] ?? ""));
  }
  return problem;
}

/** Names stand in German quotation marks, and what is said inside of something is said in German as well. */
function part(text: string): string {
  const inner = INNER.find(([english]) => text === english)?.[1] ?? text;
  return inner
    .replace(/“([^”]*)”/g, "„$1“")
    .replace(/ of an authority$/, " einer Zertifizierungsstelle")
    .replace(/ or /g, " oder ")
    .replace(/ and (\d+) more$/, " und $1 weitere");
}

function sentence(fragment: string): string {
  const capital = fragment.charAt(0).toLocaleUpperCase() + fragment.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

const OPENSSL_PKCS8 = "„openssl pkcs8 -topk8“ macht eine neue Datei daraus";

// biome-ignore format: one problem a row reads as the table it is.
const GERMAN: readonly (readonly [RegExp, string])[] = [
  [/^the (certificate|private key|PKCS#12) is too large: at most (\d+) KiB are taken$/, "zu groß ($1): höchstens $2 KiB werden genommen"],
  [/^there are more than (\d+) certificates$/, "es sind mehr als $1 Zertifikate"],
  [/^the certificate is not PEM/, "das Zertifikat ist kein PEM: es steht kein „-----BEGIN CERTIFICATE-----“ darin"],
  [/^a certificate is damaged/, "ein Zertifikat ist beschädigt: es kann nicht gelesen werden"],
  [/^this is a request for a certificate/, "das ist ein Antrag auf ein Zertifikat: bringen Sie, was die Zertifizierungsstelle darauf geantwortet hat"],
  [/^there is no certificate in the certificate's text$/, "in dem Text steht kein Zertifikat"],
  [/^the private key is missing$/, "der private Schlüssel fehlt"],
  [/^the private key is not PEM/, "der private Schlüssel ist kein PEM: es steht kein „-----BEGIN … PRIVATE KEY-----“ darin"],
  [/^there is no private key in the PKCS#12$/, "in dem PKCS#12 ist kein privater Schlüssel"],
  [/^the PKCS#12 is encrypted, and its passphrase is missing$/, "das PKCS#12 ist verschlüsselt, und seine Passphrase fehlt"],
  [/^the passphrase of the PKCS#12 is wrong/, "die Passphrase des PKCS#12 ist falsch, oder es ist beschädigt"],
  [/^the PKCS#12 cannot be read: (.*)$/, "das PKCS#12 kann nicht gelesen werden: $1"],
  [/^the private key is of a kind that is not taken \((.*)\)$/, "der private Schlüssel ist von einer Art, die nicht genommen wird ($1)"],
  [/^the private key is encrypted, and its passphrase is missing$/, "der private Schlüssel ist verschlüsselt, und seine Passphrase fehlt"],
  [/^the private key cannot be opened: (.*)$/, "der private Schlüssel kann nicht geöffnet werden: $1"],
  [/^the private key cannot be read/, "der private Schlüssel kann nicht gelesen werden: er ist beschädigt, oder keiner"],
  [/^the private key is encrypted in a way that is not taken any more/, `der private Schlüssel ist auf eine Weise verschlüsselt, die nicht mehr genommen wird; ${OPENSSL_PKCS8}`],
  [/^the passphrase of the private key is wrong/, "die Passphrase des privaten Schlüssels ist falsch, oder er ist beschädigt"],
  [/^there is no certificate of a server/, "es ist kein Zertifikat eines Servers dabei, nur solche von Zertifizierungsstellen"],
  [/^the private key does not fit the certificate (.*)$/, "der private Schlüssel passt nicht zum Zertifikat $1"],
  [/^the certificate has no subject alternative names/, "das Zertifikat hat keine „subject alternative names“, und andere sehen Browser nicht an"],
  [/^the certificate is not for servers/, "das Zertifikat ist nicht für Server: serverAuth fehlt in seiner „extended key usage“"],
  [/^the certificate is not for (.*), as browsers find nodes now: it is for (.*)$/, "das Zertifikat gilt nicht für $1, wie Browser die Knoten jetzt finden, sondern für $2"],
  [/^the node (\S+) of these is down: remove it if it is gone for good$/, "der Knoten $1 von diesen ist nicht da: entfernen Sie ihn, wenn er nicht wiederkommt"],
  [/^the certificate is not for (.*): it is for (.*)$/, "das Zertifikat gilt nicht für $1, sondern für $2"],
  [/^the certificate (“.*?”(?: of an authority)?) expired on (.*)$/, "das Zertifikat $1 ist am $2 abgelaufen"],
  [/^the certificate (“.*?”(?: of an authority)?) is not valid before (.*)$/, "das Zertifikat $1 gilt erst ab $2"],
  [/^the certificate (“.*?”(?: of an authority)?) is signed with (MD5|SHA-1)/, "das Zertifikat $1 ist mit $2 unterschrieben, dem niemand mehr glaubt"],
  [/^the certificate (“.*?”(?: of an authority)?) has a key on the curve (\S+),/, "das Zertifikat $1 hat einen Schlüssel auf der Kurve $2, die Browser nicht nehmen: genommen werden P-256, P-384 und P-521"],
  [/^the certificate (“.*?”(?: of an authority)?) has a key of the kind (\S+):/, "das Zertifikat $1 hat einen Schlüssel der Art $2: genommen werden RSA, ECDSA und Ed25519"],
  [/^the certificate (“.*?”(?: of an authority)?) has a weak key: RSA of (\d+) bits, where (\d+)/, "das Zertifikat $1 hat einen schwachen Schlüssel: RSA mit $2 Bit, wo $3 das Mindeste sind"],
  [/^the chain is incomplete: the certificate of its issuer (“.*”) is missing; the root of .* \(--root\)$/, "die Kette ist unvollständig: das Zertifikat ihres Ausstellers $1 fehlt; die Wurzel einer eigenen Zertifizierungsstelle muss dabei sein (--root)"],
  [/^TLS does not take the certificate with its key \((.*)\)$/, "TLS nimmt das Zertifikat mit seinem Schlüssel nicht an ($1)"],
  [/^must be a domain name that browsers take for one$/, "muss ein Domainname sein, den Browser als solchen nehmen"],
  [/^must be a domain name(?:, such as .*)?$/, "muss ein Domainname sein, wie console.example.com"],
  [/^must be a name, not an address$/, "muss ein Name sein, keine Adresse"],
  [/^must be a shorter name, as DNS has room for$/, "muss ein kürzerer Name sein, für den das DNS Platz hat"],
];

const INNER: readonly (readonly [string, string])[] = [
  ["certificate", "Zertifikat"],
  ["private key", "privater Schlüssel"],
  ["it is damaged", "er ist beschädigt"],
  ["it is no PKCS#12", "es ist keines"],
  ["something in it is damaged", "etwas darin ist beschädigt"],
  [
    "it is protected by a key instead of a passphrase",
    "es ist mit einem Schlüssel geschützt statt mit einer Passphrase",
  ],
];
