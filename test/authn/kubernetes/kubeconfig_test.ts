import { assertEquals, assertFalse, assertRejects, assertStringIncludes } from "@std/assert";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  anonymous,
  type Keychain,
  kubeconfigClient,
  type KubeconfigOptions,
  kubernetesKeychain,
} from "../../../src/authn/kubernetes/mod.ts";
import { AuthError } from "../../../src/errors.ts";
import { atOnce, type FakeCluster, inCluster, pem } from "../../fakes/fake_cluster.ts";

const SECRET = "s3cret-that-nobody-may-see";

async function user(keychain: Keychain): Promise<string> {
  const found = await keychain.resolve({ registry: "registry.example.com" });
  return found === anonymous ? "anonymous" : (await found.authorization()).username ?? "";
}

/** A kubeconfig in YAML for a cluster, whose user is given line by line. */
function yaml({ port }: FakeCluster, userLines: readonly string[], clusterLines: readonly string[] = []): string {
  return `apiVersion: v1
kind: Config
current-context: here
preferences: {}
contexts:
- name: elsewhere
  context: {cluster: none, user: nobody}
- context:
    cluster: fake
    user: "me"
    namespace: team
  name: here
clusters:
- cluster:
    server: https://127.0.0.1:${port}/
${clusterLines.map((line) => `    ${line}`).join("\n") || `    certificate-authority-data: ${btoa(pem.ca)}`}
  name: fake
users:
- name: me
  user:
${userLines.map((line) => `    ${line}`).join("\n") || "    {}"}
`;
}

/** The keychain of a kubeconfig file with nothing else around. */
function byFile(file: string | undefined, options: KubeconfigOptions = {}): Keychain {
  const client = kubeconfigClient({ file, environment: () => undefined, home: "", retry: atOnce, ...options });
  return kubernetesKeychain({ client });
}

function ready(cluster: FakeCluster): void {
  cluster.account("default", ["regcred"]);
  cluster.secret("regcred", "ann");
}

