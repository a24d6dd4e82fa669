import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { azureCloud } from "../../src/authn/acr/azure_cloud.ts";
import { cloudOf, lazyCloudKeychain } from "../../src/authn/clouds/mod.ts";
import { ecrService } from "../../src/authn/ecr/ecr_host.ts";
import { anonymous } from "../../src/authn/mod.ts";
import { importsOf } from "../project/imports.ts";

const HOSTS: readonly (readonly [string, string | undefined])[] = [
  ["gcr.io", "google"],
  ["eu.gcr.io", "google"],
  ["europe-west1-docker.pkg.dev", "google"],
  ["container.cloud.google.com", "google"],
  ["ghcr.io", "github"],
  ["public.ecr.aws", "ecr"],
  ["ecr-public.aws.com", "ecr"],
  ["123456789012.dkr.ecr.eu-west-1.amazonaws.com", "ecr"],
  ["123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "ecr"],
  ["123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "ecr"],
  ["123456789012.dkr-ecr.us-west-2.on.aws", "ecr"],
  ["team.azurecr.io", "acr"],
  ["team.azurecr.cn", "acr"],
  ["team.azurecr.us", "acr"],
  ["team-hash.westeurope.data.azurecr.io", "acr"],
  ["index.docker.io", undefined],
  ["registry.example.com", undefined],
  ["mygcr.io", undefined],
  ["pkg.dev", undefined],
  ["google.com", undefined],
  ["gcr.io.example.com", undefined],
  ["x.ghcr.io", undefined],
  ["public.ecr.aws.example.com", undefined],
  ["localhost:5000", undefined],
];

describe("cloudOf", () => {
  it("knows whose registry a host is", () => {
    assertEquals(HOSTS.map(([host]) => [host, cloudOf(host)]), HOSTS.map(([host, cloud]) => [host, cloud]));
  });

  it("leaves out no host that a cloud's keychain knows", () => {
    for (const [host] of HOSTS) {
      if (ecrService(host)) assertEquals(cloudOf(host), "ecr", host);
      if (azureCloud(host)) assertEquals(cloudOf(host), "acr", host);
    }
  });
});

describe("lazyCloudKeychain", () => {
  it("is signed in at the cloud's own registries alone", async () => {
    const google = lazyCloudKeychain("google", { tokenSource: { getAccessToken: () => Promise.resolve("ya29") } });
    const found = await google.resolve({ registry: "gcr.io" });
    assertEquals(await found.authorization(), { username: "_token", password: "ya29" });
    const github = lazyCloudKeychain("github", { token: "ghs" });
    assertEquals((await (await github.resolve({ registry: "ghcr.io" })).authorization()).password, "ghs");
    for (const [host] of HOSTS.filter(([, cloud]) => cloud !== "github")) {
      assertStrictEquals(await github.resolve({ registry: host }), anonymous);
    }
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(() => github.resolve({ registry: "gcr.io" }, { signal }), Error, "enough");
  });

  it("loads no cloud's code before it is needed", () => {
    const source = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
    const imports = ["src/authn/clouds/lazy_cloud_keychain.ts", "cli/keychains.ts"].flatMap((path) =>
      importsOf(source(path))
    );
    const ofClouds = imports.filter(({ specifier }) =>
      /\/(google|ecr|acr|github|clouds|kubernetes)\//.test(specifier!)
    );
    assert(ofClouds.length >= 8);
    assertEquals(ofClouds.filter(({ kind }) => kind === "static"), []);
  });
});
