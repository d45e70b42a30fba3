import { unpack, unpackedPeer } from "./unpacked.mjs";

const SOURCES = ["scripts/setup/kubernetes-openapi.mjs", "scripts/setup/unpacked.mjs"];

/**
 * Kubernetes' own OpenAPI document, as Debian's sources of its OpenAPI library test with it, by which the tests' API server
 * judges what it is asked: .cache/kubernetes-openapi. Installed, it would bring a Go library.
 */
export function kubernetesOpenApi(root) {
  return unpackedPeer(root, {
    name: "kubernetes-openapi",
    title: "Unpacking Kubernetes' OpenAPI document",
    sources: SOURCES,
    build: async (folder) => await unpack(folder, ["golang-k8s-kube-openapi-dev"]),
  });
}
