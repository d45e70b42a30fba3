import { cliDocument } from "#cli/document.ts";
import { settingsDocument } from "#control/settings/document.ts";
import { configurationDocument } from "./configuration-document.ts";
import { errorsDocument } from "./errors-document.ts";

/** Every document that is made from the sources, by its path: write.ts writes them, docs.test.ts compares. */
export const DOCUMENTS: Readonly<Record<string, () => string>> = {
  "docs/errors.md": errorsDocument,
  "docs/cli.md": cliDocument,
  "docs/operations/configuration.md": configurationDocument,
  "docs/operations/settings.md": settingsDocument,
};
