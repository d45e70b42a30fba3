import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";

/** Not done, as an object of kind Status says. */
export class StatusError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  toStatus(): object {
    const { status: code, message } = this;
    return { apiVersion: "v1", kind: "Status", metadata: {}, status: "Failure", message, code };
  }
}

interface ClusterObject {
  readonly apiVersion: "kubevirt.io/v1";
  readonly kind: "VirtualMachine" | "VirtualMachineInstance";
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    resourceVersion: string;
    readonly ownerReferences?: readonly object[];
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: object;
  status: Record<string, unknown>;
}

interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly version: number;
  /** As it was then. */
  readonly object: ClusterObject;
}

interface Watcher {
  readonly response: ServerResponse;
  wants(object: ClusterObject): boolean;
}

const KINDS = {
  virtualmachines: "VirtualMachine",
  virtualmachineinstances: "VirtualMachineInstance",
} as const;
const PATH =
  /^\/apis\/(?:subresources\.)?kubevirt\.io\/v1(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<kind>virtualmachines|virtualmachineinstances)(?:\/(?<name>[^/]+)(?:\/(?<part>.+))?)?$/;

/** The objects of a cluster, and who watches them: see kubevirt-api.ts for the documents. */
export class KubeVirtCluster {
  readonly uid: string = randomUUID();
  /** Objects of one page, whatever is asked for. */
  page = 2;
  /** Answers no next page: what it would have begun with is not kept. */
  losesPages = false;
  readonly #objects = new Map<string, ClusterObject>();
  readonly #changes: Change[] = [];
  readonly #watchers = new Set<Watcher>();
  #version = 100;
  /** Changes up to this one are forgotten. */
  #compacted = 100;

