import { describe, it } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { anonymous } from "../../../src/authn/mod.ts";
import { ecrKeychain } from "../../../src/authn/ecr/mod.ts";
import { type FakeAnswer, json, STALL } from "../../fakes/mod.ts";
import { assertNoSecrets, type CloudWorld, formOf, inWorld } from "../cloud_world.ts";
import { giveKeys, KEYS, playEcr, TARGET } from "./ecr_servers.ts";

const LENT = { accessKeyId: "ASIALENT", secretAccessKey: "lent-s3cret", sessionToken: "lent-token" };
const HOUR = 3600;

/** The password that the keys of a world are good for; empty where there are none. */
async function passwordIn(world: CloudWorld): Promise<string> {
  const found = await ecrKeychain(world.options).resolve(TARGET);
  return found === anonymous ? "" : (await found.authorization()).password!;
}

/** The one warning that a world's keys give. */
async function warningIn(world: CloudWorld): Promise<string> {
  assertEquals(await passwordIn(world), "");
  assertEquals(world.warnings.length, 1);
  return world.warnings.pop()!.replace(`no credentials for ${TARGET.registry}: `, "");
}

/** Keys as metadata servers lend them. */
function lent(world: CloudWorld): FakeAnswer {
  return json(200, {
    Code: "Success",
    Type: "AWS-HMAC",
    AccessKeyId: LENT.accessKeyId,
    SecretAccessKey: LENT.secretAccessKey,
    Token: LENT.sessionToken,
    Expiration: new Date(world.now + HOUR * 1000).toISOString(),
  });
}

describe("AWS's keys in the environment", () => {
  it("come before all else", () =>
    inWorld(async (world) => {
      giveKeys(world);
      playEcr(world);
      world.environment.AWS_WEB_IDENTITY_TOKEN_FILE = "/gone";
      world.environment.AWS_ROLE_ARN = "arn:aws:iam::123456789012:role/app";
      assertEquals(await passwordIn(world), "password-1");
      assertEquals(world.looked.filter((name) => !name.startsWith("$")), []);
    }));
});

describe("AWS's web identity", () => {
  const STS = "https://sts.eu-central-1.amazonaws.com";
  const ROLE = "arn:aws:iam::123456789012:role/app";

  function setUp(world: CloudWorld): void {
    world.environment.AWS_WEB_IDENTITY_TOKEN_FILE = "/var/run/token";
    world.environment.AWS_ROLE_ARN = ROLE;
    world.environment.AWS_ROLE_SESSION_NAME = "session";
    world.files["/var/run/token"] = "word\n";
  }

  function playSts(world: CloudWorld, origin = STS): void {
    world.play(origin, (asked) => {
      assertEquals([asked.url.pathname, asked.headers.get("authorization")], ["/", null]);
      assertEquals(formOf(asked), {
        Action: "AssumeRoleWithWebIdentity",
        Version: "2011-06-15",
        RoleArn: ROLE,
        RoleSessionName: "session",
        WebIdentityToken: world.files["/var/run/token"].trim(),
      });
      const expiration = new Date(world.now + HOUR * 1000).toISOString().replace(".000", "");
      return {
        status: 200,
        headers: { "content-type": "text/xml" },
        body: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
          <AssumeRoleWithWebIdentityResult>
            <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/app/session</Arn></AssumedRoleUser>
            <Credentials>
              <AccessKeyId>${LENT.accessKeyId}</AccessKeyId>
              <SecretAccessKey>${LENT.secretAccessKey}</SecretAccessKey>
              <SessionToken>${LENT.sessionToken}</SessionToken>
              <Expiration>${expiration}</Expiration>
            </Credentials>
          </AssumeRoleWithWebIdentityResult>
        </AssumeRoleWithWebIdentityResponse>`,
      };
    });
  }

  it("is exchanged for a role's keys, in the registry's region", () =>
    inWorld(async (world) => {
      setUp(world);
      playSts(world);
      playEcr(world, LENT);
      assertEquals(await passwordIn(world), "password-1");
    }));

  it("is exchanged in the region of the environment, if it names one, or at its endpoint", () =>
    inWorld(async (world) => {
      setUp(world);
      playEcr(world, LENT);
      world.environment.AWS_REGION = "us-west-2";
      playSts(world, "https://sts.us-west-2.amazonaws.com");
      assertEquals(await passwordIn(world), "password-1");
      world.environment.AWS_ENDPOINT_URL_STS = "https://sts.example.com";
      playSts(world, "https://sts.example.com");
      assertEquals(await passwordIn(world), "password-2");
      assertEquals(world.asked.map(({ url }) => url.hostname.split(".").slice(0, 2).join(".")), [
        "sts.us-west-2",
        "api.ecr",
        "sts.example",
        "api.ecr",
      ]);
    }));

  it("is exchanged anew when the keys have ended, with the file's new word", () =>
    inWorld(async (world) => {
      setUp(world);
      playSts(world);
      playEcr(world, LENT);
      const found = await ecrKeychain(world.options).resolve(TARGET);
      world.files["/var/run/token"] = "new word";
      world.pass(12 * HOUR);
      assertEquals((await found.authorization()).password, "password-2");
      assertEquals(world.asked.map(({ url }) => url.hostname.split(".")[0]), ["sts", "api", "sts", "api"]);
    }));

  it("says what is wrong with it, in the words of AWS", () =>
    inWorld(async (world) => {
      setUp(world);
      world.play(STS, () => ({
        status: 400,
        body: "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code>" +
          "<Message>No OpenIDConnect provider found for word</Message></Error></ErrorResponse>",
      }));
      assertEquals(
        await warningIn(world),
        `AWS's security token service: POST ${STS}/: 400: InvalidIdentityToken: No OpenIDConnect provider found for REDACTED`,
      );
      world.play(STS, () => ({ status: 200, body: "<Credentials></Credentials>" }));
      assertEquals(await warningIn(world), `the answer of AWS's security token service: "AccessKeyId" is missing`);
      delete world.files["/var/run/token"];
      assertEquals(
        await warningIn(world),
        "AWS_WEB_IDENTITY_TOKEN_FILE names /var/run/token, which is missing or empty",
      );
    }));
});

