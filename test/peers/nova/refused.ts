import { refusal } from "../../harness/test-viewer.ts";

/** As what somebody is turned away at a node's door: the status, and the code in its body. */
export async function readDiagnosis(url: string): Promise<readonly [status: number, code: string]> {
  const { status, body } = await refusal(url);
  const { error } = JSON.parse(body) as { readonly error: { readonly code: string } };
  return [status, error.code];
}
