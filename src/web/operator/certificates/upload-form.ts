import { batch, signal } from "@preact/signals";
import { Check } from "typebox/schema";
import { Pool } from "#wire/api.ts";
import type { Certificate, NewCertificate } from "#wire/certificate.ts";
import type { Language } from "../../ui/language.ts";
import type { Api, ApiError } from "../api.ts";
import { apiError } from "../visitor.ts";
import { type BroughtFile, type FileRefusal, isRefusal, limits, readBroughtFile } from "./brought-files.ts";
import { type Field, fieldOfDetail, isEmpty, type Problems, problemsByField } from "./problems.ts";
import type { CertificateStrings } from "./strings-en.ts";
import { bytesText } from "./texts.ts";

export type PartName = BroughtFile["part"];

interface Tongue {
  readonly language: Language;
  readonly words: CertificateStrings["form"];
}

/** What somebody brings into the dialog, until control has taken it. It is in memory alone, and goes with the dialog. */
export class UploadForm {
  readonly kind = signal<"pem" | "pkcs12">("pem");
  readonly files = signal<readonly BroughtFile[]>([]);
  readonly certificate = signal("");
  readonly privateKey = signal("");
  readonly passphrase = signal("");
  readonly pool = signal("");
  readonly domain = signal("");

  readonly problems = signal<Problems>({});
  /** What was sent, or was to be, is not in use; a file that is not taken is none of that. */
  readonly isRefused = signal(false);
  /** What went wrong that is no fault of what was brought. */
  readonly error = signal<ApiError | undefined>(undefined);
  readonly isBusy = signal(false);

  /** Sorts files to where they belong by what is in them; what cannot be taken is said at the field that was asked for it. */
  async take(chosen: readonly File[], at: PartName, { language, words }: Tongue): Promise<void> {
    const read = await Promise.all(chosen.slice(0, limits.files).map(readBroughtFile));
    const refusals = read.filter(isRefusal).map((refusal) => refusalText(refusal, { language, words }));
    if (chosen.length > limits.files) refusals.push(words.tooMany(String(limits.files)));
    batch(() => {
      for (const file of read) if (!isRefusal(file)) this.#add(file);
      this.problems.value = { ...this.problems.value, [at]: refusals };
    });
  }

  takeOut(file: BroughtFile): void {
    this.files.value = this.files.value.filter((each) => each !== file);
    this.changed(file.part);
  }

  /** What was wrong with a field is not known any more. */
  changed(field: Field): void {
    const { [field]: _, ...others } = this.problems.value;
    this.problems.value = others;
  }

  /** Resolves to the certificate that is in use now, or to nothing, with what is wrong beside what it is about. */
  async send(api: Pick<Api, "uploadCertificate">, tongue: Tongue): Promise<Certificate | undefined> {
    const body = this.#body();
    this.error.value = undefined;
    this.isRefused.value = true;
    this.problems.value = this.#ownProblems(body, tongue);
    if (!isEmpty(this.problems.value)) return undefined;
    this.isBusy.value = true;
    try {
      const made = await api.uploadCertificate(body);
      this.#forget();
      return made;
    } catch (thrown) {
      this.#refused(apiError(thrown), tongue.language);
      return undefined;
    } finally {
      this.isBusy.value = false;
    }
  }

  #add(file: BroughtFile): void {
    // A chain may come in several files; of keys there is one, and a file that was mended takes its own place.
    const stays = (each: BroughtFile) =>
      each.part !== file.part || (file.part === "certificate" && each.name !== file.name);
    this.files.value = [...this.files.value.filter(stays), file];
    this.kind.value = file.part === "pkcs12" ? "pkcs12" : "pem";
    this.changed(file.part);
  }

  #body(): NewCertificate {
    const [passphrase, pool, domain] = [
      this.passphrase.value,
      this.pool.value.trim(),
      this.domain.value.trim(),
    ];
    return {
      ...(this.kind.value === "pkcs12" ? this.#pkcs12() : this.#pem()),
      ...(passphrase === "" ? {} : { passphrase }),
      ...(pool === "" ? {} : { pool }),
      ...(domain === "" ? {} : { domain }),
    };
  }

  #pkcs12(): NewCertificate {
    for (const file of this.files.value) if (file.part === "pkcs12") return { pkcs12: file.base64 };
    return {};
  }

  #pem(): NewCertificate {
    const text = (part: "certificate" | "privateKey") => {
      const files = this.files.value.flatMap((file) => (file.part === part ? [file.text] : []));
      return [...files, this[part].value].filter((each) => each.trim() !== "").join("\n");
    };
    const [certificate, privateKey] = [text("certificate"), text("privateKey")];
    return {
      ...(certificate === "" ? {} : { certificate }),
      ...(privateKey === "" ? {} : { privateKey }),
    };
  }

  /** What can be said without asking control. */
  #ownProblems(body: NewCertificate, { language, words }: Tongue): Problems {
    const { certificate, privateKey, pkcs12, pool, domain } = body;
    const isNothing = certificate === undefined && privateKey === undefined && pkcs12 === undefined;
    const isTooMuch = JSON.stringify(body).length > limits.bodyCharacters;
    return {
      ...(isNothing ? { [this.kind.value === "pkcs12" ? "pkcs12" : "certificate"]: [words.nothing] } : {}),
      ...(isTooMuch ? { form: [words.allTooLarge(bytesText(limits.bodyCharacters, language))] } : {}),
      ...(pool !== undefined && !Check(Pool, pool) ? { pool: [words.poolForm] } : {}),
      ...(pool !== undefined && domain !== undefined ? { domain: [words.domainOfAll] } : {}),
    };
  }

  #refused(error: ApiError, language: Language): void {
    if (error.problems.length > 0) {
      const brought = { kind: this.kind.value, hasDomain: this.domain.value.trim() !== "" };
      this.problems.value = problemsByField(error.problems, brought, language);
      return;
    }
    const known = error.code === "request_invalid" ? fieldOfDetail(error.detail ?? "", language) : undefined;
    if (known === undefined) this.error.value = error;
    else this.problems.value = { [known.field]: [known.words] };
  }

  #forget(): void {
    batch(() => {
      this.files.value = [];
      for (const secret of [this.certificate, this.privateKey, this.passphrase]) secret.value = "";
    });
  }
}

function refusalText(refusal: FileRefusal, { language, words }: Tongue): string {
  const { name, reason } = refusal;
  switch (reason) {
    case "too-large":
      return words.tooLarge(name, bytesText(refusal.bytes, language), bytesText(limits.fileBytes, language));
    case "der-certificate":
      return words.derCertificate(name);
    case "not-known":
      return words.notKnown(name);
    case "unreadable":
      return words.unreadable(name);
    default:
      return reason satisfies never;
  }
}
