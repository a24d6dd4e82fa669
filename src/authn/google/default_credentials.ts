import { AuthError } from "../../errors.ts";
import { joinPath, platformOs } from "../../runtime/mod.ts";
import type { Surroundings } from "../surroundings.ts";

/** A credentials file. */
export interface CredentialsFile {
  /** Its path. */
  readonly path: string;
  /** Its text. */
  readonly text: string;
}

const VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS";
const FILE = "application_default_credentials.json";

/**
 * Finds the file of the Application Default Credentials: the one in `GOOGLE_APPLICATION_CREDENTIALS`, else the one that
 * `gcloud auth application-default login` writes; `undefined` if there is none.
 *
 * @param os the operating system, which determines the path.
 * @throws {AuthError} if the file in the variable does not exist.
 */
export async function findCredentialsFile(
  surroundings: Surroundings,
  os: string = platformOs(),
): Promise<CredentialsFile | undefined> {
  const { environment, readFile } = surroundings;
  const named = environment(VARIABLE);
  const path = named || wellKnownPath(surroundings, os);
  const text = path && await readFile(path);
  if (path && text !== undefined) return { path, text };
  if (named) {
    throw new AuthError(`${VARIABLE} names ${named}, which is not there`, { hint: "fix the path, or unset it" });
  }
  return undefined;
}

function wellKnownPath(surroundings: Surroundings, os: string): string | undefined {
  const { environment } = surroundings;
  const config = environment("CLOUDSDK_CONFIG");
  if (config) return joinPath(config, FILE);
  if (os === "windows") {
    const roaming = environment("APPDATA");
    return roaming && joinPath(roaming, "gcloud", FILE);
  }
  const { home } = surroundings;
  return home && joinPath(home, ".config", "gcloud", FILE);
}
