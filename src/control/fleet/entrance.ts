import type { NodeTable } from "../store/schema.ts";
import type { Entrance } from "./public-names.ts";

/** What of a node's row says where browsers find it now. */
export const ENTRANCE_COLUMNS = [
  "nodes.incarnation",
  "nodes.page_origin",
  "nodes.web_socket_origin",
  "nodes.public_path",
  "nodes.secure_page_origin",
  "nodes.secure_web_socket_origin",
  "nodes.certificate_id",
  "nodes.certificate_incarnation",
  "nodes.certificate_domain",
] as const;

type EntranceRow = Pick<NodeTable, "incarnation" | "page_origin" | "web_socket_origin"> & {
  readonly public_path: string | null;
  readonly secure_page_origin: string | null;
  readonly secure_web_socket_origin: string | null;
  readonly certificate_id: string | null;
  readonly certificate_incarnation: string | null;
  readonly certificate_domain: string | null;
};

/** By TLS where the node has said that it serves it, or else as an address that begins with https:// would open nothing. */
export function entranceOf(row: EntranceRow): Entrance {
  const secure = servesTls(row) ? secureEntranceOf(row) : undefined;
  const { certificate_domain: certifiedDomain, public_path: publicPath } = row;
  return {
    ...(secure ?? plainEntranceOf(row)),
    ...(publicPath === null ? {} : { publicPath }),
    ...(secure === undefined || certifiedDomain === null ? {} : { certifiedDomain }),
  };
}

export function plainEntranceOf(row: Pick<EntranceRow, "page_origin" | "web_socket_origin">): Entrance {
  return { pageOrigin: row.page_origin, webSocketOrigin: row.web_socket_origin };
}

/** Where it is found while it serves TLS; `undefined` for a node of a version that serves none. */
export function secureEntranceOf(
  row: Pick<EntranceRow, "secure_page_origin" | "secure_web_socket_origin">,
): Entrance | undefined {
  const { secure_page_origin: pageOrigin, secure_web_socket_origin: webSocketOrigin } = row;
  return pageOrigin === null || webSocketOrigin === null ? undefined : { pageOrigin, webSocketOrigin };
}

/** What an earlier start served, this one does not. */
function servesTls(
  row: Pick<EntranceRow, "incarnation" | "certificate_id" | "certificate_incarnation">,
): boolean {
  return (
    row.incarnation !== null && row.certificate_id !== null && row.certificate_incarnation === row.incarnation
  );
}
