import { productVersion } from "#base/process/version.ts";
import type { Command } from "../command.ts";
import { CLOUDSTACK_VERSION } from "../version.ts";

/** What clients ask first: which CloudStack this is, and what of it there is. Of the features there are none. */
export const listCapabilities: Command = {
  name: "listCapabilities",
  access: "everybody",
  changesState: false,
  run: async () => ({
    capability: {
      cloudstackversion: CLOUDSTACK_VERSION,
      portholeversion: productVersion(),
      securitygroupsenabled: false,
      dynamicrolesenabled: false,
      supportELB: "false",
      userpublictemplateenabled: false,
      projectinviterequired: false,
      allowusercreateprojects: false,
      allowuserviewdestroyedvm: false,
      allowuserexpungerecovervm: false,
      kvmsnapshotenabled: false,
      kubernetesserviceenabled: false,
    },
  }),
};
