// A fake Docker Engine, which records requests and sends scripted responses.

import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DockerEngine, type DockerEngineOptions } from "../../src/daemon/mod.ts";
import { inFolder } from "../make/folders.ts";

/** A request as the engine got it. */
export interface EngineRequest {
  /** Method, path and query: `GET /v1.41/images/a/json`. */
  readonly line: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What the engine answers; an object that is no bytes is sent as JSON. */
export interface EngineReply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array | readonly unknown[] | Readonly<Record<string, unknown>>;
}

/** An answer, or what makes one; if that gives none, it has written to the response itself. */
export type EngineAnswer =
  | EngineReply
  | ((request: EngineRequest, response: http.ServerResponse) => EngineReply | void | Promise<EngineReply | void>);

/** Answers by the request without the version of the API and the query: `GET /images/a/json`. Else it is a 404. */
export type EngineAnswers = Readonly<Record<string, EngineAnswer>>;

/** An engine that listens. */
export interface FakeEngine {
  /** `unix:///…`, or `tcp://127.0.0.1:…`. */
  readonly host: string;
  /** What it was asked so far. */
  readonly seen: readonly EngineRequest[];
  /** The lines of what it was asked, pings left out. */
  lines(): string[];
  /** A client for it, which knows no environment. */
  client(options?: DockerEngineOptions): DockerEngine;
}

/** How the engine listens. */
export interface FakeEngineOptions {
  /** On TCP, not on a socket. */
  tcp?: boolean;
  /** With TLS, on TCP. */
  tls?: https.ServerOptions;
}

/** What engines answer to a ping. */
export function pong(apiVersion: string): EngineReply {
  return { headers: { "api-version": apiVersion, server: "Fake/1 (linux)" }, body: "OK" };
}

/** What engines answer to a load: JSON, one object on a line. */
export function messages(...lines: object[]): EngineReply {
  return {
    headers: { "content-type": "application/json" },
    body: lines.map((line) => `${JSON.stringify(line)}\r\n`).join(""),
  };
}

/** Runs a test with an engine, which is gone afterwards. */
export async function withEngine(
  answers: EngineAnswers,
  test: (engine: FakeEngine) => Promise<void>,
  options: FakeEngineOptions = {},
): Promise<void> {
  const all: EngineAnswers = { "GET /_ping": pong("1.41"), ...answers };
  const seen: EngineRequest[] = [];
  const handler: http.RequestListener = async (incoming, response) => {
    const body = await bodyOf(incoming);
    const request = { line: `${incoming.method} ${incoming.url}`, headers: incoming.headers, body };
    seen.push(request);
    const answer = all[request.line.replace(/ \/v\d+\.\d+\//, " /").replace(/\?.*/, "")];
    const reply = typeof answer === "function" ? await answer(request, response) : answer ?? notFound;
    if (reply) send(reply, response);
  };
  const server = options.tls ? https.createServer(options.tls, handler) : http.createServer(handler);
  await inFolder(async (folder) => {
    const socket = options.tcp || options.tls ? undefined : join(folder, "engine.sock");
    await new Promise<void>((resolve) =>
      socket ? server.listen(socket, resolve) : server.listen(0, "127.0.0.1", resolve)
    );
    const host = socket ? `unix://${socket}` : `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await test({
        host,
        seen,
        lines: () => seen.map(({ line }) => line).filter((line) => line !== "GET /_ping"),
        client: (more = {}) => new DockerEngine({ host, environment: () => undefined, ...more }),
      });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
}

const notFound: EngineReply = { status: 404, body: { message: "page not found" } };

function bodyOf(incoming: http.IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  return new Promise((resolve) => {
    incoming.on("error", () => {});
    incoming.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    incoming.on("end", async () => resolve(await new Blob(chunks as BlobPart[]).bytes()));
  });
}

function send({ status = 200, headers, body = "" }: EngineReply, response: http.ServerResponse): void {
  const isJson = typeof body === "object" && !(body instanceof Uint8Array);
  const bytes = isJson ? JSON.stringify(body) : body;
  response.writeHead(status, { "content-type": isJson ? "application/json" : "text/plain", ...headers }).end(bytes);
}
