import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { createServer } from "node:http";
import { rmSync } from "node:fs";
import { describe, it } from "node:test";
import {
  anonymous,
  inClusterClient,
  type InClusterOptions,
  type Keychain,
  kubernetesKeychain,
  type KubernetesKeychainOptions,
  podServiceAccountName,
} from "../../../src/authn/kubernetes/mod.ts";
import { AuthError, GcraneError, NetworkError } from "../../../src/errors.ts";
import { atOnce, type FakeCluster, inCluster, pem } from "../../fakes/fake_cluster.ts";

const target = { registry: "registry.example.com", repository: "team/app" };

async function user(keychain: Keychain): Promise<string> {
  const found = await keychain.resolve(target);
  return found === anonymous ? "anonymous" : (await found.authorization()).username ?? "";
}

/** A keychain in a pod of the cluster. */
function inPod(
  cluster: FakeCluster,
  options: KubernetesKeychainOptions = {},
  client: InClusterOptions = {},
): Keychain {
  return kubernetesKeychain({ client: inClusterClient({ ...cluster.inPod, retry: atOnce, ...client }), ...options });
}

/** An empty keychain of a pod, and what it warned of. */
function warned(cluster: FakeCluster, options: KubernetesKeychainOptions = {}): { keychain: Keychain; said: string[] } {
  const said: string[] = [];
  return { keychain: inPod(cluster, { ...options, warn: (message) => said.push(message) }), said };
}

describe("kubernetesKeychain in a pod", () => {
  it("asks the API for the pull secrets of the default service account, over TLS that the cluster vouches for", () =>
    inCluster(async (cluster) => {
      cluster.account("default", ["regcred"]);
      cluster.secret("regcred", "ann");
      const keychain = inPod(cluster);
      assertEquals(cluster.asked, []);
      assertEquals(await user(keychain), "ann");
      assertEquals(cluster.asked, ["team/serviceaccounts/default", "team/secrets/regcred"]);
      assertEquals(cluster.shown, ["Bearer token-1", "Bearer token-1"]);
    }));

  it("asks once, however many resolve at once", () =>
    inCluster(async (cluster) => {
      cluster.account("default", ["regcred"]);
      cluster.secret("regcred", "ann");
      const keychain = inPod(cluster);
      assertEquals(await Promise.all(Array.from({ length: 5 }, () => user(keychain))), Array(5).fill("ann"));
      assertEquals(cluster.asked.length, 2);
    }));

  it("takes explicit pull secrets, then the service account's, then its mount secrets if asked", () =>
    inCluster(async (cluster) => {
      cluster.account("builder", ["pull"], ["mount"]);
      const of = (options: KubernetesKeychainOptions) =>
        user(inPod(cluster, { serviceAccountName: "builder", ...options }));
      cluster.secret("mount", "mount");
      cluster.objects["team/secrets/pull"] = { kind: "Secret", type: "Opaque" };
      assertEquals(await of({}), "anonymous");
      assertEquals(await of({ useMountSecrets: true }), "mount");
      cluster.secret("pull", "pull");
      assertEquals(await of({ useMountSecrets: true }), "pull");
      assertEquals(await of({ useMountSecrets: true, ignorePullSecrets: true }), "mount");
      cluster.secret("explicit", "explicit");
      assertEquals(await of({ imagePullSecrets: ["explicit", "pull"] }), "explicit");
      assertEquals(await of({ imagePullSecrets: ["pull", "explicit"] }), "pull");
      assertEquals(await of({ imagePullSecrets: ["explicit"], serviceAccountName: false }), "explicit");
      cluster.asked.length = 0;
      assertEquals(await of({ imagePullSecrets: ["pull"] }), "pull");
      assertEquals(cluster.asked, ["team/serviceaccounts/builder", "team/secrets/pull"]);
    }));

  it("takes the namespace that is asked for, the pod's own, or default", () =>
    inCluster(async (cluster) => {
      const { keychain } = warned(cluster, { namespace: "other" });
      assertEquals(await user(keychain), "anonymous");
      rmSync(cluster.path("pod/namespace"));
      assertEquals(await user(warned(cluster).keychain), "anonymous");
      assertEquals(cluster.asked, ["other/serviceaccounts/default", "default/serviceaccounts/default"]);
    }));

  it("warns of what is not there, and goes on", () =>
    inCluster(async (cluster) => {
      const none = warned(cluster, { serviceAccountName: "nobody" });
      assertEquals(await user(none.keychain), "anonymous");
      assertEquals(none.said, ["the service account team/nobody is not there"]);
      cluster.account("default", ["gone", "regcred"]);
      cluster.secret("regcred", "ann");
      const some = warned(cluster, { imagePullSecrets: ["lost"] });
      assertEquals(await user(some.keychain), "ann");
      assertEquals(some.said.sort(), ["the secret team/gone is not there", "the secret team/lost is not there"]);
      cluster.objects["team/serviceaccounts/bare"] = { kind: "ServiceAccount", imagePullSecrets: null };
      assertEquals(await user(inPod(cluster, { serviceAccountName: "bare" })), "anonymous");
    }));

  it("reads the token anew, and asks again when the answer is old", () =>
    inCluster(async (cluster) => {
      cluster.account("default", ["regcred"]);
      cluster.secret("regcred", "ann");
      let now = 0;
      const { keychain, said } = warned(cluster, { clock: () => now, durationMs: 1000 });
      const found = await keychain.resolve(target);
      assertEquals((await found.authorization()).username, "ann");
      cluster.secret("regcred", "bob");
      cluster.token = "token-2";
      cluster.write("pod/token", "token-2");
      now = 1000;
      assertEquals((await found.authorization()).username, "ann");
      now = 1001;
      assertEquals((await found.authorization()).username, "bob");
      assertEquals(await user(keychain), "bob");
      assertEquals(cluster.asked.length, 4);
      // An API that is away for a while does not stop a long copy.
      cluster.token = "token-3";
      now = 3000;
      assertEquals((await found.authorization()).username, "bob");
      assertEquals(said.length, 1);
      assertStringIncludes(said[0], "the pull secrets of before are used on: the Kubernetes API");
      cluster.write("pod/token", "token-3");
      cluster.secret("regcred", "carol");
      now = 5000;
      assertEquals((await found.authorization()).username, "carol");
    }));

  it("tries again after a failure", () =>
    inCluster(async (cluster) => {
      cluster.account("default", ["regcred"]);
      cluster.secret("regcred", "ann");
      cluster.failures["team/secrets/regcred"] = { status: 403 };
      const keychain = inPod(cluster);
      await assertRejects(() => user(keychain), AuthError);
      delete cluster.failures["team/secrets/regcred"];
      assertEquals(await user(keychain), "ann");
    }));

  it("ends only the wait of who does not want to wait any more", () =>
    inCluster(async (cluster) => {
      cluster.account("default", ["regcred"]);
      cluster.secret("regcred", "ann");
      const keychain = inPod(cluster);
      const controller = new AbortController();
      const waits = keychain.resolve(target, { signal: controller.signal });
      const other = user(keychain);
      controller.abort(new Error("enough"));
      await assertRejects(() => waits, Error, "enough");
      assertEquals(await other, "ann");
    }));
});

