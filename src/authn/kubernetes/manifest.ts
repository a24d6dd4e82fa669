import { AuthError } from "../../errors.ts";
import { isObject } from "../../io/mod.ts";
import type { KubernetesSecret } from "../pull_secret.ts";
import { parseYaml } from "./yaml.ts";

/**
 * The Secret objects in a text as `kubectl get secret -o yaml` (or `-o json`) prints it and `kubectl apply` takes it: one
 * or more documents, lists among them. Other objects are passed over.
 *
 * @param source what to call the text in an error message.
 * @throws {AuthError} when it is neither YAML nor JSON, or holds no Secret; the message repeats nothing of it.
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
