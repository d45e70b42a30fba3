import { ORDER_ID } from "../launcher.ts";
import { domainName } from "./domains.ts";

const UUID_CHARACTERS = 36;

/**
 * How the disks of an order's machine begin. `place` says which libvirt it is on: a storage pool may be shared with others,
 * whose machines are not to be seen here.
 */
export function volumeStem(
  installationId: string,
  { orderId, place }: { readonly orderId: string; readonly place: string },
): string {
  return `${domainName(installationId, orderId)}-${place}`;
}

/**
 * Disks of machines that there are not: of a launch that was cut short, or of a machine whose disks could not be deleted when
 * it went. A launch makes its disks first, and another control may be at one, so they have to have been there for a while.
 */
export class Leftovers {
  readonly #since = new Map<string, number>();
  readonly #installationId: string;
  readonly #place: string;
  readonly #afterMs: number;

  constructor(
    installationId: string,
    { place, afterMs }: { readonly place: string; readonly afterMs: number },
  ) {
    this.#installationId = installationId;
    this.#place = place;
    this.#afterMs = afterMs;
  }

  /** Of a storage pool's volumes those that nobody needs any more. `orders` have machines; `now` is in milliseconds. */
  among(
    volumes: readonly string[],
    { orders, now }: { readonly orders: ReadonlySet<string>; readonly now: number },
  ): readonly string[] {
    const orphans = volumes.filter((name) => {
      const order = this.#orderOf(name);
      return order !== undefined && !orders.has(order);
    });
    for (const name of this.#since.keys()) if (!orphans.includes(name)) this.#since.delete(name);
    for (const name of orphans) if (!this.#since.has(name)) this.#since.set(name, now);
    return orphans.filter((name) => now - (this.#since.get(name) ?? now) >= this.#afterMs);
  }

  #orderOf(volume: string): string | undefined {
    const { length } = domainName(this.#installationId, "");
    const orderId = volume.slice(length, length + UUID_CHARACTERS);
    const stem = volumeStem(this.#installationId, { orderId, place: this.#place });
    return ORDER_ID.test(orderId) && volume.startsWith(`${stem}-`) ? orderId : undefined;
  }
}
