import { AuthError } from "../../errors.ts";
import { isObject } from "../../io/mod.ts";
import type { KubernetesSecret } from "../pull_secret.ts";
import { parseYaml } from "./yaml.ts";

/**
 * Parses the Secret objects in a text of `kubectl get secret -o yaml` (or `-o json`) or for `kubectl apply`: one or
 * more documents, including lists. Other objects are skipped.
 *
 * @param source the name of the text in an error message.
 * @throws {AuthError} if it is neither YAML nor JSON, or has no Secret; the message contains none of its values.
 */
export async function parseSecretManifest(text: string, source: string): Promise<KubernetesSecret[]> {
  const documents = await parseYaml(text, source);
  const objects = documents.filter(isObject).flatMap((it) =>
    Array.isArray(it.items) ? it.items.filter(isObject) : [it]
  );
  const secrets = objects.filter(({ kind }) => kind === "Secret");
  if (secrets.length === 0) {
    throw new AuthError(`${source} holds no Secret of Kubernetes`, {
      hint: "write one with kubectl get secret NAME -o yaml",
    });
  }
  const isText = (value: unknown) =>
    value === undefined || value === null ||
    (isObject(value) && Object.values(value).every((it) => typeof it === "string"));
  if (!secrets.every(({ data, stringData }) => isText(data) && isText(stringData))) {
    throw new AuthError(`${source} holds a Secret whose data is not text`, { hint: "quote its values" });
  }
  return secrets as KubernetesSecret[];
}
