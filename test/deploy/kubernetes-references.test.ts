import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readConfig } from "#base/config.ts";
import { FIELDS as CONTROL_FIELDS } from "#control/config.ts";
import { FIELDS as PROXY_FIELDS } from "#proxy/config.ts";
import {
  baseManifests,
  environmentOf,
  type Labels,
  lackingKustomize,
  type Manifest,
  matches,
  type PodSelector,
  type Rule,
  renderedManifests,
  repositoryFile,
  type Workload,
  workloadsOf,
} from "./manifests.ts";

/** What the operator makes, as docs/operations/kubernetes.md says, with the keys that pods read as files. */
const MADE_BY_HAND: Readonly<Record<string, readonly string[]>> = {
  "Secret porthole-control": ["database-url", "porthole.key"],
  "ConfigMap porthole-authority": ["ca.pem"],
};

/** From SIGTERM, beside what a node waits for its consoles and preStop takes. */
const TIME_TO_END_S = 10;

const SETS = [
  { title: "the base", skip: false, namespace: "default", load: baseManifests },
  ...(["example", "example-launching"] as const).map((name) => ({
    title: `the rendered ${name}`,
    skip: lackingKustomize,
    namespace: "consoles",
    load: () => renderedManifests(name),
  })),
] as const;

for (const { title, skip, namespace, load } of SETS)
  describe(`what is named in ${title} of the Kubernetes manifests`, { skip }, () => {
    const manifests = skip === false ? load() : [];
    const workloads = workloadsOf(manifests);
    const of = (kind: string) => manifests.filter((each) => each.kind === kind);
    const named = (kind: string, name: string) => of(kind).find((each) => each.metadata.name === name);
    const workload = (name: string) =>
      found(
        workloads.find((each) => each.name === name),
        name,
      );
    const environment = (each: Workload) => environmentOf(each, { manifests, namespace });

    test("are pods: every selector chooses one kind of them, and every kind has its budget and its policy", () => {
      const chosen = (selector: Labels | undefined) => {
        assert.ok(selector !== undefined && Object.keys(selector).length > 0);
        return workloads.filter(({ labels }) => matches(selector, labels)).map(({ name }) => name);
      };

      assert.deepEqual(workloads.map(({ name }) => name).sort(), ["porthole-control", "porthole-proxy"]);
      for (const { name, manifest } of workloads) assert.deepEqual(chosen(labelsOf(manifest)), [name]);
      for (const each of of("PodDisruptionBudget"))
        assert.equal(chosen(labelsOf(each)).length, 1, each.metadata.name);
      for (const kind of ["PodDisruptionBudget", "NetworkPolicy"])
        assert.deepEqual(
          of(kind)
            .flatMap((each) => chosen(labelsOf(each)))
            .sort(),
          workloads.map(({ name }) => name).sort(),
        );
    });

    test("are ports: of Services, probes and policies each is one of the pods that are meant", () => {
      for (const service of of("Service")) {
        const [target, ...others] = behind(service, workloads);
        assert.ok(target !== undefined && others.length === 0, service.metadata.name);
        for (const port of service.spec?.ports ?? []) assertPort(target, port.targetPort);
      }
      for (const each of workloads)
        for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"] as const) {
          assertPort(each, each.container[probe].httpGet.port);
          assert.equal(each.container[probe].httpGet.path, probe === "readinessProbe" ? "/readyz" : "/livez");
        }
      for (const policy of of("NetworkPolicy")) {
        const [self] = workloads.filter(({ labels }) => matches(labelsOf(policy), labels));
        for (const rule of policy.spec?.ingress ?? []) assertPorts(rule, found(self, policy.metadata.name));
        for (const rule of policy.spec?.egress ?? [])
          for (const { podSelector } of rule.to ?? [])
            if (podSelector !== undefined) assertPorts(rule, chosenBy(podSelector, workloads));
        for (const { podSelector } of (policy.spec?.ingress ?? []).flatMap(({ from = [] }) => from))
          if (podSelector !== undefined) chosenBy(podSelector, workloads);
      }
      for (const { backend } of of("Ingress").flatMap(pathsOf)) {
        const ports = found(named("Service", backend.service.name), backend.service.name).spec?.ports ?? [];
        assert.ok(
          ports.some(({ name }) => name === backend.service.port.name),
          backend.service.name,
        );
      }
    });

    test("are objects: of the set, or made by hand as the documentation says", () => {
      for (const { pod, container, manifest } of workloads) {
        found(named("ServiceAccount", pod.serviceAccountName), pod.serviceAccountName);
        for (const { configMapRef } of container.envFrom)
          found(named("ConfigMap", configMapRef.name), configMapRef.name);
        const claims = (manifest.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name);
        const volumes = [...pod.volumes.map(({ name }) => name), ...claims];
        assert.deepEqual(container.volumeMounts.map(({ name }) => name).sort(), volumes.sort());
      }
      const documentation = repositoryFile("docs/operations/kubernetes.md");
      for (const [object, keys] of Object.entries(MADE_BY_HAND)) {
        const [kind = "", name = ""] = object.toLowerCase().split(" ");
        assert.match(documentation, new RegExp(`create ${kind} (generic )?${name} `));
        for (const key of keys) assert.ok(documentation.includes(`--from-file=${key}`), key);
      }
    });

    test("are files: each that the configuration names lies in a volume", () => {
      for (const each of workloads) {
        const files = Object.entries(environment(each)).filter(([name]) => /_(FILE|DATA)$/.test(name));
        assert.ok(files.length > 2);
        for (const [name, path] of files) assertMounted(each, name, path);
      }
    });

    test("are settings: both configurations are whole, and know no other variable", () => {
      const [control, proxy] = [workload("porthole-control"), workload("porthole-proxy")];
      const ofControl = readConfig(CONTROL_FIELDS, sources(CONTROL_FIELDS, environment(control)));
      const ofNode = readConfig(PROXY_FIELDS, sources(PROXY_FIELDS, environment(proxy)));

      assert.deepEqual(portsOf(control), {
        api: ofControl.listen.port,
        link: ofControl.link.port,
        admin: ofControl.adminListen?.port,
      });
      assert.deepEqual(portsOf(proxy), {
        viewers: ofNode.listen?.port,
        forward: ofNode.forwardListen?.port,
        admin: ofNode.adminListen?.port,
      });
      assert.deepEqual(ofControl.kubernetesServiceAccounts, [`${namespace}/${proxy.pod.serviceAccountName}`]);
      assert.equal(ofNode.behindProxy, true);
      const [link = ""] = ofNode.control;
      const { hostname, port } = new URL(link);
      const service = found(named("Service", hostname), hostname);
      assert.ok(ofControl.linkNames.includes(hostname));
      assert.deepEqual(
        service.spec?.ports?.map((each) => [`${each.port}`, each.targetPort]),
        [[port, "link"]],
      );
      assert.deepEqual(behind(service, workloads), [control]);
    });

    test("is an account: the tokens that nodes join with are for control, and control may ask about them", () => {
      const [control, proxy] = [workload("porthole-control"), workload("porthole-proxy")];
      const tokens = proxy.pod.volumes.flatMap(({ projected }) => projected?.sources ?? []);
      const [binding] = of("ClusterRoleBinding");

      assert.deepEqual(
        tokens.map(({ serviceAccountToken }) => serviceAccountToken?.audience),
        ["porthole"],
      );
      assert.equal(proxy.pod.automountServiceAccountToken, false);
      assert.equal(control.pod.automountServiceAccountToken, true);
      assert.deepEqual(binding?.subjects, [
        { kind: "ServiceAccount", name: control.pod.serviceAccountName, namespace },
      ]);
    });

    test("are names in one namespace, and that of the StatefulSet's Service", () => {
      const proxy = workload("porthole-proxy");
      const headless = found(
        named("Service", proxy.manifest.spec?.serviceName ?? ""),
        "the headless Service",
      );

      assert.equal(headless.spec?.clusterIP, "None");
      const clusterWide = ["ClusterRoleBinding", "Namespace"];
      for (const { kind, metadata } of manifests)
        assert.equal(
          metadata.namespace ?? "default",
          clusterWide.includes(kind) ? "default" : namespace,
          metadata.name,
        );
      assert.equal(
        new Set(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).size,
        manifests.length,
      );
    });

    test("holds to the restricted standard for pods, and writes into volumes alone", () => {
      for (const { pod, container } of workloads) {
        const { runAsNonRoot, runAsUser, seccompProfile } = pod.securityContext;
        assert.deepEqual(
          [runAsNonRoot, runAsUser, seccompProfile],
          [true, 10001, { type: "RuntimeDefault" }],
        );
        const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = container.securityContext;
        assert.deepEqual([allowPrivilegeEscalation, readOnlyRootFilesystem], [false, true]);
        assert.deepEqual(capabilities, { drop: ["ALL"] });
        assert.equal(pod.enableServiceLinks, false);
        const volumes = pod.volumes.map(({ name, ...source }) => [name, ...Object.keys(source)].join(" "));
        for (const volume of volumes) assert.match(volume, / (secret|configMap|projected|emptyDir)$/);
      }
      const [secret] = workload("porthole-control").pod.volumes.flatMap((volume) => volume.secret ?? []);
      assert.equal(secret?.defaultMode, 0o440);
    });

    test("leaves time to end, and pods to go on", () => {
      assert.equal(workload("porthole-control").manifest.spec?.replicas, 3);
      for (const each of workloads) {
        const { pod, container, name } = each;
        const [program, seconds] = container.lifecycle.preStop.exec.command;
        assert.equal(program, "sleep");
        const rest = pod.terminationGracePeriodSeconds - Number(seconds) - TIME_TO_END_S;
        const draining = environment(each)["PORTHOLE_PROXY_DRAIN_TIMEOUT"];
        assert.equal(draining !== undefined, name === "porthole-proxy");
        assert.ok(rest >= Number(draining ?? 0), name);
      }
      for (const { spec } of of("PodDisruptionBudget")) assert.equal(spec?.maxUnavailable, 1);
    });
  });

