import { describe, it } from "node:test";
import { assertThrows } from "@std/assert";
import { type SignedRequest, type Signer, verifyAwsSignature } from "./aws_signature.ts";

describe("the verification of AWS's signatures in these tests", () => {
  // The request "get-vanilla" of AWS's own suite for Signature Version 4.
  const request: SignedRequest = {
    method: "GET",
    url: new URL("https://example.amazonaws.com/"),
    headers: new Headers({
      "x-amz-date": "20150830T123600Z",
      "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
        "SignedHeaders=host;x-amz-date, " +
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    }),
    body: "",
  };
  const signer: Signer = {
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    region: "us-east-1",
    service: "service",
    now: Date.parse("2015-08-30T12:36:00Z"),
    signed: [],
  };

  it("takes the one of AWS's example", () => verifyAwsSignature(request, signer));

  it("refuses what is not exactly that", () => {
    const refused = (changes: Partial<SignedRequest>, other: Partial<Signer> = {}) =>
      assertThrows(() => verifyAwsSignature({ ...request, ...changes }, { ...signer, ...other }));
    refused({ method: "POST" });
    refused({ url: new URL("https://example.amazonaws.com/other") });
    refused({ url: new URL("https://example.amazonaws.com/?a=b") });
    refused({ url: new URL("https://other.amazonaws.com/") });
    refused({ headers: new Headers() });
    refused({ body: "{}" });
    refused({}, { secretAccessKey: "another" });
    refused({}, { accessKeyId: "AKIDOTHER" });
    refused({}, { sessionToken: "token" });
    refused({}, { region: "us-east-2" });
    refused({}, { service: "ecr" });
    refused({}, { now: signer.now + 6 * 60_000 });
    refused({}, { signed: ["x-amz-target"] });
  });
});
