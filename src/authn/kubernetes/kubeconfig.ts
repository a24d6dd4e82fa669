import { AuthError } from "../../errors.ts";
import { isObject } from "../../io/mod.ts";
import { dirName, environmentVariable, homeDirectory, joinPath, platformOs, resolvePath } from "../../runtime/mod.ts";
import { readFileIfThere } from "../config_location.ts";
import { optionalTextField } from "../fields.ts";
import { parseYaml } from "./yaml.ts";

/** Where to look for kubeconfig files. */
export interface KubeconfigLocation {
  /**
   * The kubeconfig file.
   * @default those in `$KUBECONFIG`, else `~/.kube/config`
   */
  file?: string;
  /**
   * Returns the value of an environment variable.
   * @default that of the process
   */
  environment?: (name: string) => string | undefined;
  /**
   * The home directory of the user.
   * @default that of the process, if it has one
   */
  home?: string;
}

/** The kinds of named sections. */
export type KubeconfigPart = "context" | "cluster" | "user";

/** A named section of a kubeconfig. */
export interface Section {
  /** Its fields. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Its name in an error. */
  readonly source: string;
  /** Returns a string; `undefined` if it is missing or empty. @throws {AuthError} if it is not a string. */
  text(field: string): string | undefined;
  /** Returns a path, resolved against the folder of the file. */
  path(field: string): string | undefined;
  /** Resolves a path against the folder of the file. */
  resolve(path: string): string;
}

/** One or more kubeconfig files, merged. */
export interface Kubeconfig {
  /** Its name in an error. */
  readonly source: string;
  /** The default context. */
  readonly currentContext: string | undefined;
  /** Finds a section by its name. */
  find(part: KubeconfigPart, name: string): Section | undefined;
}

/**
 * Reads the kubeconfig files. The first one with a value is used for it.
 *
 * @throws {AuthError} if there is none, or one is not valid; the message contains none of its values.
 */
export async function readKubeconfig(location: KubeconfigLocation): Promise<Kubeconfig> {
  const paths = kubeconfigPaths(location);
  const files: { path: string; content: Record<string, unknown> }[] = [];
  for (const path of paths) {
    const text = await readFileIfThere(path);
    if (text !== undefined) files.push({ path, content: await parseKubeconfig(text, path) });
  }
  if (files.length === 0) {
    throw new AuthError(
      `there is no Kubernetes cluster to ask: this is not a pod, and ${
        paths.join(", ") || "a kubeconfig"
      } is not there`,
      { hint: "set KUBECONFIG to a kubeconfig file" },
    );
  }
  const contexts = files.map(({ content }) => content["current-context"]);
  return {
    source: files.map(({ path }) => path).join(" and "),
    currentContext: contexts.find((name) => typeof name === "string" && name !== "") as string | undefined,
    find(part, name) {
      for (const { path, content } of files) {
        const list = content[`${part}s`];
        const entry = Array.isArray(list) ? list.find((it) => isObject(it) && it.name === name) : undefined;
        if (isObject(entry?.[part])) return section(entry[part], { path, source: `${path}: ${part} ${name}` });
      }
      return undefined;
    },
  };
}

function kubeconfigPaths({ file, environment = environmentVariable, home = homeDirectory() }: KubeconfigLocation) {
  if (file !== undefined) return [file];
  const variable = (environment("KUBECONFIG") ?? "").split(platformOs() === "windows" ? ";" : ":").filter(Boolean);
  if (variable.length > 0) return variable;
  return home ? [joinPath(home, ".kube", "config")] : [];
}

async function parseKubeconfig(text: string, path: string): Promise<Record<string, unknown>> {
  const [content] = await parseYaml(text, path);
  if (!isObject(content)) throw new AuthError(`${path}: it is not a kubeconfig`, { hint: "fix the file" });
  return content;
}

function section(fields: Record<string, unknown>, { path, source }: { path: string; source: string }): Section {
  const text = (field: string) => optionalTextField(fields, field, source);
  const resolve = (file: string) => resolvePath(dirName(path), file);
  return {
    fields,
    source,
    text,
    resolve,
    path: (field) => {
      const value = text(field);
      return value === undefined ? undefined : resolve(value);
    },
  };
}
