import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import {
  anonymous,
  k8schain,
  k8schainFromSecrets,
  type K8schainFromSecretsOptions,
  type Keychain,
  type KubernetesClient,
} from "../../src/authn/k8schain/mod.ts";
import { AuthError } from "../../src/errors.ts";
import { FakeHome } from "./config_files.ts";
import { pullSecret } from "../fakes/fake_cluster.ts";

const ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const ACR = "team.azurecr.io";

async function user(keychain: Keychain, registry: string): Promise<string> {
  const found = await keychain.resolve({ registry, repository: "team/app" });
  if (found === anonymous) return "anonymous";
  const { username, identityToken } = await found.authorization();
  return identityToken ? `token ${identityToken}` : username ?? "";
}

const secretFor = (users: Record<string, string>) =>
  pullSecret(Object.fromEntries(Object.entries(users).map(([key, username]) => [key, { username, password: "p" }])));

/** A node that is signed in everywhere, by what it is given: nothing of the machine of the tests. */
function node(home: FakeHome): K8schainFromSecretsOptions & { asked: string[] } {
  const asked: string[] = [];
  const fetch = ((input: string | URL | Request) => {
    const { host } = new URL(input instanceof Request ? input.url : input);
    asked.push(host);
    return Promise.resolve(Response.json(
      host === ACR
        ? { refresh_token: "azure" }
        : { authorizationData: [{ authorizationToken: btoa("AWS:p"), expiresAt: 4e9 }] },
    ));
  }) as typeof globalThis.fetch;
  return {
    ...home.options,
    fetch,
    asked,
    google: { tokenSource: { getAccessToken: () => Promise.resolve("ya29") } },
    ecr: { credentials: { accessKeyId: "id", secretAccessKey: "key" } },
    acr: { credential: { getToken: () => Promise.resolve({ token: "entra", expiresOnTimestamp: 4e12 }) } },
  };
}

async function atHome(work: (home: FakeHome) => Promise<void>): Promise<void> {
  const home = new FakeHome();
  try {
    await work(home);
  } finally {
    home.remove();
  }
}

describe("k8schain", () => {
  it("looks at the pull secrets, docker's config, Google, ECR and ACR, in this order", () =>
    atHome(async (home) => {
      const secrets: Record<string, string> = {};
      const client: KubernetesClient = {
        serviceAccount: () => Promise.resolve({ imagePullSecrets: [{ name: "regcred" }] }),
        secret: () => Promise.resolve(secretFor(secrets)),
      };
      const options = node(home);
      const users = async () => {
        const keychain = k8schain({ ...options, client });
        const registries = ["gcr.io", "europe-docker.pkg.dev", ECR, ACR, "registry.example.com"];
        return await Promise.all(registries.map((registry) => user(keychain, registry)));
      };
      assertEquals(await users(), ["_token", "_token", "AWS", "token azure", "anonymous"]);
      const auths = { "gcr.io": { auth: btoa("docker:p") }, [ECR]: { auth: btoa("docker:p") } };
      home.write(".docker/config.json", { auths });
      assertEquals(await users(), ["docker", "_token", "docker", "token azure", "anonymous"]);
      Object.assign(secrets, { "gcr.io": "pod", [ACR]: "pod", "*.example.com": "pod" });
      assertEquals(await users(), ["pod", "_token", "docker", "pod", "pod"]);
    }));

  it("fails where the cluster fails, whoever else might know", () =>
    atHome(async (home) => {
      const fails = () => Promise.reject(new AuthError("the Kubernetes API forbids it"));
      const keychain = k8schain({ ...node(home), client: { serviceAccount: fails, secret: fails } });
      await assertRejects(() => user(keychain, "gcr.io"), AuthError, "forbids");
    }));

  it("takes the options of each part", () =>
    atHome(async (home) => {
      const asked: string[] = [];
      const client: KubernetesClient = {
        serviceAccount: (namespace, name) => Promise.resolve(void asked.push(`${namespace}/${name}`)),
        secret: (namespace, name) => Promise.resolve(void asked.push(`${namespace}/${name}`)),
      };
      const options = { ...node(home), namespace: "team", serviceAccountName: "builder", imagePullSecrets: ["x"] };
      assertEquals(await user(k8schain({ ...options, client }), "registry.example.com"), "anonymous");
      assertEquals(asked, ["team/builder", "team/x"]);
      home.write("docker/config.json", { auths: { "registry.example.com": { auth: btoa("other:p") } } });
      const docker = { environment: (name: string) => name === "DOCKER_CONFIG" ? home.path("docker") : undefined };
      assertEquals(await user(k8schain({ ...options, client, docker }), "registry.example.com"), "other");
    }));
});

describe("k8schainFromSecrets", () => {
  it("asks no cluster", () =>
    atHome(async (home) => {
      // A request would fail here, as no server listens.
      Object.assign(home.variables, { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: "1" });
      const options = node(home);
      const keychain = k8schainFromSecrets([secretFor({ "registry.example.com": "ann" })], options);
      assertEquals(await user(keychain, "registry.example.com"), "ann");
      assertEquals(await user(keychain, "other.example.com"), "anonymous");
      assertEquals(options.asked, []);
      assertEquals(await user(k8schainFromSecrets([], options), ECR), "AWS");
      assertEquals(options.asked, ["api.ecr.eu-west-1.amazonaws.com"]);
    }));

  it("follows new secrets, in what was found before too", () =>
    atHome(async (home) => {
      const registry = "registry.example.com";
      const keychain = k8schainFromSecrets([secretFor({ [registry]: "ann" })], node(home));
      const found = await keychain.resolve({ registry });
      assertEquals((await found.authorization()).username, "ann");
      keychain.update([secretFor({ [registry]: "bob" })]);
      assertEquals((await found.authorization()).username, "bob");
      assertEquals(await user(keychain, registry), "bob");
      home.write(".docker/config.json", { auths: { [registry]: { auth: btoa("docker:p") } } });
      keychain.update([]);
      assertEquals((await found.authorization()).username, "docker");
      home.write(".docker/config.json", {});
      keychain.update([secretFor({ "other.example.com": "bob" })]);
      assertEquals(await found.authorization(), {});
      assertStrictEquals(await keychain.resolve({ registry }), anonymous);
    }));

  it("keeps the secrets of before when new ones can't be understood", () =>
    atHome(async (home) => {
      const registry = "registry.example.com";
      const keychain = k8schainFromSecrets([secretFor({ [registry]: "ann" })], node(home));
      const broken = { type: "kubernetes.io/dockercfg", data: { ".dockercfg": btoa("no JSON") } };
      assertThrows(() => keychain.update([broken]), AuthError, "pull secret 1: .dockercfg: it is not JSON");
      assertEquals(await user(keychain, registry), "ann");
      assertThrows(() => k8schainFromSecrets([broken]), AuthError);
    }));
});
