/** What a libvirt's capabilities begin with. */
const BEGINNING = /^\s*<capabilities>\s*<host>\s*<uuid>([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})<\/uuid>/;

/** By which libvirt knows its host, as its firmware or its settings (host_uuid) have it; undefined where it does not say. */
export function readHostUuid(capabilities: string): string | undefined {
  return BEGINNING.exec(capabilities)?.[1];
}
