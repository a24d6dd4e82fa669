import { assertStringIncludes } from "@std/assert";
import { keychainFromPullSecrets } from "@gcrane/gcrane/authn";
import { push } from "@gcrane/gcrane/crane";
import { emptyImage } from "@gcrane/gcrane/image";
import type { World } from "../world.ts";

/** Signs in with a pull secret of Kubernetes. */
export default async function ({ closed }: World): Promise<void> {
  const config = JSON.stringify({ auths: { [closed]: { username: "ann", password: "secret" } } });
  const secret = { type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": btoa(config) } };
  const keychain = keychainFromPullSecrets([secret]);
  assertStringIncludes(await push(emptyImage(), `${closed}/by-secret:v1`, { keychain }), "/by-secret@sha256:");
}
