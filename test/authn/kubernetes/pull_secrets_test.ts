import { assert, assertEquals, assertFalse, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import {
  anonymous,
  keychainFromPullSecrets,
  type KubernetesSecret,
  parseSecretManifest,
} from "../../../src/authn/kubernetes/mod.ts";
import { keychainFromPullSecrets as fromAuthn } from "../../../src/authn/mod.ts";
import { AuthError } from "../../../src/errors.ts";
import { assertRejects } from "@std/assert";
import { pullSecret } from "../../fakes/fake_cluster.ts";

const SECRET = "s3cret-that-nobody-may-see";

/** The user that a keychain finds for `registry/repository`. */
async function user(secrets: KubernetesSecret[], registry: string, repository?: string): Promise<string> {
  const found = await keychainFromPullSecrets(secrets).resolve({ registry, repository });
  return found === anonymous ? "anonymous" : (await found.authorization()).username ?? "";
}

/** A pull secret whose users are the keys. */
const keyed = (...keys: string[]) =>
  pullSecret(Object.fromEntries(keys.map((key) => [key, { username: key, password: "p" }])));

describe("keychainFromPullSecrets", () => {
  it("is exported with the other keychains too", () => assertStrictEquals(fromAuthn, keychainFromPullSecrets));

  it("reads both types of secrets, and no others", async () => {
    const old = btoa('{"a.example.com":{"auth":"' + btoa("old:p") + '"}}');
    assertEquals(
      await user([{ type: "kubernetes.io/dockercfg", data: { ".dockercfg": old } }], "a.example.com"),
      "old",
    );
    assertEquals(await user([{ ...keyed("a.example.com"), type: "Opaque" }], "a.example.com"), "anonymous");
    assertEquals(
      await user([{ ...keyed("a.example.com"), type: "kubernetes.io/dockercfg" }], "a.example.com"),
      "anonymous",
    );
    const { data, ...rest } = keyed("a.example.com");
    assertEquals(
      await user([rest, { ...rest, data: null }, { ...rest, data: { ".dockerconfigjson": "" } }], "x.y"),
      "anonymous",
    );
    const wrapped = { ".dockerconfigjson": data![".dockerconfigjson"].replace(/.{10}/g, "$&\n") };
    assertEquals(await user([{ ...rest, data: wrapped }], "a.example.com"), "a.example.com");
    const stringData = { ".dockerconfigjson": '{"auths":{"a.example.com":{"username":"plain"}}}' };
    assertEquals(await user([{ ...rest, data, stringData }], "a.example.com"), "plain");
  });

  it("takes the longer of two keys that begin alike, and the first secret's of two that are the same", async () => {
    const secrets = [
      keyed("r.example.com", "r.example.com/team"),
      pullSecret({ "r.example.com": { username: "later" } }),
    ];
    assertEquals(await user(secrets, "r.example.com", "team/app"), "r.example.com/team");
    assertEquals(await user(secrets, "r.example.com", "other"), "r.example.com");
    assertEquals(await user(secrets, "r.example.com"), "r.example.com");
  });

  it("wants ports to be equal, and as many labels", async () => {
    assertEquals(await user([keyed("r.example.com")], "r.example.com:443"), "anonymous");
    assertEquals(await user([keyed("*.example.com:5000")], "r.example.com:5000", "a"), "*.example.com:5000");
    assertEquals(await user([keyed("*.example.com")], "a.b.example.com"), "anonymous");
    assertEquals(await user([keyed("[::1]:5000")], "[::1]:5000", "a"), "[::1]:5000");
    assertEquals(await user([keyed("[::1]")], "[::2]", "a"), "anonymous");
  });

  it("knows the wildcards of shells within a label", async () => {
    for (const key of ["r?gistry.*.com", "r[a-f]gistry.example.com", "r[^x]gistry.example.com", "\\registry.e*e.com"]) {
      // A question mark begins a query, as in any URL: what is before it counts.
      const expected = key.includes("?") ? "anonymous" : key;
      assertEquals(await user([keyed(key)], "registry.example.com", "a"), expected, key);
    }
    for (
      const key of [
        "r[g-z]gistry.example.com",
        "r[^e]gistry.example.com",
        "r[egistry.example.com",
        "r[]gistry.example.com",
      ]
    ) {
      assertEquals(await user([keyed(key)], "registry.example.com", "a"), "anonymous", key);
    }
    for (const key of ["r[a-]gistry.example.com", "r[z-a]gistry.example.com", "registry.example.com\\", "r[\\e-]"]) {
      assertEquals(await user([keyed(key)], "registry.example.com", "a"), "anonymous", key);
    }
    assertEquals(await user([keyed("r[\\e]gistry.example.com")], "registry.example.com"), "r[\\e]gistry.example.com");
  });

  it("keeps the secret in a closure", async () => {
    const found = await keychainFromPullSecrets([
      pullSecret({ "a.example.com": { username: "ann", password: SECRET } }),
    ])
      .resolve({ registry: "a.example.com" });
    assertFalse(JSON.stringify(found).includes(SECRET));
    assertEquals(await found.authorization(), { username: "ann", password: SECRET });
  });

  it("says which secret can't be understood, and nothing of what is in it", () => {
    const metadata = { name: "regcred", namespace: "team" };
    const type = "kubernetes.io/dockerconfigjson";
    const of = (text: string): KubernetesSecret => ({ type, metadata, data: { ".dockerconfigjson": btoa(text) } });
    const cases: [KubernetesSecret, string][] = [
      [
        { type, data: { ".dockerconfigjson": `%${SECRET}` } },
        "pull secret 2: .dockerconfigjson is not base64 of UTF-8 text",
      ],
      [
        { ...of(""), data: { ".dockerconfigjson": btoa("\xff") } },
        "the secret team/regcred: .dockerconfigjson is not base64 of UTF-8 text",
      ],
      [of(`{"auths":{"a":"${SECRET}`), "the secret team/regcred: .dockerconfigjson: it is not JSON"],
      [of(`["${SECRET}"]`), "the secret team/regcred: .dockerconfigjson: it is not a JSON object"],
      [
        of(`{"auths":{"a":"${SECRET}"}}`),
        `the secret team/regcred: .dockerconfigjson: "auths" does not hold an object for each server`,
      ],
      [
        of(`{"auths":{"a":{"auth":"${SECRET}"}}}`),
        `the secret team/regcred: .dockerconfigjson: "a": "auth" is not base64 of username:password`,
      ],
      [
        of(`{"auths":{"a":{"password":["${SECRET}"]}}}`),
        `the secret team/regcred: .dockerconfigjson: "a": "password" is not a string`,
      ],
      [
        of(`{"auths":{"a b":{"password":"${SECRET}"}}}`),
        `the secret team/regcred: .dockerconfigjson: "a b": the key is not the host of a registry`,
      ],
      [
        of(`{"auths":{"a:b":{"password":"${SECRET}"}}}`),
        `the secret team/regcred: .dockerconfigjson: "a:b": the key is not the host of a registry`,
      ],
    ];
    for (const [secret, message] of cases) {
      const error = assertThrows(() => keychainFromPullSecrets([keyed("x.example.com"), secret]), AuthError);
      assertEquals(error.message, message);
      assert(error.hint?.includes("kubectl create secret docker-registry"));
      assertFalse(`${error.stack} ${error.cause}`.includes(SECRET), message);
    }
  });

  it("ends with the signal's reason", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(() => keychainFromPullSecrets([]).resolve({ registry: "a" }, { signal }), Error, "enough");
  });
});