describe("kubeconfigClient", () => {
  it("signs in with a token, in the context's namespace", () =>
    inCluster(async (cluster) => {
      ready(cluster);
      const file = cluster.write("config", yaml(cluster, ["token: token-1"]));
      assertEquals(await user(byFile(file)), "ann");
      assertEquals(cluster.asked, ["team/serviceaccounts/default", "team/secrets/regcred"]);
    }));

  it("reads tokens and certificates from files beside it, and JSON", () =>
    inCluster(async (cluster) => {
      ready(cluster);
      cluster.write("pki/token", "token-1\n");
      cluster.write("pki/ca.pem", pem.ca);
      const file = cluster.write(
        "config",
        yaml(cluster, ["tokenFile: pki/token"], ["certificate-authority: pki/ca.pem"]),
      );
      assertEquals(await user(byFile(file)), "ann");
      const json = cluster.write(
        "json",
        JSON.stringify({
          "current-context": "c",
          contexts: [{ name: "c", context: { cluster: "c", user: "u", namespace: "team" } }],
          clusters: [{
            name: "c",
            cluster: { server: `https://127.0.0.1:${cluster.port}`, "insecure-skip-tls-verify": true },
          }],
          users: [{ name: "u", user: { token: "token-1" } }],
        }),
      );
      assertEquals(await user(byFile(json)), "ann");
    }));

  it("signs in with a client's certificate", () =>
    inCluster(async (cluster) => {
      ready(cluster);
      const lines = [`client-certificate-data: ${btoa(pem.cert)}`, `client-key-data: ${btoa(pem.key)}`];
      assertEquals(await user(byFile(cluster.write("config", yaml(cluster, lines)))), "ann");
      assertEquals(cluster.shown, [undefined, undefined]);
    }, { ca: pem.ca, requestCert: true, rejectUnauthorized: true }));

  it("signs in with a certificate that an exec plugin gives", () =>
    inCluster(async (cluster) => {
      ready(cluster);
      const status = { clientCertificateData: pem.cert, clientKeyData: pem.key };
      const answer = cluster.write("answer", JSON.stringify({ status }));
      const lines = [
        "exec:",
        "  apiVersion: client.authentication.k8s.io/v1",
        "  command: cat",
        `  args: ["${answer}"]`,
      ];
      assertEquals(await user(byFile(cluster.write("config", yaml(cluster, lines)))), "ann");
    }, { ca: pem.ca, requestCert: true, rejectUnauthorized: true }));

  it("signs in with a name and a password", () =>
    inCluster(async (cluster) => {
      await assertRejects(
        () => user(byFile(cluster.write("config", yaml(cluster, ["username: ann", `password: ${SECRET}`])))),
        AuthError,
        "401",
      );
      assertEquals(cluster.shown, [`Basic ${btoa(`ann:${SECRET}`)}`]);
    }));

  it("runs an exec plugin, and again when what it gave expires", () =>
    inCluster(async (cluster) => {
      ready(cluster);
      const log = cluster.path("log");
      const plugin = cluster.write(
        "bin/plugin",
        `#!/bin/sh
echo "$1 $EXTRA $KUBERNETES_EXEC_INFO" >> '${log}'
echo '{"kind":"ExecCredential","status":{"token":"token-1","expirationTimestamp":"'$UNTIL'"}}'
`,
      );
      chmodSync(plugin, 0o755);
      const lines = (until: string) => [
        "exec:",
        "  apiVersion: client.authentication.k8s.io/v1",
        "  command: ./bin/plugin",
        "  args: [get-token]",
        "  env:",
        "  - {name: EXTRA, value: more}",
        `  - {name: UNTIL, value: "${until}"}`,
      ];
      const calls = () => existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
      assertEquals(await user(byFile(cluster.write("config", yaml(cluster, lines("2999-01-01T00:00:00Z"))))), "ann");
      assertEquals(calls().length, 1);
      assertStringIncludes(
        calls()[0],
        'get-token more {"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential"',
      );
      assertStringIncludes(calls()[0], `"server":"https://127.0.0.1:${cluster.port}/"`);
      assertEquals(await user(byFile(cluster.write("config", yaml(cluster, lines("2020-01-01T00:00:00Z"))))), "ann");
      // Once for the namespace, the service account and the secret.
      assertEquals(calls().length, 4);
    }));

  it("takes another context, and the files that $KUBECONFIG lists as one", () =>
    inCluster(async (cluster) => {
      ready(cluster);
      const whole = yaml(cluster, ["token: token-1"]);
      const first = cluster.write("a/config", "current-context: elsewhere\n");
      const second = cluster.write("b/config", whole);
      const variable = (name: string) =>
        name === "KUBECONFIG" ? `${cluster.path("none")}::${first}:${second}` : undefined;
      assertEquals(await user(byFile(undefined, { environment: variable, context: "here" })), "ann");
      await assertRejects(
        () => user(byFile(undefined, { environment: variable })),
        AuthError,
        `${first} and ${second} has no cluster "none"`,
      );
      cluster.write(".kube/config", whole);
      assertEquals(await user(byFile(undefined, { home: cluster.folder })), "ann");
      assertEquals(await user(kubernetesKeychain({ environment: variable, kubeconfig: second })), "ann");
    }));

  it("comes before the pod where $KUBECONFIG is set", () =>
    inCluster(async (cluster) => {
      ready(cluster);
      const file = cluster.write("config", yaml(cluster, ["token: token-1"]));
      const environment = (name: string) => name === "KUBECONFIG" ? file : cluster.inPod.environment(name);
      assertEquals(await user(kubernetesKeychain({ environment })), "ann");
    }));

  it("says what is wrong, where, and no secret", () =>
    inCluster(async (cluster) => {
      const file = cluster.path("config");
      const failing = cluster.write("bin/failing", `#!/bin/sh\necho '${SECRET}'; echo '${SECRET}' >&2; exit 3\n`);
      const babbling = cluster.write("bin/babbling", `#!/bin/sh\necho '{"status":{"tokn":"${SECRET}"}}'\n`);
      chmodSync(failing, 0o755);
      chmodSync(babbling, 0o755);
      const exec = (command: string, ...more: string[]) =>
        yaml(cluster, ["exec:", "  apiVersion: client.authentication.k8s.io/v1", `  command: ${command}`, ...more]);
      const cases: [string, string][] = [
        [`token: "${SECRET}`, `${file}: it is not YAML`],
        [`- ${SECRET}`, `${file}: it is not a kubeconfig`],
        ["kind: Config", `${file} names no current-context`],
        ["current-context: lost", `${file} has no context "lost"`],
        [yaml(cluster, []).replace("cluster: fake", "cluster: 7"), `${file}: context here: "cluster" is not a text`],
        [
          yaml(cluster, []).replace(/https:\S+/, "ftp://x"),
          `${file}: cluster fake: "server" is not the URL of an API server`,
        ],
        [yaml(cluster, [], ["proxy-url: socks5://x"]), `${file}: cluster fake: "proxy-url" is not supported`],
        [yaml(cluster, ["auth-provider: {name: gcp}"]), `${file}: user me: "auth-provider" is not supported`],
        [
          yaml(cluster, ["tokenFile: gone"]),
          `${file}: user me: "tokenFile" names ${cluster.path("gone")}, which is not there`,
        ],
        [yaml(cluster, ["client-key-data: '%'"]), `${file}: user me: "client-key-data" is not base64`],
        [
          yaml(cluster, [`client-key-data: ${btoa(SECRET)}`]),
          `${file}: user me: "client-key-data" is not a private key in PEM`,
        ],
        [
          yaml(cluster, [], [`certificate-authority: ${cluster.write("ca.pem", SECRET)}`]),
          `${cluster.path("ca.pem")} is not a certificate in PEM`,
        ],
        [yaml(cluster, ["exec: {command: x}"]), `${file}: user me: "exec" is not a command with its apiVersion`],
        [
          exec("no-such-plugin", "  installHint: get it at example.com"),
          `${file}: user me: no-such-plugin is not there`,
        ],
        [exec(failing), `${file}: user me: ${failing} failed with exit code 3`],
        [
          exec(babbling),
          `${file}: user me: ${babbling} did not answer with an ExecCredential that has a token or a certificate`,
        ],
      ];
      for (const [text, message] of cases) {
        cluster.write("config", text);
        const error = await assertRejects(() => user(byFile(file)), AuthError);
        assertEquals(error.message, message);
        assertFalse(`${error.stack} ${error.cause} ${error.hint}`.includes(SECRET), message);
      }
      assertEquals(cluster.asked, []);
    }));

  it("is not asked with a token that no header can carry", () =>
    inCluster(async (cluster) => {
      const file = cluster.path("config");
      for (const token of ["s3c\\r\\nret", "s3cr\u00e9t", "s3cret\u2713"]) {
        cluster.write("config", yaml(cluster, [`token: "${token}"`]));
        const error = await assertRejects(() => user(byFile(file)), AuthError);
        assertEquals(
          error.message,
          `the credentials for the Kubernetes API at 127.0.0.1:${cluster.port} have characters that no header can carry`,
        );
        assertFalse(inspect(error).includes("s3c"));
      }
      assertEquals(cluster.asked, []);
    }));

  it("says so where there is none", () =>
    inCluster(async (cluster) => {
      const error = await assertRejects(() => user(byFile(undefined, { home: cluster.folder })), AuthError);
      const path = cluster.path(".kube/config");
      assertEquals(error.message, `there is no Kubernetes cluster to ask: this is not a pod, and ${path} is not there`);
    }));
});