function found<Value>(value: Value | undefined, what: string): Value {
  assert.ok(value !== undefined, `there is no ${what}`);
  return value;
}

function labelsOf({ spec }: Manifest): Labels {
  const selector = spec?.podSelector ?? (spec?.selector as PodSelector | undefined);
  assert.ok(selector !== undefined, "there is no selector");
  return selector.matchLabels;
}

function behind({ spec }: Manifest, workloads: readonly Workload[]): readonly Workload[] {
  const selector = spec?.selector as Labels;
  return workloads.filter(({ labels }) => matches(selector, labels));
}

function chosenBy({ matchLabels }: PodSelector, workloads: readonly Workload[]): Workload {
  return found(
    workloads.find(({ labels }) => matches(matchLabels, labels)),
    JSON.stringify(matchLabels),
  );
}

function portsOf({ container }: Workload): Readonly<Record<string, number>> {
  return Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]));
}

function assertPort(workload: Workload, name: string | number): void {
  assert.ok(String(name) in portsOf(workload), `${workload.name} has no port ${name}`);
}

function assertPorts({ ports }: Rule, workload: Workload): void {
  for (const { port } of ports) assertPort(workload, port);
}

function assertMounted({ container, pod }: Workload, variable: string, path: string): void {
  const mount = container.volumeMounts.find(
    ({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`),
  );
  const volume = pod.volumes.find(
    ({ name }) => name === found(mount, `volume at ${path} for ${variable}`).name,
  );
  const file = path.split("/").at(-1) ?? "";
  const by =
    volume?.secret !== undefined
      ? `Secret ${volume.secret.secretName}`
      : volume?.configMap && `ConfigMap ${volume.configMap.name}`;
  if (by !== undefined) assert.ok(MADE_BY_HAND[by]?.includes(file), `${by} has no ${file}`);
  for (const { serviceAccountToken } of volume?.projected?.sources ?? [])
    assert.equal(serviceAccountToken?.path, file);
}

function pathsOf({ spec }: Manifest) {
  return (spec?.rules ?? []).flatMap(({ http }) => http.paths);
}

function sources(
  table: Readonly<Record<string, { readonly env: string }>>,
  env: Readonly<Record<string, string>>,
) {
  const known = Object.values(table).map((field) => field.env);
  for (const name of Object.keys(env)) assert.ok(known.includes(name), `${name} is no variable`);
  return { flags: {}, env, file: {} };
}
