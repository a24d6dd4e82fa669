import { type Agent, type IncomingHttpHeaders, request } from "node:http";

/** Connections that are kept open. */
export type Connections = Agent;

/** Sends a request and reads the answer to its end. @throws {Error} on a status of 400 or more. */
export function ask(
  connections: Connections,
  asked: { method: string; url: string; body?: Uint8Array; headers?: Record<string, string> },
): Promise<{ headers: IncomingHttpHeaders; size: number }> {
  const { method, url, body, headers } = asked;
  return new Promise((resolve, reject) => {
    const length = { "content-length": String(body?.length ?? 0) };
    const sent = request(url, { agent: connections, method, headers: { ...headers, ...length } }, (response) => {
      let size = 0;
      response.on("data", (chunk: Uint8Array) => size += chunk.length);
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode = 0 } = response;
        if (statusCode < 400) resolve({ headers: response.headers, size });
        else reject(new Error(`${method} ${url} was answered with ${statusCode}`));
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
