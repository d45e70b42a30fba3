import { ANSWERS, type Asked } from "#hypervisors/kubevirt/answers.ts";
import { addressOf, toKnown } from "#hypervisors/kubevirt/machine.ts";
import { messageOf, readAnswer } from "#hypervisors/kubevirt/read-answer.ts";
import { SeenMachines } from "#hypervisors/kubevirt/seen.ts";
import { ascii, type Target } from "../target.ts";
import { told } from "./told.ts";

const ASKED = Object.keys(ANSWERS) as Asked[];

/** What a cluster with KubeVirt answers, by the first byte of an input to what. It is read once it is whole, or one line of a watch is. */
export const kubeVirtAnswer: Target = {
  name: "kubevirt-answer",
  words: ascii(
    ...[
      '"metadata":{',
      '"name":"web","namespace":"shop","uid":"u","resourceVersion":"1"',
      '"items":[',
      "null",
    ],
    ...[
      '"status":{"printableStatus":"Running"}',
      '"status":{"phase":"Running"}',
      '{"type":"BOOKMARK","object":{',
    ],
    ...['"ownerReferences":[{"kind":"VirtualMachine","name":"web","uid":"u"}]', '"continue":"x"', "\\ud800"],
  ),
  maxBytes: 64 * 1024,
  run(input) {
    const body = input.subarray(1);
    const read = readAnswer(ASKED[(input[0] ?? 0) % ASKED.length] ?? "machine", body);
    const [machine, instance] = [readAnswer("machine", body), readAnswer("instance", body)];
    const event = readAnswer("event", body);
    const seen = new SeenMachines(() => {});
    if ("answer" in event && event.answer.type !== "BOOKMARK" && event.answer.type !== "ERROR") {
      for (const kind of ["machines", "instances"] as const) seen.put(kind, event.answer.object);
      seen.begin();
      seen.remove("instances", event.answer.object);
      seen.stop();
    }
    return told([
      read,
      messageOf(body),
      "answer" in machine ? addressOf(machine.answer) : "none",
      toKnown({
        machine: "answer" in machine ? machine.answer : undefined,
        instance: "answer" in instance ? instance.answer : undefined,
      }),
    ]);
  },
};
