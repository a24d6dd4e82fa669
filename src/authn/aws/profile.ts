import { AuthError } from "../../errors.ts";
import { joinPath } from "../../runtime/mod.ts";
import type { Surroundings } from "../surroundings.ts";
import type { AwsCredentials } from "./credentials.ts";

/** The settings of an ini file by section. */
type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * Returns the keys of the profile in `AWS_PROFILE`, else of `default`, from AWS's shared files; `undefined` if there
 * are none.
 *
 * @throws {AuthError} if a named profile has no keys in the files.
 */
export async function profileCredentials(surroundings: Surroundings): Promise<AwsCredentials | undefined> {
  const { environment } = surroundings;
  const named = environment("AWS_PROFILE") || environment("AWS_DEFAULT_PROFILE");
  const profile = named || "default";
  const credentials = (await sharedFile("AWS_SHARED_CREDENTIALS_FILE", "credentials", surroundings)).get(profile);
  const config = await sharedFile("AWS_CONFIG_FILE", "config", surroundings);
  const configured = config.get(profile === "default" ? "default" : `profile ${profile}`);
  const setting = (name: string) => credentials?.get(name) || configured?.get(name);
  const accessKeyId = setting("aws_access_key_id");
  const secretAccessKey = setting("aws_secret_access_key");
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, sessionToken: setting("aws_session_token") || undefined };
  }
  // A default profile without keys is often there for its region only.
  const isMeant = named || ["role_arn", "sso_session", "sso_start_url", "credential_process"].some(setting);
  if (!isMeant) return undefined;
  throw new AuthError(`AWS's profile ${JSON.stringify(profile)} has no access key in the shared files`, {
    hint: `roles, SSO and processes are not followed: eval "$(aws configure export-credentials --format env)"`,
  });
}

async function sharedFile(variable: string, name: string, surroundings: Surroundings): Promise<Sections> {
  const { environment, home, readFile } = surroundings;
  const path = environment(variable) || (home && joinPath(home, ".aws", name));
  return parseIni((path && await readFile(path)) || "");
}

/** Parses an ini file as AWS's tools do: comments on separate lines; nested settings are skipped. */
function parseIni(text: string): Sections {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[\s*(.+?)\s*\]/.exec(line);
    const setting = /^([^\s#;=][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (header !== null) {
      const name = header[1].replace(/\s+/g, " ");
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
    } else if (setting !== null) {
      section?.set(setting[1].toLowerCase(), setting[2]);
    }
  }
  return sections;
}
