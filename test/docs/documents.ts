import { cliDocument } from "#cli/document.ts";
import { settingsDocument } from "#control/settings/document.ts";
import { auditDocument } from "./audit-document.ts";
import { commandDriverSchema } from "./command-driver-schema.ts";
import { configurationDocument } from "./configuration-document.ts";
import { doctorDocument } from "./doctor-document.ts";
import { errorsDocument } from "./errors-document.ts";
import { metricsDocument } from "./metrics-document.ts";
import { oraclesDocument } from "./oracles-document.ts";

/** Every document that is made from the sources, by its path: write.ts writes them, docs.test.ts compares. */
export const DOCUMENTS: Readonly<Record<string, () => string>> = {
  "docs/errors.md": errorsDocument,
  "docs/api/audit.md": auditDocument,
  "docs/cli.md": cliDocument,
  "docs/command-driver.schema.json": commandDriverSchema,
  "docs/operations/configuration.md": configurationDocument,
  "docs/operations/doctor.md": doctorDocument,
  "docs/operations/metrics.md": metricsDocument,
  "docs/operations/nova-differences.md": oraclesDocument,
  "docs/operations/settings.md": settingsDocument,
};