describe("AWS's shared files", () => {
  it("give the key of the default profile, or of the one that is named", () =>
    inWorld(async (world) => {
      playEcr(world);
      world.files["/home/ann/.aws/credentials"] = [
        "# keys",
        "[default]",
        `aws_access_key_id = ${KEYS.accessKeyId}`,
        `aws_secret_access_key=${KEYS.secretAccessKey}`,
        "",
        "[other]",
        "aws_access_key_id = AKIDOTHER",
        "aws_secret_access_key = other",
        "aws_session_token = other-token",
      ].join("\r\n");
      assertEquals(await passwordIn(world), "password-1");
      world.environment.AWS_PROFILE = "other";
      playEcr(world, { accessKeyId: "AKIDOTHER", secretAccessKey: "other", sessionToken: "other-token" });
      assertEquals(await passwordIn(world), "password-1");
    }));

  it("may have it in the config file, and be elsewhere", () =>
    inWorld(async (world) => {
      playEcr(world);
      world.environment.AWS_PROFILE = "work";
      world.environment.AWS_CONFIG_FILE = "/etc/aws";
      world.files["/etc/aws"] =
        `[profile work]\ns3 =\n  aws_access_key_id = nested\naws_access_key_id = ${KEYS.accessKeyId}\n` +
        `aws_secret_access_key = ${KEYS.secretAccessKey}\n`;
      assertEquals(await passwordIn(world), "password-1");
    }));

  it("of which a profile was asked for that has no key say so, and what to do", () =>
    inWorld(async (world) => {
      world.files["/home/ann/.aws/config"] = "[profile sso]\nsso_session = s\n[default]\nregion = eu-central-1\n";
      assertStrictEquals(await passwordIn(world), "");
      assertEquals(world.warnings, []);
      world.environment.AWS_PROFILE = "sso";
      assertEquals(
        await warningIn(world),
        `AWS's profile "sso" has no access key in the shared files ` +
          `(roles, SSO and processes are not followed: eval "$(aws configure export-credentials --format env)")`,
      );
      delete world.environment.AWS_PROFILE;
      world.files["/home/ann/.aws/config"] = "[default]\ncredential_process = x\n";
      assertEquals((await warningIn(world)).slice(0, 53), `AWS's profile "default" has no access key in the shar`);
    }));
});

