/** HTTP/1.1 over one kept connection, one request at a time: the least that asking an API can cost. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export class HttpConnection {
  readonly #socket: Socket;
  #received = "";
  #waiting: { resolve: (body: string) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("error", (error) => this.#waiting?.reject(error));
    socket.on("close", () => this.#waiting?.reject(new Error("the API closed the connection")));
  }

  static async open(origin: string, from: string): Promise<HttpConnection> {
    const { hostname, port } = new URL(origin);
    const socket = connect({ host: hostname, port: Number(port), localAddress: from, noDelay: true });
    await once(socket, "connect");
    return new HttpConnection(socket);
  }

  /** Sends a whole request and resolves to the answer's body; throws unless the status is 200. */
  ask(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  [Symbol.dispose](): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #read(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf("\r\n\r\n");
    if (end === -1) return;
    const length = /^content-length: *(\d+)/im.exec(this.#received.slice(0, end))?.[1];
    if (length !== undefined && this.#received.length < end + 4 + Number(length)) return;
    const answer = this.#received;
    this.#received = "";
    if (length === undefined) this.#waiting?.reject(new Error(`an answer without Content-Length: ${answer}`));
    else if (answer.startsWith("HTTP/1.1 200 ")) this.#waiting?.resolve(answer.slice(end + 4));
    else this.#waiting?.reject(new Error(`the API refused: ${answer}`));
  }
}
