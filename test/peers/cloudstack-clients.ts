import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";

/** For `test(…, { skip })`. */
export const lackingCloudStackClients = lacking("cs", "python3-libcloud");

/** Who calls, and where. */
export interface Credentials {
  readonly control: string;
  readonly apiKey: string;
  readonly secretKey: string;
}

export interface Outcome {
  readonly status: unknown;
  /** What the client printed, where that is JSON. */
  readonly json: unknown;
  readonly stderr: string;
}

/** Debian's `cs`, whose program is `cloudstack`: configured by its environment, as its manual says. */
export async function runCs(
  { control, apiKey, secretKey }: Credentials,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return await run("/usr/bin/cloudstack", args, {
    CLOUDSTACK_ENDPOINT: `${control}/client/api`,
    CLOUDSTACK_KEY: apiKey,
    CLOUDSTACK_SECRET: secretKey,
    ...environment,
  });
}

/** Python that has a CloudStack driver of Debian's libcloud as `driver`, and prints `answer` as JSON. */
export async function runLibcloud(
  { control, apiKey, secretKey }: Credentials,
  lines: readonly string[],
): Promise<Outcome> {
  const { hostname, port } = new URL(control);
  const program = [
    "import json, os",
    "from libcloud.compute.providers import get_driver",
    "from libcloud.compute.types import Provider, InvalidCredsError",
    "driver = get_driver(Provider.CLOUDSTACK)(key=os.environ['KEY'], secret=os.environ['SECRET'], secure=False,",
    "    host=os.environ['HOST'], port=int(os.environ['PORT']), path='/client/api')",
    ...lines,
    "print(json.dumps(answer))",
  ];
  const environment = { KEY: apiKey, SECRET: secretKey, HOST: hostname, PORT: port };
  return await run("/usr/bin/python3", ["-c", program.join("\n")], environment);
}

async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  // Nothing of this machine's own: neither a configuration file nor a proxy.
  await using child = await startProcess(program, args, { env: { HOME: "/nonexistent", ...env } });
  const status = await child.exited;
  return { status, json: parse(child.stdout.text), stderr: child.stderr.text };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
