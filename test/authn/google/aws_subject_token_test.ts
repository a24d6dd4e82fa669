import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { type FakeAnswer, json } from "../../fakes/mod.ts";
import { verifyAwsSignature } from "../aws_signature.ts";
import { type CloudWorld, inWorld } from "../cloud_world.ts";
import { AUDIENCE, credentialsOf, EXTERNAL, PATH, playSts, warningOf } from "./credentials_files.ts";

describe("the credentials of an external account in AWS", () => {
  const metadata = "http://169.254.169.254/latest";
  const file = {
    ...EXTERNAL,
    subject_token_type: "urn:ietf:params:aws:token-type:aws4_request",
    credential_source: {
      environment_id: "aws1",
      region_url: `${metadata}/meta-data/placement/availability-zone`,
      url: `${metadata}/meta-data/iam/security-credentials`,
      imdsv2_session_token_url: `${metadata}/api/token`,
      regional_cred_verification_url: "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
    },
  };

  /** Verifies AWS's word as Google does: by sending it to AWS, which verifies the signature. */
  function playStsForAws(
    world: CloudWorld,
    signer: { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
  ) {
    playSts(world, (subject) => {
      const { url, method, headers } = JSON.parse(decodeURIComponent(subject)) as {
        url: string;
        method: string;
        headers: { key: string; value: string }[];
      };
      const request = {
        method,
        url: new URL(url),
        headers: new Headers(headers.map(({ key, value }) => [key, value])),
      };
      assertEquals(request.url.search, "?Action=GetCallerIdentity&Version=2011-06-15");
      assertEquals(request.headers.get("host"), "sts.eu-central-1.amazonaws.com");
      assertEquals(request.headers.get("x-goog-cloud-target-resource"), AUDIENCE);
      const signed = ["x-goog-cloud-target-resource"];
      verifyAwsSignature({ ...request, body: "" }, {
        ...signer,
        region: "eu-central-1",
        service: "sts",
        now: world.now,
        signed,
      });
    }, { subject_token_type: "urn:ietf:params:aws:token-type:aws4_request" });
  }

  it("are a signed request, by the environment's key", () =>
    inWorld(async (world) => {
      world.environment.AWS_ACCESS_KEY_ID = "AKIDENV";
      world.environment.AWS_SECRET_ACCESS_KEY = "s3cret";
      world.environment.AWS_REGION = "eu-central-1";
      playStsForAws(world, { accessKeyId: "AKIDENV", secretAccessKey: "s3cret" });
      assertEquals(await credentialsOf(world, file), "federated");
      assertEquals(world.paths, ["POST /v1/token"]);
    }));

  it("need a URL for what is not in the environment: the keys, the region, or both", () =>
    inWorld(async (world) => {
      const source = `${PATH}: "credential_source"`;
      const missing = `${source} names no URL for AWS's region and keys, and they are not in the environment`;
      const { url, region_url, ...neither } = file.credential_source;
      const bad = async (credential_source: unknown) => await warningOf(world, { ...file, credential_source });
      assertEquals(await bad(neither), missing);
      assertEquals(await bad({ ...neither, url }), missing);
      assertEquals(await bad({ ...neither, region_url }), missing);
      world.environment.AWS_REGION = "eu-central-1";
      assertEquals(await bad({ ...neither, region_url }), missing);
      delete world.environment.AWS_REGION;
      Object.assign(world.environment, { AWS_ACCESS_KEY_ID: "AKIDENV", AWS_SECRET_ACCESS_KEY: "s3cret" });
      assertEquals(await bad({ ...neither, url }), missing);
      assertEquals(world.asked, []);
    }));

  it("take the region from the machine where the environment has the keys alone, and the other way around", () =>
    inWorld(async (world) => {
      const asked: string[] = [];
      world.play("http://169.254.169.254", ({ url }): FakeAnswer => {
        asked.push(url.pathname.replace(/^.*\//, ""));
        if (url.pathname === "/latest/api/token") return { status: 200, body: "session" };
        if (url.pathname.endsWith("/availability-zone")) return { status: 200, body: "eu-central-1b" };
        if (url.pathname.endsWith("/security-credentials")) return { status: 200, body: "the-role" };
        return json(200, { AccessKeyId: "ASIAROLE", SecretAccessKey: "lent", Token: "session-token" });
      });
      const { url, region_url, ...neither } = file.credential_source;
      Object.assign(world.environment, { AWS_ACCESS_KEY_ID: "AKIDENV", AWS_SECRET_ACCESS_KEY: "s3cret" });
      playStsForAws(world, { accessKeyId: "AKIDENV", secretAccessKey: "s3cret" });
      assertEquals(await credentialsOf(world, { ...file, credential_source: { ...neither, region_url } }), "federated");
      assertEquals(asked.splice(0), ["token", "availability-zone"]);
      delete world.environment.AWS_ACCESS_KEY_ID;
      world.environment.AWS_REGION = "eu-central-1";
      playStsForAws(world, { accessKeyId: "ASIAROLE", secretAccessKey: "lent", sessionToken: "session-token" });
      assertEquals(await credentialsOf(world, { ...file, credential_source: { ...neither, url } }), "federated");
      assertEquals(asked, ["token", "security-credentials", "the-role"]);
    }));

  it("are a signed request, by the key of the machine's role", () =>
    inWorld(async (world) => {
      world.play("http://169.254.169.254", ({ method, url, headers }): FakeAnswer => {
        if (url.pathname === "/latest/api/token") {
          assertEquals([method, headers.get("x-aws-ec2-metadata-token-ttl-seconds")], ["PUT", "300"]);
          return { status: 200, body: "session" };
        }
        if (headers.get("x-aws-ec2-metadata-token") !== "session") return { status: 401 };
        switch (url.pathname.replace("/latest/meta-data/", "")) {
          case "placement/availability-zone":
            return { status: 200, body: "eu-central-1b" };
          case "iam/security-credentials":
            return { status: 200, body: "the-role" };
          case "iam/security-credentials/the-role":
            return json(200, { AccessKeyId: "ASIAROLE", SecretAccessKey: "lent", Token: "session-token" });
          default:
            return { status: 404 };
        }
      });
      playStsForAws(world, { accessKeyId: "ASIAROLE", secretAccessKey: "lent", sessionToken: "session-token" });
      assertEquals(await credentialsOf(world, file), "federated");
    }));
});
