import type { Secret } from "#base/secret.ts";
import { authenticationTypes, open, polkit } from "#protocols/libvirt/calls.ts";
import type { Lifecycle } from "#protocols/libvirt/lifecycle.ts";
import { RemoteError } from "#protocols/libvirt/remote-error.ts";
import type { HypervisorStep } from "#wire/hypervisors.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { LibvirtConnection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Credentials, openTransport, type Transport } from "./transport.ts";

export interface LibvirtAccess {
  readonly endpoint: Endpoint;
  readonly credentials: Credentials;
  /** So that it can change nothing; passwords of consoles stay hidden then. */
  readonly isReadOnly: boolean;
  /** Each console gets a password of its own that follows from this; absent: what stands in the definition is taken. */
  readonly sessionPasswordKey?: Secret | undefined;
  /** Nodes may sign in to it, as control does, for serial lines that it alone reaches. By a socket and by TLS. */
  readonly hasSerialStreams?: boolean;
}

/** Goes the whole way to a libvirt that answers. Throws a HypervisorError with the step that failed, or the signal's reason. */
export async function openLibvirt(
  { endpoint, credentials, isReadOnly }: LibvirtAccess,
  {
    signal,
    onLifecycle,
  }: { readonly signal: AbortSignal; readonly onLifecycle?: (event: Lifecycle) => void },
): Promise<LibvirtConnection> {
  const transport = await openTransport(endpoint, credentials, signal);
  const connection = new LibvirtConnection(
    transport.stream,
    onLifecycle === undefined ? {} : { onLifecycle },
  );
  try {
    await authenticate(connection, signal);
    await transport.signedIn?.();
    await asStep("rights", connection.call(open(endpoint.uri, { isReadOnly }), { signal }));
    return connection;
  } catch (error) {
    const hasEnded = !connection.isOpen;
    connection.close();
    throw (hasEnded ? await whyEnded(transport) : undefined) ?? error;
  }
}

async function authenticate(connection: LibvirtConnection, signal: AbortSignal): Promise<void> {
  const types = await connection.call(authenticationTypes(), { signal });
  if (types.includes("none")) return;
  if (types.includes("polkit")) {
    await asStep("credentials", connection.call(polkit(), { signal }));
    return;
  }
  const asked = types.map((type) => (type === "sasl" ? "SASL" : type)).join(" or ");
  throw new HypervisorError(
    "credentials",
    `libvirt asks for ${asked}, which is not spoken here: a client certificate, SSH or polkit is`,
  );
}

async function asStep(step: HypervisorStep, call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (error instanceof RemoteError) throw new HypervisorError(step, error.message, { cause: error });
    throw error;
  }
}

async function whyEnded({ whyEnded: ask }: Transport): Promise<HypervisorError | undefined> {
  return await ask?.();
}
