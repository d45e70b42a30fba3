/** What a front proxy has put before the paths of a node, such as `/console`; without a slash at its end. */
export const PUBLIC_PATH = "^(?:/(?!\\.{1,2}(?:/|$))[A-Za-z0-9._~-]{1,64}){1,4}$";

const pattern = new RegExp(PUBLIC_PATH);

export function isPublicPath(text: string): boolean {
  return pattern.test(text);
}

/** Reads what an operator gives, with a slash at its end or not. Throws an Error that says what is wrong with it. */
export function parsePublicPath(text: string): string {
  const path = text.replace(/\/$/, "");
  if (!isPublicPath(path))
    throw new Error("must be a path such as /console, of letters, digits and -._~ alone");
  return path;
}
