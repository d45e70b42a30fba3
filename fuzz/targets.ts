import type { Target } from "./target.ts";
import { authd } from "./targets/authd.ts";
import { commandAnswer } from "./targets/command-answer.ts";
import { httpConnect } from "./targets/http-connect.ts";
import { kubeVirtAnswer } from "./targets/kubevirt-answer.ts";
import { connection } from "./targets/libvirt-connection.ts";
import { rpc } from "./targets/libvirt-rpc.ts";
import { xml } from "./targets/libvirt-xml.ts";
import { proxmoxAnswer } from "./targets/proxmox-answer.ts";
import { handshakes } from "./targets/rfb-handshake.ts";
import { ra2 } from "./targets/rfb-ra2.ts";
import { snapshot } from "./targets/rfb-snapshot.ts";
import { webSocket } from "./targets/rfb-websocket.ts";
import { screenshot } from "./targets/screenshot.ts";
import { serialTelnet } from "./targets/serial-telnet.ts";
import { vsphereSoap } from "./targets/vsphere-soap.ts";
import { xapiAnswer } from "./targets/xapi-answer.ts";

/** Every parser of what hypervisors say. */
export const TARGETS: readonly Target[] = [
  ...handshakes,
  ra2,
  snapshot,
  webSocket,
  httpConnect,
  authd,
  serialTelnet,
  rpc,
  connection,
  xml,
  screenshot,
  commandAnswer,
  xapiAnswer,
  vsphereSoap,
  proxmoxAnswer,
  kubeVirtAnswer,
];

/** Throws an Error with the names that there are. */
export function findTarget(name: string): Target {
  const target = TARGETS.find((each) => each.name === name);
  if (target !== undefined) return target;
  throw new Error(`no target ${name}: there are ${TARGETS.map((each) => each.name).join(", ")}`);
}
