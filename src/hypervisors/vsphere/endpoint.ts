/** Where the API of a vCenter, or of an ESXi host, is asked. */
export interface VsphereEndpoint {
  readonly host: string;
  readonly port: number;
}

/** `https://HOST` or `https://HOST:PORT`. Throws an Error that says what is wrong with it. */
export function parseVsphereEndpoint(text: string): VsphereEndpoint {
  const url = URL.parse(text);
  if (url?.protocol !== "https:") throw new Error("must be https://HOST or https://HOST:PORT");
  if (url.username !== "" || url.password !== "")
    throw new Error("must name no account; it is among the credentials");
  if (!/^(\/|\/sdk\/?)$/.test(url.pathname) || url.search !== "" || url.hash !== "")
    throw new Error("must have no path");
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 443 : Number(url.port),
  };
}