describe("podServiceAccountName", () => {
  const tokenOf = (claims: object) =>
    `e30.${btoa(JSON.stringify(claims)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}.sig`;

  it("is what the token says", () =>
    inCluster(async (cluster) => {
      cluster.write("pod/token", tokenOf({ sub: "system:serviceaccount:team:builder", odd: "~~~???" }));
      assertEquals(await podServiceAccountName(cluster.inPod), "builder");
      const environment = (name: string) => name === "GCRANE_SERVICE_ACCOUNT_DIR" ? cluster.path("pod") : undefined;
      assertEquals(await podServiceAccountName({ environment }), "builder");
    }));

  it("is not known without a token, or with one that says nothing of it", () =>
    inCluster(async (cluster) => {
      for (const token of ["", "opaque", "a.b.c", "a.%%%.c", tokenOf({ sub: "ann" }), tokenOf({})]) {
        cluster.write("pod/token", token);
        assertEquals(await podServiceAccountName(cluster.inPod), undefined);
      }
      assertEquals(await podServiceAccountName({ directory: cluster.path("nothing") }), undefined);
    }));
});

describe("a cluster that gives no credentials", () => {
  /** The error of a keychain, on one line with its hint. */
  async function failure(keychain: Keychain, type: typeof AuthError | typeof NetworkError): Promise<string> {
    const error = await assertRejects(() => keychain.resolve(target), GcraneError);
    assertInstanceOf(error, type);
    assertEquals(/\n/.test(error.message), false);
    return `${error.message} — ${error.hint}`;
  }

  it("because this is not a pod", async () => {
    const client = inClusterClient({ environment: () => undefined });
    assertEquals(
      await failure(kubernetesKeychain({ client }), AuthError),
      "this is not a pod of a Kubernetes cluster: KUBERNETES_SERVICE_HOST is not set — outside of a cluster use a kubeconfig file",
    );
  });

  it("because the pod has no service account", () =>
    inCluster(async (cluster) => {
      const directory = cluster.path("nothing");
      assertEquals(
        await failure(inPod(cluster, {}, { directory }), AuthError),
        `the pod has no service account: there is no ${directory}/token — is automountServiceAccountToken false for it or its service account?`,
      );
      assertEquals(cluster.asked, []);
    }));

  it("because the token is not known, or may not get secrets", () =>
    inCluster(async (cluster) => {
      cluster.account("default", ["regcred"]);
      cluster.failures["team/secrets/regcred"] = {
        status: 403,
        body: JSON.stringify({ kind: "Status", message: 'secrets "regcred" is forbidden:\nUser "x" cannot get it' }),
      };
      const place = `the Kubernetes API at 127.0.0.1:${cluster.port}`;
      assertEquals(
        await failure(inPod(cluster), AuthError),
        `${place} forbids reading /api/v1/namespaces/team/secrets/regcred (403): secrets "regcred" is forbidden: User "x" cannot get it — give the account a role with the verb get on secrets and serviceaccounts in that namespace`,
      );
      cluster.token = "another";
      const message = await failure(inPod(cluster), AuthError);
      assertStringIncludes(
        message,
        `${place} rejects the credentials for /api/v1/namespaces/team/serviceaccounts/default (401)`,
      );
      assertStringIncludes(message, cluster.path("pod/token"));
      assertEquals(message.includes("token-1"), false);
    }));

  it("because a secret is not what it says", () =>
    inCluster(async (cluster) => {
      cluster.account("default", ["regcred"]);
      const data = { ".dockerconfigjson": btoa("no JSON") };
      cluster.objects["team/secrets/regcred"] = { kind: "Secret", type: "kubernetes.io/dockerconfigjson", data };
      assertStringIncludes(
        await failure(inPod(cluster), AuthError),
        "the secret team/regcred: .dockerconfigjson: it is not JSON — ",
      );
    }));

  it("because the server is no API server", () =>
    inCluster(async (cluster) => {
      const path = "team/serviceaccounts/default";
      for (
        const [failed, words] of [
          [{ status: 404, body: "<h1>not here</h1>" }, "with 404 — is this the address"],
          [{ status: 200, body: "hello" }, "with something other than JSON — is this the address"],
          [{ status: 200, body: '["x"]' }, "with something other than JSON — is this the address"],
          [{ status: 302, headers: { location: "https://evil.example.com/" } }, "with 302 — is this the address"],
        ] as const
      ) {
        cluster.failures[path] = failed;
        assertStringIncludes(await failure(inPod(cluster), AuthError), words);
      }
    }));

  it("because a name would lead elsewhere", () =>
    inCluster(async (cluster) => {
      for (const options of [{ namespace: ".." }, { imagePullSecrets: ["a/../b"] }, { serviceAccountName: "A" }]) {
        const { keychain } = warned(cluster, options);
        assertStringIncludes(await failure(keychain, AuthError), "can't be the name of a namespace, secret or service");
      }
      assertEquals(cluster.asked.filter((path) => !path.startsWith("team/serviceaccounts/")), []);
    }));

  it("because it is busy for too long", () =>
    inCluster(async (cluster) => {
      const body = JSON.stringify({ kind: "Status", message: "etcd is away" });
      cluster.failures["team/serviceaccounts/default"] = { status: 503, body };
      assertStringIncludes(await failure(inPod(cluster), NetworkError), "with 503: etcd is away");
      assertEquals(cluster.asked.length, 3);
    }));

  it("because it can't be reached", () =>
    inCluster(async (cluster) => {
      const closed = await closedPort();
      const environment = (name: string) =>
        name === "KUBERNETES_SERVICE_PORT" ? String(closed) : cluster.inPod.environment(name);
      assertEquals(
        await failure(inPod(cluster, {}, { environment }), NetworkError),
        `the Kubernetes API at 127.0.0.1:${closed} can't be reached: connection refused — is the cluster running, and does the network let this machine reach it?`,
      );
    }));

  it("because it does not answer", () =>
    inCluster(async (cluster) => {
      cluster.hangs = true;
      const message = await failure(inPod(cluster, {}, { timeoutMs: 50, retry: { attempts: 1 } }), NetworkError);
      assertStringIncludes(message, "can't be reached: no answer within 50 ms — ");
    }));

  it("because nobody vouches for its certificate", () =>
    inCluster(async (cluster) => {
      rmSync(cluster.path("pod/ca.crt"));
      const message = await failure(inPod(cluster), NetworkError);
      assertStringIncludes(
        message,
        `the TLS certificate of the Kubernetes API at 127.0.0.1:${cluster.port} can't be trusted`,
      );
      assertStringIncludes(message, "ca.crt");
      assertEquals(cluster.asked, []);
    }));

  it("because its authority is none", () =>
    inCluster(async (cluster) => {
      for (const text of ["garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", pem.key]) {
        cluster.write("pod/ca.crt", text);
        assertEquals(
          await failure(inPod(cluster), AuthError),
          `${cluster.path("pod/ca.crt")} is not a certificate in PEM — it begins with -----BEGIN CERTIFICATE-----`,
        );
      }
      assertEquals(cluster.asked, []);
    }));
});

/** Returns a port of this machine without a listener. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  await new Promise((resolve) => server.close(resolve));
  return address.port;
}
