/** Where commands are taken from, and what they find. */
export interface CommandPlace {
  /** `undefined`: none is run. */
  readonly directory: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What a command complains about while it does what it was asked. */
  readonly onComplaint: (complaint: { readonly command: string; readonly said: string }) => void;
}

/** Of a hypervisor's address. */
export interface CommandAddress {
  readonly name: string;
  readonly target: string | undefined;
}

/** EXECUTABLE or EXECUTABLE:TARGET. Throws an Error that says what is wrong with it. */
export function parseCommandAddress(text: string): CommandAddress {
  const { name, target } = /^(?<name>[A-Za-z0-9][\w.-]{0,63})(?::(?<target>.+))?$/su.exec(text)?.groups ?? {};
  if (name === undefined)
    throw new Error(
      "must be EXECUTABLE or EXECUTABLE:TARGET, the executable a file in control's --command-drivers",
    );
  if (target !== undefined && /\p{Cc}/u.test(target)) throw new Error("the target has control characters");
  return { name, target };
}
