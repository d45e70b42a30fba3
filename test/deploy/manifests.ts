import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";

const folder = fileURLToPath(new URL("../../deploy/kubernetes", import.meta.url));

export type Labels = Readonly<Record<string, string>>;

/** What the tests read of an object; its schema says the rest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Spec;
  readonly rules?: readonly RbacRule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace: string }[];
}

interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Spec {
  readonly replicas?: number;
  readonly serviceName?: string;
  readonly clusterIP?: string;
  readonly maxUnavailable?: number;
  readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  /** Of a Service the labels, of others an object with them. */
  readonly selector?: Labels | { readonly matchLabels: Labels };
  readonly ports?: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
  readonly podSelector?: PodSelector;
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
  readonly rules?: readonly { readonly host: string; readonly http: { readonly paths: readonly Path[] } }[];
}

interface Path {
  readonly backend: { readonly service: { readonly name: string; readonly port: { readonly name: string } } };
}

export interface PodSelector {
  readonly matchLabels: Labels;
}

export interface Rule {
  readonly ports: readonly { readonly port: string | number }[];
  readonly from?: readonly { readonly podSelector?: PodSelector }[];
  readonly to?: readonly { readonly podSelector?: PodSelector }[];
}

interface PodSpec {
  readonly serviceAccountName: string;
  readonly automountServiceAccountToken: boolean;
  readonly enableServiceLinks: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
}

interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName: string; readonly defaultMode: number };
  readonly configMap?: { readonly name: string };
  readonly emptyDir?: unknown;
  readonly projected?: {
    readonly sources: readonly {
      readonly serviceAccountToken?: { readonly audience: string; readonly path: string };
    }[];
  };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface Workload {
  readonly name: string;
  readonly manifest: Manifest;
  readonly labels: Labels;
  readonly pod: PodSpec;
  readonly container: Container;
}

/** The objects of the base, as they stand in its files. */
export function baseManifests(): readonly Manifest[] {
  const { resources }: { readonly resources: readonly string[] } = parse(read("base/kustomization.yaml"));
  return resources.flatMap((file) => documents(read(join("base", file))));
}

/** The objects that the component for launching adds to it, as they stand in its file. */
export function launcherManifests(): readonly Manifest[] {
  return documents(read("launcher/launcher.yaml"));
}

/** Why kustomizations cannot be rendered on this machine, or false. */
export const lackingKustomize: string | false =
  spawnSync("kubectl", ["kustomize", "--help"]).status === 0 ? false : "this machine has no kubectl";

/** What `kubectl apply -k deploy/kubernetes/NAME` would send. */
export function renderedManifests(name: "example" | "example-launching"): readonly Manifest[] {
  const { status, stdout, stderr } = spawnSync("kubectl", ["kustomize", join(folder, name)], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return documents(stdout);
}

/** The pods that a set of objects makes: one container each. */
export function workloadsOf(manifests: readonly Manifest[]): readonly Workload[] {
  return manifests.flatMap((manifest) => {
    const template = manifest.spec?.template;
    const [container, ...others] = template?.spec.containers ?? [];
    if (template === undefined || container === undefined) return [];
    if (others.length > 0) throw new Error(`${manifest.metadata.name} has several containers`);
    const { name } = manifest.metadata;
    return [{ name, manifest, labels: template.metadata.labels, pod: template.spec, container }];
  });
}

export function matches(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** All that the container finds in its environment, with references to the namespace resolved as the kubelet does. */
export function environmentOf(
  { container }: Workload,
  { manifests, namespace }: { readonly manifests: readonly Manifest[]; readonly namespace: string },
): Readonly<Record<string, string>> {
  const maps = container.envFrom.map(({ configMapRef: { name } }) =>
    manifests.find((each) => each.kind === "ConfigMap" && each.metadata.name === name),
  );
  const env: Record<string, string> = Object.assign({}, ...maps.map((map) => map?.data));
  for (const { name, value } of container.env)
    if (value !== undefined) env[name] = value.replaceAll("$(NAMESPACE)", namespace);
  return env;
}

export function repositoryFile(path: string): string {
  return readFileSync(join(dirname(dirname(folder)), path), "utf8");
}

function read(path: string): string {
  return readFileSync(join(folder, path), "utf8");
}

function documents(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}
