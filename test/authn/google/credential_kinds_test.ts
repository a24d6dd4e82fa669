import { describe, it } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { anonymous } from "../../../src/authn/mod.ts";
import { googleKeychain } from "../../../src/authn/google/mod.ts";
import { json } from "../../fakes/mod.ts";
import { type CloudWorld, formOf, inWorld } from "../cloud_world.ts";
import { credentialsOf, EXTERNAL, PATH, playSts, TARGET, warningOf } from "./credentials_files.ts";
import { playTokenServer, SCOPE, serviceAccountKey, verifiedJwt } from "./google_servers.ts";

describe("the key of a service account", () => {
  it("signs for the server that the key names", () =>
    inWorld(async (world) => {
      const uri = "https://tokens.example.com/v2/token";
      const { text, publicKey } = serviceAccountKey({ token_uri: uri });
      playTokenServer(world, publicKey, uri);
      assertEquals(await credentialsOf(world, text), "token-1");
    }));

  it("signs anew after an hour", () =>
    inWorld(async (world) => {
      const { text, publicKey } = serviceAccountKey();
      playTokenServer(world, publicKey);
      world.environment.GOOGLE_APPLICATION_CREDENTIALS = PATH;
      world.files[PATH] = text;
      const found = await googleKeychain(world.options).resolve(TARGET);
      const assertion = () => verifiedJwt(formOf(world.asked.at(-1)!).assertion, publicKey).claims;
      assertEquals(assertion().iat, world.now / 1000);
      world.pass(3600);
      assertEquals((await found.authorization()).password, "token-2");
      assertEquals(assertion().iat, world.now / 1000);
    }));

  it("says what is wrong with it, by its path, and not what is in it", () =>
    inWorld(async (world) => {
      const secret = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC";
      const pem = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`;
      const bad = async (changes: Record<string, unknown>) =>
        await warningOf(world, serviceAccountKey(changes).text, [secret]);
      const notPem = `${PATH}: "private_key" is not an RSA key in PEM (PKCS #8)`;
      assertEquals(await bad({ private_key: pem }), notPem);
      assertEquals(await bad({ private_key: secret }), notPem);
      assertEquals(await bad({ private_key: undefined }), `${PATH}: "private_key" is missing`);
      assertEquals(await bad({ private_key: [secret] }), `${PATH}: "private_key" is not a text`);
      assertEquals(await bad({ client_email: "" }), `${PATH}: "client_email" is missing`);
      assertEquals(
        await bad({ token_uri: "http://tokens.example.com/" }),
        `${PATH}: "token_uri": http://tokens.example.com is not https, and secrets would be sent there`,
      );
      assertEquals(await bad({ token_uri: "nowhere" }), `${PATH}: "token_uri": it is not a URL`);
      assertEquals(world.asked, []);
    }));

  it("is refused in words of the server, without what it was sent", () =>
    inWorld(async (world) => {
      let sent = "";
      world.play("https://oauth2.googleapis.com", (asked) => {
        sent = formOf(asked).assertion;
        return json(400, { error: "invalid_grant", error_description: `Invalid JWT Signature: ${sent}` });
      });
      const warning = await warningOf(world, serviceAccountKey().text);
      assertEquals(
        warning,
        "Google's token server: POST https://oauth2.googleapis.com/token: 400: invalid_grant: Invalid JWT Signature: REDACTED",
      );
    }));
});

describe("a credentials file", () => {
  it("that is not one is named", () =>
    inWorld(async (world) => {
      assertEquals(await warningOf(world, "-----BEGIN s3cret", ["s3cret"]), `${PATH}: it is not JSON`);
      assertEquals(await warningOf(world, "[]"), `${PATH}: it is not a JSON object`);
      assertEquals(await warningOf(world, {}), `${PATH}: "type" is missing`);
      assertEquals(
        await warningOf(world, { type: "gdch_service_account" }),
        `${PATH}: "gdch_service_account" is not a known type of Google credentials`,
      );
      assertEquals(
        await warningOf(world, { type: "toString" }),
        `${PATH}: "toString" is not a known type of Google credentials`,
      );
    }));

  it("that is not there is named too", () =>
    inWorld(async (world) => {
      world.environment.GOOGLE_APPLICATION_CREDENTIALS = "/not/there.json";
      assertStrictEquals(await googleKeychain({ gcloud: "", ...world.options }).resolve(TARGET), anonymous);
      const why =
        "GOOGLE_APPLICATION_CREDENTIALS names /not/there.json, which is not there (fix the path, or unset it)";
      assertEquals(world.warnings, [`no credentials for gcr.io: ${why}`]);
    }));

  it("that is broken does not keep gcloud from being asked", () =>
    inWorld(async (world) => {
      world.environment.GOOGLE_APPLICATION_CREDENTIALS = PATH;
      world.files[PATH] = "{";
      const credential = { access_token: "of-gcloud", token_expiry: "2026-03-04T06:00:00Z" };
      const run = () => Promise.resolve({ code: 0, stdout: JSON.stringify({ credential }) });
      const found = await googleKeychain({ ...world.options, run }).resolve(TARGET);
      assertEquals((await found.authorization()).password, "of-gcloud");
      assertEquals(world.warnings, [`Google credentials passed over: ${PATH}: it is not JSON`]);
    }));
});

const USER = { type: "authorized_user", client_id: "id", client_secret: "client-s3cret", refresh_token: "1//s3cret" };

describe("the credentials of a person", () => {
  it("are exchanged for a token", () =>
    inWorld(async (world) => {
      world.play("https://oauth2.googleapis.com", (asked) => {
        assertEquals(asked.url.pathname, "/token");
        const { type: _, ...form } = USER;
        assertEquals(formOf(asked), { grant_type: "refresh_token", ...form });
        return json(200, { access_token: "token-1", expires_in: 3599, scope: SCOPE, token_type: "Bearer" });
      });
      assertEquals(await credentialsOf(world, USER), "token-1");
    }));

  it("of a workforce pool are too, with the client's secret in the header", () =>
    inWorld(async (world) => {
      world.play("https://sts.googleapis.com", (asked) => {
        assertEquals(asked.url.pathname, "/v1/oauthtoken");
        assertEquals(asked.headers.get("authorization"), `Basic ${btoa("id:client-s3cret")}`);
        assertEquals(formOf(asked), { grant_type: "refresh_token", refresh_token: "1//s3cret" });
        return json(200, { access_token: "token-1", expires_in: 3599, refresh_token: "next" });
      });
      const token_url = "https://sts.googleapis.com/v1/oauthtoken";
      assertEquals(
        await credentialsOf(world, { ...USER, type: "external_account_authorized_user", token_url }),
        "token-1",
      );
    }));

  it("that were withdrawn say so, and no secret", () =>
    inWorld(async (world) => {
      world.play("https://oauth2.googleapis.com", () =>
        json(400, { error: "invalid_grant", error_description: "Token 1//s3cret of client-s3cret was revoked." }));
      assertEquals(
        await warningOf(world, USER, ["s3cret"]),
        "Google's token server: POST https://oauth2.googleapis.com/token: 400: invalid_grant: " +
          "Token REDACTED of REDACTED was revoked.",
      );
    }));
});

const IMPERSONATION =
  "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/robot@p.iam.gserviceaccount.com:generateAccessToken";

/** Google's IAM, which lends the token `robot` for an hour in exchange for `caller`. */
function playIam(world: CloudWorld, caller: string, body: unknown): void {
  world.play("https://iamcredentials.googleapis.com", (asked) => {
    assertEquals(asked.url.href, IMPERSONATION);
    assertEquals(asked.headers.get("authorization"), `Bearer ${caller}`);
    assertEquals(asked.headers.get("content-type"), "application/json");
    assertEquals(JSON.parse(asked.body), body);
    return json(200, { accessToken: "robot", expireTime: new Date(world.now + 3600_000).toISOString() });
  });
}

describe("the credentials of somebody who may act for a service account", () => {
  const file = {
    type: "impersonated_service_account",
    service_account_impersonation_url: IMPERSONATION,
    delegates: ["between@p.iam.gserviceaccount.com"],
    source_credentials: USER,
  };

  it("are exchanged for a token of theirs and that for one of the account", () =>
    inWorld(async (world) => {
      world.play("https://oauth2.googleapis.com", () => json(200, { access_token: "person", expires_in: 3599 }));
      playIam(world, "person", { delegates: file.delegates, scope: [SCOPE], lifetime: "3600s" });
      assertEquals(await credentialsOf(world, file), "robot");
      assertEquals(world.paths.length, 2);
    }));

  it("must be there, and their own", () =>
    inWorld(async (world) => {
      const without = { ...file, source_credentials: undefined };
      assertEquals(await warningOf(world, without), `${PATH}: "source_credentials" is missing`);
      assertEquals(
        await warningOf(world, { ...file, source_credentials: file }),
        `${PATH}: "source_credentials" are impersonated themselves`,
      );
      assertEquals(
        await warningOf(world, { ...file, source_credentials: { type: "authorized_user" } }),
        `${PATH}: "source_credentials": "client_id" is missing`,
      );
    }));
});

describe("the credentials of an external account", () => {
  it("are the word of somebody else in a file, read each time", () =>
    inWorld(async (world) => {
      const subjects: string[] = [];
      playSts(world, (subject) => subjects.push(subject));
      world.environment.GOOGLE_APPLICATION_CREDENTIALS = PATH;
      world.files[PATH] = JSON.stringify(EXTERNAL);
      world.files["/var/run/token"] = "word-1\n";
      const found = await googleKeychain(world.options).resolve(TARGET);
      assertEquals(await found.authorization(), { username: "_token", password: "federated" });
      world.files["/var/run/token"] = "word-2\n";
      world.pass(3600);
      await found.authorization();
      assertEquals(subjects, ["word-1", "word-2"]);
    }));

  it("may be a field of a file of JSON", () =>
    inWorld(async (world) => {
      playSts(world, (subject) => assertEquals(subject, "word"));
      world.files["/var/run/token"] = JSON.stringify({ id_token: "word" });
      const format = { type: "json", subject_token_field_name: "id_token" };
      const file = { ...EXTERNAL, credential_source: { file: "/var/run/token", format } };
      assertEquals(await credentialsOf(world, file), "federated");
      world.files["/var/run/token"] = "s3cret";
      assertEquals(await warningOf(world, file, ["s3cret"]), "/var/run/token: it is not JSON");
    }));

  it("may be asked for at a URL, and exchanged for those of a service account", () =>
    inWorld(async (world) => {
      playSts(world, (subject) => assertEquals(subject, "word"), { options: '{"userProject":"payer"}' });
      world.play("https://tokens.actions.example.com", ({ method, url, headers }) => {
        assertEquals([method, url.search, headers.get("authorization")], [
          "GET",
          "?audience=a",
          "Bearer request-token",
        ]);
        return json(200, { value: "word" });
      });
      playIam(world, "federated", { delegates: [], scope: [SCOPE], lifetime: "600s" });
      const token = await credentialsOf(world, {
        ...EXTERNAL,
        workforce_pool_user_project: "payer",
        service_account_impersonation_url: IMPERSONATION,
        service_account_impersonation: { token_lifetime_seconds: 600 },
        credential_source: {
          url: "https://tokens.actions.example.com/oidc?audience=a",
          headers: { Authorization: "Bearer request-token" },
          format: { type: "json", subject_token_field_name: "value" },
        },
      });
      assertEquals(token, "robot");
    }));

  it("say what is wrong with them", () =>
    inWorld(async (world) => {
      const bad = async (credential_source: unknown) => await warningOf(world, { ...EXTERNAL, credential_source });
      const source = `${PATH}: "credential_source"`;
      assertEquals(await bad(undefined), `${source} is missing`);
      assertEquals(await bad({ executable: { command: "/bin/x" } }), `${source} is neither a file nor a URL nor AWS`);
      assertEquals(await bad({ file: "/gone" }), `${source} names /gone, which is not there`);
      world.files["/empty"] = "\n";
      assertEquals(await bad({ file: "/empty" }), "/empty is empty");
      assertEquals(
        await bad({ file: "/empty", format: { type: "xml" } }),
        `the format of /empty is neither "text" nor "json"`,
      );
      assertEquals(
        await bad({ url: "http://example.com/" }),
        `${source}: "url": http://example.com is not https, and secrets would be sent there`,
      );
      assertEquals(await bad({ environment_id: "aws2" }), `${source}: "environment_id" is not "aws1"`);
    }));
});
