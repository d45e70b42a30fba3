import { ANSWERS, type Asked } from "#hypervisors/proxmox/answers.ts";
import { addressOf } from "#hypervisors/proxmox/machine-address.ts";
import { messageOf, readAnswer } from "#hypervisors/proxmox/read-answer.ts";
import { ascii, type Target } from "../target.ts";
import { told } from "./told.ts";

const ASKED = Object.keys(ANSWERS) as Asked[];

/** What Proxmox VE answers, by the first byte of an input to what. It is read once it is whole. */
export const proxmoxAnswer: Target = {
  name: "proxmox-answer",
  words: ascii(
    ...['{"data":', "null}", "[]}", '{"data":[{"vmid":100,"type":"qemu","node":"pve1"}]}', '"message":"'],
    ...[
      '"meta":"ctime=1"',
      '"smbios1":"uuid=',
      '"ticket":"x","port":"5900"',
      "1e999",
      "\\ud800",
      '"__proto__":{}',
    ],
  ),
  maxBytes: 64 * 1024,
  run(input) {
    const body = input.subarray(1);
    const read = readAnswer(ASKED[(input[0] ?? 0) % ASKED.length] ?? "config", body);
    const config = readAnswer("config", body);
    return told([
      read,
      messageOf({ reason: "", body }),
      "data" in config ? addressOf(100, config.data) : "none",
    ]);
  },
};
