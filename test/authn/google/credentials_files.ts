import { assertEquals, assertStrictEquals } from "@std/assert";
import { googleKeychain } from "../../../src/authn/google/mod.ts";
import { anonymous } from "../../../src/authn/mod.ts";
import { json } from "../../fakes/mod.ts";
import { assertNoSecrets, type CloudWorld, formOf } from "../cloud_world.ts";
import { SCOPE } from "./google_servers.ts";

/** What credentials are resolved for. */
export const TARGET = { registry: "gcr.io", repository: "project/app" };
/** Where the credentials file is. */
export const PATH = "/keys/key.json";

/** What a credentials file gives, in a world where nothing else is. */
export async function credentialsOf(world: CloudWorld, file: unknown): Promise<string> {
  world.environment.GOOGLE_APPLICATION_CREDENTIALS = PATH;
  world.files[PATH] = typeof file === "string" ? file : JSON.stringify(file);
  const found = await googleKeychain({ gcloud: "", ...world.options }).resolve(TARGET);
  const { username, password = "" } = await found.authorization();
  if (found !== anonymous) assertEquals(username, "_token");
  return password;
}

/** The one warning that a credentials file gives. */
export async function warningOf(world: CloudWorld, file: unknown, secrets: readonly string[] = []): Promise<string> {
  assertStrictEquals(await credentialsOf(world, file), "");
  assertEquals(world.warnings.length, 1);
  const [warning] = world.warnings.splice(0);
  assertNoSecrets([warning], secrets);
  return warning.replace("no credentials for gcr.io: ", "").replace(/ \([^()]*\)$/, "");
}

/** The provider of the workload identity pool. */
export const AUDIENCE =
  "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider";
/** A credentials file of an external account. */
export const EXTERNAL = {
  type: "external_account",
  audience: AUDIENCE,
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  token_url: "https://sts.googleapis.com/v1/token",
  credential_source: { file: "/var/run/token" },
};

/** Google's security token service: takes one subject token. */
export function playSts(
  world: CloudWorld,
  takes: (subject: string) => void,
  changes: Record<string, string> = {},
): void {
  world.play("https://sts.googleapis.com", (asked) => {
    assertEquals(asked.url.pathname, "/v1/token");
    const { subject_token, ...form } = formOf(asked);
    assertEquals(form, {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
      audience: AUDIENCE,
      scope: SCOPE,
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      ...changes,
    });
    takes(subject_token);
    return json(200, {
      access_token: "federated",
      issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
      token_type: "Bearer",
      expires_in: 3599,
    });
  });
}
