import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import * as crane from "../../src/crane/mod.ts";
import { basic } from "../../src/authn/mod.ts";
import { randomImage } from "../../src/image/mod.ts";
import { FakeCluster, pullSecret } from "../fakes/fake_cluster.ts";
import { runFile } from "../make/processes.ts";
import { FakeRegistry, fakeServer } from "../fakes/mod.ts";
import { peerIt, runPeer } from "../peers/mod.ts";
import { standardModules } from "../project/standard_modules.ts";

/** A pod: an API server with a certificate of the cluster's own authority, and a registry that requires credentials. */
interface Pod {
  readonly cluster: FakeCluster;
  /** An image in the registry. */
  readonly reference: string;
  readonly digest: string;
  /** What a process in the pod has in its environment. */
  readonly env: Record<string, string>;
}

async function inPod(work: (pod: Pod) => Promise<void>): Promise<void> {
  const cluster = await new FakeCluster().start();
  const registry = await fakeServer(new FakeRegistry({ auth: "basic" }).handle);
  try {
    const claims = btoa(JSON.stringify({ sub: "system:serviceaccount:team:builder" })).replace(/=+$/, "");
    cluster.token = `e30.${claims}.signature`;
    cluster.write("pod/token", cluster.token);
    cluster.account("default");
    cluster.account("builder", ["regcred", "gone"]);
    const auths = { [`127.0.0.1:${registry.port}/team`]: { auth: btoa("ann:s3cret") } };
    cluster.objects["team/secrets/regcred"] = { kind: "Secret", ...pullSecret(auths) };
    const reference = `127.0.0.1:${registry.port}/team/app:v1`;
    const keychain = { resolve: () => Promise.resolve(basic("ann", "s3cret")) };
    const pushed = await crane.push(randomImage({ seed: 1 }), reference, { keychain });
    const env = {
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: String(cluster.port),
      GCRANE_SERVICE_ACCOUNT_DIR: cluster.path("pod"),
      HOME: cluster.path("home"),
      DOCKER_CONFIG: cluster.path("docker"),
      KUBECONFIG: "",
      NO_COLOR: "1",
    };
    await work({ cluster, reference, digest: pushed.slice(pushed.indexOf("@") + 1), env });
  } finally {
    await registry.close();
    await cluster.close();
  }
}

describe("gcrane in a pod", { timeout: 120_000 }, () => {
  it("is signed in as the pod's service account", () =>
    inPod(async ({ reference, digest, env, cluster }) => {
      const refused = await runFile("cli/main.ts", ["digest", reference], { env });
      assertEquals([refused.code, refused.out], [1, ""]);
      assertMatch(refused.err, /^Error: .*401.*\n$/);
      const { code, out, err } = await runFile("cli/main.ts", ["digest", "--keychain", "kubernetes", reference], {
        env,
      });
      assertEquals([code, out, err], [0, `${digest}\n`, "Warning: the secret team/gone is not there\n"]);
      assertEquals([...cluster.asked].sort(), [
        "team/secrets/gone",
        "team/secrets/regcred",
        "team/serviceaccounts/builder",
      ]);
    }));

  it("says in one line what the cluster refuses, and no secret with --verbose either", () =>
    inPod(async ({ reference, env, cluster }) => {
      const body = JSON.stringify({ kind: "Status", message: 'secrets "regcred" is forbidden' });
      cluster.failures["team/secrets/regcred"] = { status: 403, body };
      const line = ["digest", "--keychain", "kubernetes:builder", reference];
      const { code, out, err } = await runFile("cli/main.ts", line, { env });
      assertEquals([code, out], [1, ""]);
      assertMatch(
        err,
        /^(Warning: .*\n)?Error: the Kubernetes API at .* forbids .*: secrets "regcred" is forbidden — .*\n$/,
      );
      const verbose = await runFile("cli/main.ts", ["-v", ...line], { env });
      assertEquals([verbose.code, verbose.err.includes(cluster.token)], [1, false]);
    }));

  it("does not trust a server that another authority vouches for", () =>
    inPod(async ({ reference, env, cluster }) => {
      cluster.write("pod/ca.crt", "");
      const line = ["digest", "--keychain", "kubernetes", reference];
      const { code, err } = await runFile("cli/main.ts", line, { env });
      assertEquals([code, cluster.asked], [1, []]);
      assertMatch(err, /^Error: the TLS certificate of the Kubernetes API at \S+ can't be trusted — .*ca\.crt.*\n$/);
    }));
});

describe("the library in a pod", { timeout: 60_000 }, () => {
  const line = (pod: Pod) => [pod.reference, "builder"];

  it("is signed in by k8schain", () =>
    inPod(async (pod) => {
      const { code, out, err } = await runFile("test/e2e/programs/pod.ts", line(pod), { env: pod.env });
      assertEquals([code, out, err], [0, `${pod.digest}\n`, "the secret team/gone is not there\n"]);
    }));

  peerIt("is so on Node.js", ["node 22.18"], () =>
    inPod(async (pod) => {
      const program = fileURLToPath(new URL("./programs/pod.ts", import.meta.url));
      const args = ["--import", standardModules(), program, ...line(pod)];
      assertEquals(await runPeer("node 22.18", args, { env: pod.env }), `${pod.digest}\n`);
    }));
});
