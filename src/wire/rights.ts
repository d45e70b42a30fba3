/** What a viewer leg may do to the machine. Seeing the screen is what a ticket is for, so it is not among them. */
export interface Rights {
  /** Keys and pointer. */
  readonly input: boolean;
  /** Clipboard text from the viewer into the machine. */
  readonly clipboardIn: boolean;
  /** Changing the size of the machine's screen. */
  readonly resize: boolean;
  /** Power commands in the console's protocol (RFB's xvp). */
  readonly power: boolean;
}

export const ALL_RIGHTS: Rights = { input: true, clipboardIn: true, resize: true, power: true };
export const VIEW_ONLY: Rights = { input: false, clipboardIn: false, resize: false, power: false };

export function isViewOnly(rights: Rights): boolean {
  return !(rights.input || rights.clipboardIn || rights.resize || rights.power);
}