describe("AWS's keys of a container", () => {
  it("are asked for at ECS's address", () =>
    inWorld(async (world) => {
      playEcr(world, LENT);
      world.environment.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = "/v2/credentials/1234";
      world.play("http://169.254.170.2", ({ method, url, headers }) => {
        assertEquals([method, url.pathname, headers.get("authorization")], ["GET", "/v2/credentials/1234", null]);
        return lent(world);
      });
      assertEquals(await passwordIn(world), "password-1");
    }));

  it("are asked for at EKS's, with the token of a file, read each time", () =>
    inWorld(async (world) => {
      playEcr(world, LENT);
      world.environment.AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://169.254.170.23/v1/credentials";
      world.environment.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = "/var/run/token";
      world.files["/var/run/token"] = "word-1\n";
      const shown: (string | null)[] = [];
      world.play("http://169.254.170.23", ({ headers }) => {
        shown.push(headers.get("authorization"));
        return lent(world);
      });
      const found = await ecrKeychain(world.options).resolve(TARGET);
      world.files["/var/run/token"] = "word-2\n";
      world.pass(12 * HOUR);
      assertEquals((await found.authorization()).password, "password-2");
      assertEquals(shown, ["word-1", "word-2"]);
    }));

  it("may be on this machine, with a token of the environment", () =>
    inWorld(async (world) => {
      playEcr(world, LENT);
      world.environment.AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://127.0.0.1:8080/keys";
      world.environment.AWS_CONTAINER_AUTHORIZATION_TOKEN = "Basic abc";
      world.play("http://127.0.0.1:8080", ({ headers }) =>
        headers.get("authorization") === "Basic abc" ? lent(world) : { status: 401 });
      assertEquals(await passwordIn(world), "password-1");
    }));

  it("are not asked for in plain text elsewhere", () =>
    inWorld(async (world) => {
      const bad = async (url: string) => {
        world.environment.AWS_CONTAINER_CREDENTIALS_FULL_URI = url;
        return await warningIn(world);
      };
      const why = "which is neither https nor on this machine";
      const name = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
      assertEquals(await bad("http://example.com/keys"), `${name} names http://example.com, ${why}`);
      assertEquals(await bad("http://169.254.169.254/"), `${name} names http://169.254.169.254, ${why}`);
      assertEquals(await bad("http://127.0.0.1.example.com/"), `${name} names http://127.0.0.1.example.com, ${why}`);
      assertEquals(await bad("keys"), `${name} is not a URL`);
      world.environment.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = "@example.com/";
      assertEquals(await warningIn(world), "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with a slash");
      assertEquals(world.asked, []);
    }));
});

describe("AWS's keys of a machine", () => {
  const IMDS = "http://169.254.169.254";

  /** A metadata server that knows IMDSv2 only. */
  function playMachine(world: CloudWorld, role: string, origin = IMDS): void {
    let sessions = 0;
    world.play(origin, ({ method, url, headers }) => {
      if (url.pathname === "/latest/api/token") {
        const seconds = Number(headers.get("x-aws-ec2-metadata-token-ttl-seconds") ?? "none");
        if (method !== "PUT") return { status: 405 };
        return seconds >= 1 && seconds <= 21600 ? { status: 200, body: `session-${++sessions}` } : { status: 400 };
      }
      if (headers.get("x-aws-ec2-metadata-token") !== `session-${sessions}`) return { status: 401 };
      assertEquals(method, "GET");
      const path = url.pathname.replace("/latest/meta-data/iam/security-credentials/", "");
      if (path === "" && role !== "") return { status: 200, body: role };
      return path === role && role !== "" ? lent(world) : { status: 404 };
    });
  }

  it("are asked for in IMDSv2's two steps", () =>
    inWorld(async (world) => {
      playEcr(world, LENT);
      playMachine(world, "the-role");
      assertEquals(await passwordIn(world), "password-1");
      assertEquals(world.paths, [
        "PUT /latest/api/token",
        "GET /latest/meta-data/iam/security-credentials/",
        "GET /latest/meta-data/iam/security-credentials/the-role",
        "POST /",
      ]);
    }));

  it("are asked for anew when they have ended", () =>
    inWorld(async (world) => {
      playEcr(world, LENT);
      playMachine(world, "the-role");
      const found = await ecrKeychain(world.options).resolve(TARGET);
      world.pass(12 * HOUR);
      assertEquals((await found.authorization()).password, "password-2");
      assertEquals(world.asked.length, 8);
    }));

  it("are asked for where the environment says", () =>
    inWorld(async (world) => {
      playEcr(world, LENT);
      world.environment.AWS_EC2_METADATA_SERVICE_ENDPOINT = "http://[fd00:ec2::254]";
      playMachine(world, "the-role", "http://[fd00:ec2::254]");
      assertEquals(await passwordIn(world), "password-1");
    }));

  it("are given up after a second where nobody answers", () =>
    inWorld(async (world) => {
      world.play(IMDS, () => STALL);
      assertEquals(await passwordIn(world), "");
      assertEquals(world.givenUpAfter, [1000]);
      assertEquals(world.warnings, []);
    }));

  it("may be none: no role, no server, or told not to ask", () =>
    inWorld(async (world) => {
      assertEquals(await passwordIn(world), "");
      playMachine(world, "");
      assertEquals(await passwordIn(world), "");
      assertEquals(world.asked.length, 2);
      world.environment.AWS_EC2_METADATA_DISABLED = "TRUE";
      assertEquals(await passwordIn(world), "");
      assertEquals(world.asked.length, 2);
      assertEquals(world.warnings, []);
    }));

  it("are not repeated when their answer is broken", () =>
    inWorld(async (world) => {
      world.play(IMDS, ({ url }) =>
        url.pathname.endsWith("the-role")
          ? json(200, { AccessKeyId: "ASIA", SecretAccessKey: "lent-s3cret", Expiration: "lent-s3cret" })
          : { status: 200, body: "the-role" });
      const warning = await warningIn(world);
      assertEquals(warning, `the answer of AWS's metadata server: "Expiration" is not a time`);
      assertNoSecrets([warning], ["lent-s3cret"]);
    }));
});
