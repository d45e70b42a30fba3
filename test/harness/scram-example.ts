import type { ScramCrypto } from "#protocols/scram.ts";
import { scramCrypto } from "#proxy/scram-crypto.ts";

/** The example of RFC 7677 §3, with the account "user" and the password "pencil". */
export const NONCE = "rOprNGfwEbeRWgbNEkqO";
export const SERVER_NONCE = `${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`;
export const SERVER_FIRST = `r=${SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
export const CLIENT_FINAL = `c=biws,r=${SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`;
export const SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

/** What a node has, with the client's nonce of the example. */
export const exampleCrypto: ScramCrypto = { ...scramCrypto, nonce: () => NONCE };