  /** A machine; and its instance, if it runs. */
  add(
    name: string,
    more: {
      readonly namespace?: string;
      readonly running?: boolean;
      readonly annotations?: Record<string, string>;
    } = {},
  ): string {
    const { namespace = "shop", running = true, annotations = {} } = more;
    const uid = randomUUID();
    this.#put({
      ...{ apiVersion: "kubevirt.io/v1", kind: "VirtualMachine" },
      metadata: { name, namespace, uid, resourceVersion: "", annotations },
      spec: { runStrategy: "Manual", template: { spec: { domain: { devices: {} } } } },
      status: { printableStatus: "Stopped" },
    });
    if (running) this.start(`${namespace}/${name}`);
    return `${namespace}/${name}/${uid}`;
  }

  start(key: string, status: Record<string, unknown> = {}): void {
    const machine = this.#require("VirtualMachine", key);
    const { name, namespace, uid } = machine.metadata;
    const owner = { apiVersion: "kubevirt.io/v1", kind: "VirtualMachine", name, uid, controller: true };
    this.#put({
      ...{ apiVersion: "kubevirt.io/v1", kind: "VirtualMachineInstance" },
      metadata: { name, namespace, uid: randomUUID(), resourceVersion: "", ownerReferences: [owner] },
      spec: { domain: { devices: {} } },
      status: { phase: "Running", guestOSInfo: { id: "fedora", name: "Fedora Linux" }, ...status },
    });
    this.#put({ ...machine, status: { printableStatus: "Running" } });
  }

  stop(key: string): void {
    const machine = this.#require("VirtualMachine", key);
    this.#delete(`VirtualMachineInstance ${key}`);
    this.#put({ ...machine, status: { printableStatus: "Stopped" } });
  }

  /** Writes both of its objects anew, as controllers do whenever they have looked at something. */
  touch(key: string): void {
    for (const kind of Object.values(KINDS)) {
      const { status, ...object } = this.#require(kind, key);
      this.#put({ ...object, status: { ...status, observedGeneration: this.#version } });
    }
  }

  remove(key: string): void {
    this.#delete(`VirtualMachineInstance ${key}`);
    this.#delete(`VirtualMachine ${key}`);
  }

  /** Its instance stays for as long as it takes to go. */
  orphan(key: string): void {
    this.#delete(`VirtualMachine ${key}`);
  }

  /** An instance that no machine has made. */
  addInstance(name: string, namespace = "lab"): string {
    const uid = randomUUID();
    this.#put({
      ...{ apiVersion: "kubevirt.io/v1", kind: "VirtualMachineInstance" },
      metadata: { name, namespace, uid, resourceVersion: "" },
      spec: { domain: { devices: { autoattachGraphicsDevice: false, autoattachSerialConsole: false } } },
      status: { phase: "Running", conditions: [{ type: "Paused", status: "True" }] },
    });
    return `${namespace}/${name}/${uid}`;
  }

  /** Forgets what was, and ends all watches, which go on too late. */
  compact(): void {
    this.#compacted = ++this.#version;
    this.close();
  }

  /** Those who watch are told as of when they know all. */
  bookmark(): void {
    const metadata = { resourceVersion: String(++this.#version) };
    for (const { response } of this.#watchers)
      response.write(
        `${JSON.stringify({ type: "BOOKMARK", object: { kind: "VirtualMachine", metadata } })}\n`,
      );
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  close(): void {
    for (const { response } of this.#watchers) response.end();
    this.#watchers.clear();
  }

  read(url: URL): object {
    if (url.pathname === "/api/v1/namespaces/kube-system")
      return { metadata: { name: "kube-system", uid: this.uid } };
    const { kind, namespace, name, part } = named(url.pathname);
    if (part !== undefined) throw new StatusError(404, "the server could not find the requested resource");
    if (name !== undefined) return this.#require(kind, `${namespace}/${name}`);
    const { searchParams } = url;
    if (!searchParams.has("limit")) throw new StatusError(400, "this one is asked for pages");
    const from = Number(searchParams.get("continue") ?? 0);
    if (from > 0 && this.losesPages) {
      this.losesPages = false;
      throw new StatusError(410, "The provided continue parameter is too old");
    }
    const all = [...this.#objects.values()].filter(
      (each) => each.kind === kind && (namespace === undefined || each.metadata.namespace === namespace),
    );
    const next = from + this.page;
    const more = next < all.length ? { continue: String(next), remainingItemCount: all.length - next } : {};
    return {
      ...{ apiVersion: "kubevirt.io/v1", kind: `${kind}List` },
      metadata: { resourceVersion: String(this.#version), ...more },
      items: all.slice(from, next),
    };
  }

  watch(url: URL, response: ServerResponse): void {
    const { kind, namespace } = named(url.pathname);
    const since = Number(url.searchParams.get("resourceVersion"));
    if (
      url.searchParams.get("allowWatchBookmarks") !== "true" ||
      !(Number(url.searchParams.get("timeoutSeconds")) > 0)
    )
      throw new StatusError(400, "this one is watched with bookmarks, and for a time");
    response.writeHead(200, { "content-type": "application/json" });
    if (since < this.#compacted) {
      const object = new StatusError(410, `too old resource version: ${since}`).toStatus();
      response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
      return;
    }
    const watcher: Watcher = {
      response,
      wants: (each) =>
        each.kind === kind && (namespace === undefined || each.metadata.namespace === namespace),
    };
    response.flushHeaders();
    this.#watchers.add(watcher);
    response.on("close", () => this.#watchers.delete(watcher));
    for (const change of this.#changes) if (change.version > since) tell(watcher, change);
  }

  order(path: string, body: Readonly<Record<string, unknown>>): void {
    const { kind, namespace, name, part } = named(path);
    const key = `${namespace}/${name}`;
    const isOn = this.#objects.has(`VirtualMachineInstance ${key}`);
    this.#require(kind, key);
    switch (`${kind} ${part}`) {
      case "VirtualMachine start":
        if (isOn) throw new StatusError(409, "VM is already running");
        this.start(key);
        break;
      case "VirtualMachine stop":
        if (!isOn) throw new StatusError(409, "VM is not running");
        if (body["gracePeriod"] !== undefined && body["gracePeriod"] !== 0)
          throw new StatusError(400, "gracePeriod");
        this.stop(key);
        break;
      case "VirtualMachine restart":
        if (!isOn) throw new StatusError(409, "VM is not running");
        this.stop(key);
        this.start(key);
        break;
      case "VirtualMachineInstance reset":
        break;
      default:
        throw new StatusError(404, "the server could not find the requested resource");
    }
  }

  /** [vnc], [console]: of which instance that is, and which of its two. */
  requireConsole(path: string): { readonly uid: string; readonly part: "vnc" | "console" } {
    const { kind, namespace, name, part } = named(path);
    if (kind !== "VirtualMachineInstance" || (part !== "vnc" && part !== "console"))
      throw new StatusError(404, "no such sub-resource");
    const { status, metadata, spec } = this.#require(kind, `${namespace}/${name}`);
    const lacks = (device: string) => JSON.stringify(spec).includes(`"${device}":false`);
    if (part === "vnc" && lacks("autoattachGraphicsDevice"))
      throw new StatusError(400, "No graphics devices are present.");
    if (part === "console" && lacks("autoattachSerialConsole"))
      throw new StatusError(400, "No serial consoles are present.");
    if (status["phase"] !== "Running") throw new StatusError(400, "VMI is not running");
    return { uid: metadata.uid, part };
  }

  #require(kind: ClusterObject["kind"], key: string): ClusterObject {
    const found = this.#objects.get(`${kind} ${key}`);
    if (found === undefined)
      throw new StatusError(404, `${kind.toLowerCase()}s.kubevirt.io "${key}" not found`);
    return found;
  }

  #put(object: ClusterObject): void {
    const { namespace, name } = object.metadata;
    const key = `${object.kind} ${namespace}/${name}`;
    this.#change(this.#objects.has(key) ? "MODIFIED" : "ADDED", key, object);
  }

  #delete(key: string): void {
    const object = this.#objects.get(key);
    if (object !== undefined) this.#change("DELETED", key, object);
  }

  #change(type: Change["type"], key: string, object: ClusterObject): void {
    const version = ++this.#version;
    const now = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    if (type === "DELETED") this.#objects.delete(key);
    else this.#objects.set(key, now);
    const change = { type, version, object: now };
    this.#changes.push(change);
    for (const watcher of this.#watchers) tell(watcher, change);
  }
}

function tell({ response, wants }: Watcher, { type, object }: Change): void {
  if (wants(object)) response.write(`${JSON.stringify({ type, object })}\n`);
}

function named(path: string) {
  const { namespace, kind, name, part } = PATH.exec(path)?.groups ?? {};
  if (kind !== "virtualmachines" && kind !== "virtualmachineinstances")
    throw new StatusError(404, "the server could not find the requested resource");
  return { kind: KINDS[kind], namespace, name, part };
}
