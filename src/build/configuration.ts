import { BuildError } from "../errors.ts";
import { isObject } from "../io/mod.ts";
import type { ProjectFiles } from "./project_files.ts";

/** The configuration files of a project, as far as there are any. */
export interface Configuration {
  /** package.json. */
  readonly packageJson?: Readonly<Record<string, unknown>>;
  /** deno.json or deno.jsonc, with the name of the file. */
  readonly denoJson?: { readonly file: string; readonly value: Readonly<Record<string, unknown>> };
}

/** Reads package.json and deno.json(c) of a folder. @throws {BuildError} if one is not a JSON object. */
export async function readConfiguration(files: ProjectFiles, folder: string): Promise<Configuration> {
  const [packageJson, denoJson, denoJsonc] = await Promise.all(
    ["package.json", "deno.json", "deno.jsonc"].map((name) =>
      objectIn(files, folder === "" ? name : `${folder}/${name}`)
    ),
  );
  if (denoJson) return { packageJson, denoJson: { file: "deno.json", value: denoJson } };
  return { packageJson, denoJson: denoJsonc && { file: "deno.jsonc", value: denoJsonc } };
}

async function objectIn(files: ProjectFiles, path: string): Promise<Record<string, unknown> | undefined> {
  const bytes = await files.read(path);
  if (bytes === undefined) return undefined;
  const text = new TextDecoder().decode(bytes).replace(/^\ufeff/, "");
  let value: unknown;
  try {
    value = JSON.parse(path.endsWith("package.json") ? text : plainJson(text));
  } catch (cause) {
    throw new BuildError(`${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (!isObject(value)) throw new BuildError(`${path} is not a JSON object`);
  return value;
}

/** Returns JSON without the comments and the commas at the end of lists that Deno and Bun permit. */
export function plainJson(text: string): string {
  const tokens = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  const withoutComments = text.replace(tokens, (token) => token.startsWith("/") ? " " : token);
  return withoutComments.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (token) => token === "," ? "" : token);
}