describe("parseSecretManifest", () => {
  const yaml = `
apiVersion: v1
kind: ConfigMap
data: { a: b }
---
apiVersion: v1
kind: Secret
metadata:
  name: regcred
type: kubernetes.io/dockerconfigjson
stringData:
  .dockerconfigjson: |
    {"auths": {"a.example.com": {"username": "ann", "password": "p"}}}
---
apiVersion: v1
kind: List
items:
- kind: Secret
  metadata: {name: other}
  type: kubernetes.io/dockercfg
  data:
    .dockercfg: ${btoa('{"b.example.com":{"username":"bob"}}')}
`;

  it("finds the secrets among documents and in lists", async () => {
    const secrets = await parseSecretManifest(yaml, "secrets.yaml");
    assertEquals(secrets.map(({ metadata }) => metadata?.name), ["regcred", "other"]);
    assertEquals([await user(secrets, "a.example.com"), await user(secrets, "b.example.com")], ["ann", "bob"]);
  });

  it("reads JSON", async () => {
    const text = JSON.stringify({ kind: "Secret", ...keyed("a.example.com") });
    assertEquals(await user(await parseSecretManifest(text, "s.json"), "a.example.com"), "a.example.com");
  });

  it("says what it is when it is none, and nothing of what is in it", async () => {
    const cases: [string, string][] = [
      [`a: "${SECRET}`, "s.yaml: it is not YAML"],
      [`{"a": "${SECRET}"`, "s.yaml: it is not YAML"],
      [`kind: ConfigMap\ndata: {a: ${SECRET}}`, "s.yaml holds no Secret of Kubernetes"],
      ["", "s.yaml holds no Secret of Kubernetes"],
      [`kind: Secret\ndata: {a: {b: ${SECRET}}}`, "s.yaml holds a Secret whose data is not text"],
      ["kind: Secret\nstringData: [1]", "s.yaml holds a Secret whose data is not text"],
    ];
    for (const [text, message] of cases) {
      const error = await assertRejects(() => parseSecretManifest(text, "s.yaml"), AuthError);
      assertEquals(error.message, message);
      assert(error.hint);
      assertFalse(`${error.stack} ${error.cause}`.includes(SECRET), message);
    }
  });
});
