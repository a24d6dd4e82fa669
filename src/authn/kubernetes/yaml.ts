import { AuthError } from "../../errors.ts";

/**
 * Parses the documents of a YAML text. JSON, a subset of YAML, needs no parser.
 *
 * @throws {AuthError} if it is not valid; neither the message nor the cause contains any of it, which may be secret.
 */
export async function parseYaml(text: string, source: string): Promise<unknown[]> {
  if (text.trimStart().startsWith("{")) {
    try {
      return [JSON.parse(text)];
    } catch {
      // YAML may begin like that too.
    }
  }
  const { parseAll } = await import("@std/yaml/parse");
  try {
    return parseAll(text, { schema: "core" });
  } catch {
    throw new AuthError(`${source}: it is not YAML`, { hint: "fix the file or move it away" });
  }
}
