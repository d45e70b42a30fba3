import { administrators, type Right } from "./rights-world.ts";

/** Where nobody answers. */
export const NO_KEYSTONE = {
  url: "https://127.0.0.1:1/v3",
  credentials: { applicationCredentialId: "porthole", secret: "not-to-be-told" },
} as const;

/** Those of the Keystone whose tokens are good. */
export const KEYSTONE_RIGHTS: readonly Right[] = [
  ["keystone.show", ({ services }, caller) => services.keystone.show(caller), administrators()],
  [
    "keystone.configure",
    ({ services }, caller) => services.keystone.configure(caller, NO_KEYSTONE),
    administrators(),
  ],
  [
    "keystone.test",
    async ({ services, admin }, caller) => {
      await services.keystone.configure(admin, NO_KEYSTONE);
      await services.keystone.test(caller);
    },
    administrators(),
  ],
  [
    "keystone.disable",
    async ({ services, admin }, caller) => {
      await services.keystone.configure(admin, NO_KEYSTONE);
      await services.keystone.disable(caller);
    },
    administrators(),
  ],
];
