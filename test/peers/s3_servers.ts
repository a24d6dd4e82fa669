import { AwsV4Signer } from "aws4fetch";
import { cephGateway } from "./ceph.ts";
import { pythonOfForky } from "./available.ts";
import { startServer } from "./server_process.ts";

/** An S3 that runs, with an empty bucket. */
export interface S3Server {
  /** The options of a store in its bucket. */
  readonly options: {
    readonly endpoint: string;
    readonly bucket: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  /** Sends a signed request; `path` starts with the bucket. */
  ask(method: string, path: string, body?: string): Promise<Response>;
  /** Returns its output so far. */
  logs(): string;
  /** Ends it and removes what it stored. */
  stop(): Promise<void>;
}

/** How {@linkcode moto} starts. */
export interface MotoOptions {
  /** The files of a certificate and its key, to serve HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Sends requests to it, trusting that certificate. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

const BUCKET = "images";

/** Starts moto's server: AWS's services in memory. It takes any key and checks no signature. */
export async function moto({ tls, fetch }: MotoOptions = {}): Promise<S3Server> {
  const port = /Running on https?:\/\/127\.0\.0\.1:(\d+)/;
  const server = await startServer("moto", {
    args: () => ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0", ...(tls ? ["-c", tls.cert, "-k", tls.key] : [])],
    env: pythonOfForky,
    isReady: ({ logs }) => port.test(logs()),
  });
  const endpoint = `${tls ? "https" : "http"}://127.0.0.1:${port.exec(server.logs())![1]}`;
  const keys = { accessKeyId: "MOTO", secretAccessKey: "any" };
  return await withBucket(server, { endpoint, bucket: BUCKET, ...keys }, fetch);
}

/** Starts Ceph's object gateway, on a cluster of one monitor and one disk in memory. */
export async function radosgw(): Promise<S3Server> {
  const keys = { accessKeyId: "GCRANE", secretAccessKey: "secret/of+radosgw" };
  const gateway = await cephGateway(keys);
  return await withBucket(gateway, { endpoint: gateway.url, bucket: BUCKET, ...keys });
}

async function withBucket(
  server: { logs(): string; stop(): Promise<void> },
  options: S3Server["options"],
  send: (url: string, init: RequestInit) => Promise<Response> = fetch,
): Promise<S3Server> {
  const ask = async (method: string, path: string, body?: string) => {
    const { endpoint, accessKeyId, secretAccessKey } = options;
    const url = `${endpoint}/${path}`;
    const signed = await new AwsV4Signer({ method, url, body, accessKeyId, secretAccessKey, service: "s3" }).sign();
    return await send(signed.url.href, { method, headers: signed.headers, body });
  };
  const made = await ask("PUT", options.bucket);
  const answer = await made.text();
  if (!made.ok) {
    await server.stop();
    throw new Error(`no bucket could be made: ${made.status} ${answer}`);
  }
  return { options, ask, logs: server.logs, stop: server.stop };
}
