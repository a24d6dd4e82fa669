import { assertEquals } from "@std/assert";
import { json } from "../../fakes/mod.ts";
import { type Signer, verifyAwsSignature } from "../aws_signature.ts";
import type { Asked, CloudWorld } from "../cloud_world.ts";

/** A registry in Frankfurt, and the service that gives its credentials. */
export const TARGET = { registry: "123456789012.dkr.ecr.eu-central-1.amazonaws.com", repository: "team/app" };
export const FRANKFURT = "https://api.ecr.eu-central-1.amazonaws.com";
export const KEYS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "s3cret/key+" };
/** How long ECR's credentials live, in seconds. */
export const LIFE = 12 * 3600;

/** ECR: verifies the signature and gives the passwords `password-1`, `password-2`, … for twelve hours. */
export function playEcr(world: CloudWorld, keys: Partial<Signer> = {}, origin = FRANKFURT): void {
  let count = 0;
  world.play(origin, (asked) => {
    assertEquals(asked.headers.get("x-amz-target"), "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
    verifyEcrRequest(asked, { region: "eu-central-1", service: "ecr", now: world.now, ...KEYS, ...keys });
    return json(200, {
      authorizationData: [{
        authorizationToken: btoa(`AWS:password-${++count}`),
        expiresAt: world.now / 1000 + LIFE,
        proxyEndpoint: "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com",
      }],
    });
  });
}

/** Fails unless a request is one to ECR that the signer has signed. */
export function verifyEcrRequest(asked: Asked, signer: Omit<Signer, "signed">): void {
  assertEquals([asked.method, asked.url.pathname, asked.url.search], ["POST", "/", ""]);
  assertEquals(asked.headers.get("content-type"), "application/x-amz-json-1.1");
  assertEquals(JSON.parse(asked.body), {});
  verifyAwsSignature(asked, { ...signer, signed: ["x-amz-target"] });
}

/** Puts the keys into the environment of a world. */
export function giveKeys(world: CloudWorld): void {
  world.environment.AWS_ACCESS_KEY_ID = KEYS.accessKeyId;
  world.environment.AWS_SECRET_ACCESS_KEY = KEYS.secretAccessKey;
}
