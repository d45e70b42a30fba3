import assert from "node:assert/strict";
import type { Console, ConsoleRequest, Machine, NewMachine, Page, Session } from "#wire/api.ts";

/** A client of the native API, with the API key of one caller. */
export class NativeClient {
  readonly #control: string;
  readonly #authorization: string;

  constructor(
    control: string,
    { apiKey, secretKey }: { readonly apiKey: string; readonly secretKey: string },
  ) {
    this.#control = control;
    this.#authorization = `Basic ${Buffer.from(`${apiKey}:${secretKey}`).toString("base64")}`;
  }

  /** Fails with the whole answer when it is not a success. */
  async call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.#control}/api/v1/${path}`, {
      method,
      headers: {
        authorization: this.#authorization,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text === "" ? (undefined as Answer) : JSON.parse(text);
  }

  async addMachine(machine: NewMachine): Promise<Machine> {
    return await this.call("POST", "machines", machine);
  }

  async openConsole(machineId: string, request: ConsoleRequest = {}): Promise<Console> {
    return await this.call("POST", `machines/${machineId}/consoles`, request);
  }

  async session(id: string): Promise<Session> {
    return await this.call("GET", `sessions/${id}`);
  }

  async machines(): Promise<readonly Machine[]> {
    const page: Page<Machine> = await this.call("GET", "machines");
    return page.items;
  }
}
