import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { anonymous } from "../../../src/authn/mod.ts";
import { ecrKeychain } from "../../../src/authn/ecr/mod.ts";
import { AuthError } from "../../../src/errors.ts";
import { json } from "../../fakes/mod.ts";
import { assertNoSecrets, inWorld } from "../cloud_world.ts";
import { FRANKFURT, giveKeys, KEYS, LIFE, playEcr, TARGET, verifyEcrRequest } from "./ecr_servers.ts";

describe("ecrKeychain", () => {
  it("looks at nothing for another registry", () =>
    inWorld(async (world) => {
      giveKeys(world);
      const keychain = ecrKeychain(world.options);
      const others = [
        "gcr.io",
        "12345678901.dkr.ecr.eu-central-1.amazonaws.com",
        "1234567890123.dkr.ecr.eu-central-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.com",
        "123456789012.dkr.ecr.eu-central-1.evil.com",
        "123456789012.dkr.ecr.eu-central-1.constructor",
        "123456789012.dkr-ecr.eu-central-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-central-1.on.aws",
        "123456789012.dkr-ecr.eu-central-1.toString",
        "evil.com.123456789012.dkr.ecr.eu-central-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com:5000",
        "123456789012.dkr.ecr.evil.com#.amazonaws.com",
        "x.public.ecr.aws",
      ];
      for (const registry of others) assertStrictEquals(await keychain.resolve({ registry }), anonymous, registry);
      assertEquals(world.looked, []);
      assertEquals(world.asked, []);
    }));

  it("asks ECR with a signed request for the name and the password", () =>
    inWorld(async (world) => {
      giveKeys(world);
      playEcr(world);
      const found = await ecrKeychain(world.options).resolve(TARGET);
      assertEquals(await found.authorization(), { username: "AWS", password: "password-1" });
    }));

  it("signs with a session's token too", () =>
    inWorld(async (world) => {
      giveKeys(world);
      world.environment.AWS_SESSION_TOKEN = "session-token";
      playEcr(world, { sessionToken: "session-token" });
      const found = await ecrKeychain(world.options).resolve(TARGET);
      assertEquals((await found.authorization()).password, "password-1");
    }));

  it("refuses keys that no header can carry, and does not repeat them", () =>
    inWorld(async (world) => {
      for (const odd of [{ sessionToken: "s3c\r\nret" }, { sessionToken: "s3crét" }, { accessKeyId: "s3cret\n" }]) {
        const keychain = ecrKeychain({ ...world.options, credentials: { ...KEYS, ...odd } });
        assertStrictEquals(await keychain.resolve(TARGET), anonymous);
        assertStringIncludes(world.warnings.at(-1)!, "the keys for AWS have characters that no header can carry");
      }
      assertEquals(world.warnings.length, 3);
      assertNoSecrets(world.warnings, ["s3c"]);
      assertEquals(world.asked, []);
    }));

  it("takes keys, or what gives them, as the AWS SDK has them", () =>
    inWorld(async (world) => {
      playEcr(world);
      for (const credentials of [KEYS, () => Promise.resolve(KEYS)]) {
        const found = await ecrKeychain({ ...world.options, credentials }).resolve(TARGET);
        assertEquals((await found.authorization()).username, "AWS");
      }
      assertEquals(new Set(world.looked), new Set(["$AWS_ENDPOINT_URL_ECR", "$AWS_ENDPOINT_URL"]));
    }));

  const HOSTS: readonly (readonly [host: string, region: string, api: string])[] = [
    ["dkr.ecr.us-east-1.amazonaws.com", "us-east-1", "api.ecr.us-east-1.amazonaws.com"],
    ["dkr.ecr-fips.us-east-1.amazonaws.com", "us-east-1", "ecr-fips.us-east-1.amazonaws.com"],
    ["dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1", "ecr-fips.us-gov-west-1.amazonaws.com"],
    ["dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1", "api.ecr.cn-north-1.amazonaws.com.cn"],
    ["dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "api.ecr.eusc-de-east-1.amazonaws.eu"],
    ["dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", "api.ecr.us-iso-east-1.c2s.ic.gov"],
    ["dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1", "api.ecr.us-isob-east-1.sc2s.sgov.gov"],
    ["dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1", "api.ecr.eu-isoe-west-1.cloud.adc-e.uk"],
    ["dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1", "api.ecr.us-isof-south-1.csp.hci.ic.gov"],
    ["dkr-ecr.eu-west-1.on.aws", "eu-west-1", "ecr.eu-west-1.api.aws"],
    ["dkr-ecr-fips.us-west-2.on.aws", "us-west-2", "ecr-fips.us-west-2.api.aws"],
    ["dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1", "ecr.cn-north-1.api.amazonwebservices.com.cn"],
  ];
  for (const [host, region, api] of HOSTS) {
    it(`asks ${api} for *.${host}`, () =>
      inWorld(async (world) => {
        giveKeys(world);
        playEcr(world, { region }, `https://${api}`);
        const found = await ecrKeychain(world.options).resolve({ registry: `123456789012.${host}` });
        assertEquals((await found.authorization()).password, "password-1");
      }));
  }

  it("asks ECR Public in its one region, and takes its single answer", () =>
    inWorld(async (world) => {
      giveKeys(world);
      world.environment.AWS_REGION = "eu-central-1";
      world.play("https://api.ecr-public.us-east-1.amazonaws.com", (asked) => {
        assertEquals(asked.headers.get("x-amz-target"), "SpencerFrontendService.GetAuthorizationToken");
        verifyEcrRequest(asked, { ...KEYS, region: "us-east-1", service: "ecr-public", now: world.now });
        const authorizationToken = btoa("AWS:of-public");
        return json(200, { authorizationData: { authorizationToken, expiresAt: world.now / 1000 + LIFE } });
      });
      const keychain = ecrKeychain(world.options);
      for (const registry of ["public.ecr.aws", "ecr-public.aws.com"]) {
        const found = await keychain.resolve({ registry, repository: "docker/library/redis" });
        assertEquals(await found.authorization(), { username: "AWS", password: "of-public" });
      }
      assertEquals(world.asked.length, 1);
    }));

  it("asks where the environment says, and then signs for that host", () =>
    inWorld(async (world) => {
      giveKeys(world);
      for (const name of ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR"]) {
        const origin = `https://${name.toLowerCase().replaceAll("_", "-")}.example.com`;
        world.environment[name] = origin;
        playEcr(world, {}, origin);
        const found = await ecrKeychain(world.options).resolve(TARGET);
        assertEquals((await found.authorization()).password, "password-1");
      }
      world.environment.AWS_ENDPOINT_URL_ECR = "http://example.com";
      assertStrictEquals(await ecrKeychain(world.options).resolve(TARGET), anonymous);
      assertEquals(world.warnings.length, 1);
    }));

  it("asks once for all registries of a region and for all who ask at the same time", () =>
    inWorld(async (world) => {
      giveKeys(world);
      playEcr(world);
      const keychain = ecrKeychain(world.options);
      const accounts = ["123456789012", "210987654321", "111122223333"];
      const found = await Promise.all(
        accounts.map((account) => keychain.resolve({ registry: `${account}.dkr.ecr.eu-central-1.amazonaws.com` })),
      );
      const shown = await Promise.all(found.map((each) => each.authorization()));
      assertEquals(new Set(shown.map(({ password }) => password)), new Set(["password-1"]));
      assertEquals(world.asked.length, 1);
    }));

  it("asks anew shortly before the end", () =>
    inWorld(async (world) => {
      giveKeys(world);
      playEcr(world);
      const found = await ecrKeychain(world.options).resolve(TARGET);
      world.pass(LIFE - 61);
      assertEquals((await found.authorization()).password, "password-1");
      world.pass(1);
      assertEquals((await found.authorization()).password, "password-2");
    }));

  it("is anonymous where ECR refuses, in its words and without secrets", () =>
    inWorld(async (world) => {
      giveKeys(world);
      world.play(FRANKFURT, ({ headers }) =>
        json(400, {
          __type: "com.amazon.coral.service#UnrecognizedClientException",
          message: `The security token is invalid: ${KEYS.secretAccessKey} ${headers.get("authorization")}`,
        }));
      assertStrictEquals(await ecrKeychain(world.options).resolve(TARGET), anonymous);
      assertEquals(world.warnings.length, 1);
      const [warning] = world.warnings;
      const says = "no credentials for 123456789012.dkr.ecr.eu-central-1.amazonaws.com: AWS's container registry: " +
        "POST https://api.ecr.eu-central-1.amazonaws.com/: 400: UnrecognizedClientException: The security token is invalid:";
      assertEquals(warning.slice(0, says.length), says);
      assertNoSecrets(world.warnings, [
        KEYS.secretAccessKey,
        /Signature=(\w+)/.exec(world.asked[0].headers.get("authorization")!)![1],
      ]);
    }));

  it("does not take an answer that is none", () =>
    inWorld(async (world) => {
      giveKeys(world);
      let answer: unknown;
      world.play(FRANKFURT, () => json(200, answer));
      const bad = async (value: unknown) => {
        answer = value;
        assertStrictEquals(await ecrKeychain(world.options).resolve(TARGET), anonymous);
        return world.warnings.pop()!.replace(/^.*: the answer of AWS's container registry: /, "");
      };
      assertEquals(await bad({}), `"authorizationData" is missing`);
      assertEquals(await bad({ authorizationData: [] }), `"authorizationData" is missing`);
      assertEquals(await bad({ authorizationData: [{}] }), `"authorizationToken" is missing`);
      assertEquals(
        await bad({ authorizationData: [{ authorizationToken: btoa("s3cret") }] }),
        `"authorizationToken" is not base64 of a name and a password`,
      );
    }));

  it("fails, rather than go on as nobody, when a renewal is refused at the end", () =>
    inWorld(async (world) => {
      giveKeys(world);
      playEcr(world);
      const found = await ecrKeychain(world.options).resolve(TARGET);
      world.play(FRANKFURT, () => json(400, { __type: "ExpiredTokenException" }));
      world.pass(LIFE);
      await assertRejects(() => found.authorization(), AuthError, "can't be renewed");
    }));
});
