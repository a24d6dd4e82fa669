import { assertEquals } from "@std/assert";
import { k8schainFromSecrets, type KubernetesSecret } from "@gcrane/gcrane/authn/k8schain";

/** Follows a pull secret that changes. */
export default async function (): Promise<void> {
  const secret = (username: string): KubernetesSecret => ({
    type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": btoa(JSON.stringify({ auths: { "r.example.com": { username, password: "p" } } })) },
  });
  const keychain = k8schainFromSecrets([secret("ann")]);
  const found = await keychain.resolve({ registry: "r.example.com", repository: "team/app" });
  assertEquals((await found.authorization()).username, "ann");
  keychain.update([secret("bob")]);
  assertEquals((await found.authorization()).username, "bob");
}
