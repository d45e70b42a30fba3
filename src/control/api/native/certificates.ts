import { NewCertificate } from "#wire/certificate.ts";
import { IdParams, listOf, nothing, problems, ref } from "./components.ts";
import type { NativeApp, NativeDeps } from "./native.ts";

const limits = {
  /** Each part may have 64 KiB, which JSON and base64 make longer. */
  bodyBytes: 256 * 1024,
} as const;

const tags = ["installation"];

/** What console nodes show to browsers. Private keys come in here, and never go out. */
export function certificateRoutes(
  app: NativeApp,
  { services: { certificates, nodes }, callerOf }: Pick<NativeDeps, "services" | "callerOf">,
): void {
  app.get(
    "/certificates",
    {
      schema: {
        operationId: "listCertificates",
        summary: "The certificates that were uploaded for console nodes, without their keys (administrators)",
        tags,
        response: { 200: listOf("Certificate", { description: "All of them" }), ...problems() },
      },
    },
    async (request) => ({ items: await certificates.list(callerOf(request)) }),
  );

  app.post(
    "/certificates",
    {
      bodyLimit: limits.bodyBytes,
      schema: {
        operationId: "uploadCertificate",
        summary: "Give console nodes a certificate in place of the one that they have (administrators)",
        tags,
        body: NewCertificate,
        response: {
          201: ref("Certificate", { description: "The certificate, as it is in force" }),
          ...problems(
            "certificate_refused",
            "conflict",
            "limit_reached",
            "body_too_large",
            "media_type_unsupported",
          ),
        },
      },
    },
    async (request, reply) => {
      reply.code(201);
      return await certificates.upload(callerOf(request), request.body);
    },
  );

  app.delete(
    "/certificates/:id",
    {
      schema: {
        operationId: "removeCertificate",
        summary: "Take a certificate away: its nodes go back to what they have without it (administrators)",
        tags,
        params: IdParams,
        response: { 204: nothing({ description: "It is gone" }), ...problems("not_found") },
      },
    },
    async (request, reply) => {
      await certificates.remove(callerOf(request), request.params.id);
      return reply.code(204).send(null);
    },
  );

  app.get(
    "/certificates/authority",
    {
      schema: {
        operationId: "getCertificateAuthority",
        summary:
          "The installation's own CA, for browsers that are to trust its certificates (administrators)",
        tags,
        response: { 200: ref("NodeAuthority", { description: "Its certificate" }), ...problems() },
      },
    },
    async (request) => await nodes.authority(callerOf(request)),
  );
}
