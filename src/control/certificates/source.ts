import type { ExpressionBuilder, ExpressionWrapper } from "kysely";
import type { Certificate } from "#wire/certificate.ts";
import type { Schema } from "../store/schema.ts";

/** Who brings the next one: what ACME has left behind when it was turned off ends unless somebody uploads another, as an upload does. */
export function sourceNow(
  certificates: ExpressionBuilder<Schema, "certificates">,
): ExpressionWrapper<Schema, "certificates", Certificate["source"]> {
  return certificates
    .case()
    .when(certificates.exists(certificates.selectFrom("acme").select("acme.id")))
    .then(certificates.ref("source"))
    .else("upload" as const)
    .end();
}
