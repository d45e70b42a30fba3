import { authdConnect, authdSignIn, authdWelcome } from "#protocols/mks/authd.ts";
import { ascii, type Target } from "../target.ts";
import { converse } from "./sequence.ts";

/** What an ESXi host's authd says before a machine has the connection; TLS, which comes in between, is left out. */
export const authd: Target = {
  name: "mks-authd",
  words: ascii(
    ...["220 ", "331 ", "230 ", "200 ", "530 ", "421 ", "220-", "\r\n", "\n", "\r", "\r\r\n", ":"],
    "A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D",
    "220 VMware Authentication Daemon Version 1.10: SSL Required\r\n",
  ),
  maxBytes: 16 * 1024,
  run: (input, cut) =>
    converse(input, cut, function* (send) {
      yield* authdWelcome();
      yield* authdSignIn("52-1e", send);
      return yield* authdConnect({ nonce: "AAAA", cfgFile: "/x.vmx" }, send);
    }),
};
