import { AuthError } from "../../errors.ts";

/**
 * The documents of a YAML text. JSON, which is a part of YAML, is read without loading a parser.
 *
 * @throws {AuthError} when it is none; neither the message nor the cause repeats what is in it, which may be secret.
 */
export async function parseYaml(text: string, source: string): Promise<unknown[]> {
  if (text.trimStart().startsWith("{")) {
    try {
      return [JSON.parse(text)];
    } catch {
      // YAML may begin so too.
    }
  }
  const { parseAll } = await import("@std/yaml/parse");
  try {
    return parseAll(text, { schema: "core" });
  } catch {
    throw new AuthError(`${source}: it is not YAML`, { hint: "mend the file or move it away" });
  }
}
