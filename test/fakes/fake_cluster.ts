import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { KubernetesSecret } from "../../src/authn/kubernetes/mod.ts";

const testdata = (name: string) => readFileSync(new URL(`../testdata/runtime/${name}`, import.meta.url), "utf8");

/** The private authority that vouches for the API server, and a certificate of its for server and client. */
export const pem: Readonly<Record<"ca" | "cert" | "key", string>> = {
  ca: testdata("ca.pem"),
  cert: testdata("localhost.pem"),
  key: testdata("localhost.key"),
};

/** A pull secret of the newer type. */
export function pullSecret(auths: object): KubernetesSecret {
  return {
    type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": btoa(JSON.stringify({ auths })) },
  };
}

/** What the API answers instead of an object. */
export interface FakeFailure {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

/** An API server of Kubernetes as far as it is asked here, over TLS with a private authority, and the pod's files. */
export class FakeCluster {
  /** The objects by path below `/api/v1/namespaces/`: `team/secrets/regcred`. */
  readonly objects: Record<string, object> = {};
  /** What is answered in place of an object, by the same path. */
  readonly failures: Record<string, FakeFailure> = {};
  /** The token that is let in. */
  token = "token-1";
  /** The paths asked for, below `/api/v1/namespaces/`. */
  readonly asked: string[] = [];
  /** The authorization headers shown. */
  readonly shown: (string | undefined)[] = [];
  /** Whether requests are left without an answer. */
  hangs = false;
  readonly folder: string = mkdtempSync(join(tmpdir(), "gcrane-cluster-"));
  readonly #server: Server;
  readonly #options: ServerOptions;

  constructor(options: ServerOptions = {}) {
    this.#options = options;
    this.#server = createServer({ cert: pem.cert, key: pem.key, ...options }, (request, response) => {
      if (!this.hangs) this.#answer(request, response);
    });
  }

  /** Starts it, and writes what Kubernetes mounts into a pod. */
  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.write("pod/token", `${this.token}\n`);
    this.write("pod/ca.crt", pem.ca);
    this.write("pod/namespace", "team");
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The options of a client in a pod. */
  get inPod(): { environment: (name: string) => string | undefined; directory: string } {
    const variables: Record<string, string> = {
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: String(this.port),
    };
    return { environment: (name) => variables[name], directory: this.path("pod") };
  }

  /** Puts a service account with pull secrets and mount secrets into the namespace `team`. */
  account(name: string, pull: string[] = [], mount: string[] = []): void {
    const references = (names: string[]) => names.map((name) => ({ name }));
    this.objects[`team/serviceaccounts/${name}`] = {
      kind: "ServiceAccount",
      imagePullSecrets: references(pull),
      secrets: references(mount),
    };
  }

  /** Puts a pull secret for `registry.example.com` into the namespace `team`. */
  secret(name: string, username: string): void {
    const auths = { "registry.example.com": { username, password: "p" } };
    this.objects[`team/secrets/${name}`] = { kind: "Secret", ...pullSecret(auths) };
  }

  /** The absolute path of a file. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file, and gives its path. */
  write(name: string, content: string): string {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** Ends it and removes the files. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.folder, { recursive: true });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? "").replace("/api/v1/namespaces/", "");
    this.asked.push(path);
    this.shown.push(request.headers.authorization);
    const send = (status: number, body: string, headers: Record<string, string> = {}) =>
      void response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
    const refuse = (code: number, message: string) =>
      send(code, JSON.stringify({ kind: "Status", status: "Failure", message, code }));
    const failure = this.failures[path];
    if (failure) return send(failure.status, failure.body ?? "", failure.headers);
    const isKnown = this.#options.requestCert || request.headers.authorization === `Bearer ${this.token}`;
    if (!isKnown) return refuse(401, "Unauthorized");
    if (this.objects[path]) return send(200, JSON.stringify(this.objects[path]));
    const [, kind, name] = path.split("/");
    refuse(404, `${kind} "${name}" not found`);
  }
}

/** Runs a test with a cluster of its own. */
export async function inCluster(
  work: (cluster: FakeCluster) => Promise<void>,
  options: ServerOptions = {},
): Promise<void> {
  const cluster = await new FakeCluster(options).start();
  try {
    await work(cluster);
  } finally {
    await cluster.close();
  }
}

/** Waits for nothing between tries. */
export const atOnce = { wait: () => Promise.resolve() };
