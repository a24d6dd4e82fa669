import { assertEquals } from "@std/assert";
import { kubernetesClient, kubernetesKeychain } from "@gcrane/gcrane/authn/kubernetes";

/** Reads the pull secrets of a service account from the API of a cluster. */
export default async function (): Promise<void> {
  const config = JSON.stringify({ auths: { "*.example.com": { username: "ann", password: "secret" } } });
  const answers: Record<string, unknown> = {
    "/api/v1/namespaces/team/serviceaccounts/builder": { imagePullSecrets: [{ name: "regcred" }] },
    "/api/v1/namespaces/team/secrets/regcred": {
      type: "kubernetes.io/dockerconfigjson",
      data: { ".dockerconfigjson": btoa(config) },
    },
  };
  const client = kubernetesClient(
    () => Promise.resolve({ server: "https://cluster.example.com", authorization: "Bearer token" }),
    { fetch: (input, init) => Promise.resolve(Response.json(answers[new URL(new Request(input, init).url).pathname])) },
  );
  const keychain = kubernetesKeychain({ client, namespace: "team", serviceAccountName: "builder" });
  const found = await keychain.resolve({ registry: "registry.example.com", repository: "team/app" });
  assertEquals((await found.authorization()).username, "ann");
}
