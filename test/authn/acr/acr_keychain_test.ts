import { describe, it } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { authToHelper } from "../../../src/authn/internal.ts";
import { anonymous } from "../../../src/authn/mod.ts";
import { acrKeychain, type AcrKeychainOptions } from "../../../src/authn/acr/mod.ts";
import { type FakeAnswer, json, STALL } from "../../fakes/mod.ts";
import { assertNoSecrets, type CloudWorld, formOf, inWorld } from "../cloud_world.ts";

const REGISTRY = "team.azurecr.io";
const TARGET = { registry: REGISTRY, repository: "app" };
const RESOURCE = "https://containerregistry.azure.net";
const ENTRA = "https://login.microsoftonline.com";
const IMDS = "http://169.254.169.254";
const SECRET = "client-s3cret~";

/** An identity token of a registry: a JWT that ends so many seconds from now. */
function identityToken(world: CloudWorld, name: string, seconds: number): string {
  const part = (value: unknown) =>
    btoa(JSON.stringify(value)).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
  return `${part({ alg: "RS256" })}.${part({ sub: "???>>>", exp: world.now / 1000 + seconds })}.${name}`;
}

/** A registry of Azure, which issues identity tokens for three hours in exchange for the token of Entra ID. */
function playRegistry(world: CloudWorld, shows: () => string = () => "entra-1", registry: string = REGISTRY): void {
  let count = 0;
  world.play(`https://${registry}`, (asked) => {
    assertEquals(asked.url.pathname, "/oauth2/exchange");
    const { tenant, ...form } = formOf(asked);
    assertEquals(tenant, world.environment.AZURE_TENANT_ID);
    assertEquals(form, { grant_type: "access_token", service: registry, access_token: shows() });
    return json(200, { refresh_token: identityToken(world, `identity-${++count}`, 3 * 3600) });
  });
}

/** Entra ID: gives `entra-1`, `entra-2`, … to a client that proves itself. */
function playEntra(
  world: CloudWorld,
  proof: () => Record<string, string>,
  cloud = { origin: ENTRA, resource: RESOURCE },
) {
  let count = 0;
  world.play(cloud.origin, (asked) => {
    assertEquals(asked.url.pathname, "/the-tenant/oauth2/v2.0/token");
    assertEquals(formOf(asked), {
      grant_type: "client_credentials",
      client_id: "the-client",
      scope: `${cloud.resource}/.default`,
      ...proof(),
    });
    return json(200, {
      token_type: "Bearer",
      expires_in: 3599,
      ext_expires_in: 3599,
      access_token: `entra-${++count}`,
    });
  });
  return () => `entra-${count}`;
}

function giveSecret(world: CloudWorld): void {
  world.environment.AZURE_TENANT_ID = "the-tenant";
  world.environment.AZURE_CLIENT_ID = "the-client";
  world.environment.AZURE_CLIENT_SECRET = SECRET;
}

async function identityIn(world: CloudWorld, options: AcrKeychainOptions = {}, registry = REGISTRY): Promise<string> {
  const found = await acrKeychain({ ...world.options, ...options }).resolve({ registry });
  return (await found.authorization()).identityToken?.split(".")[2] ?? "";
}

async function warningIn(world: CloudWorld): Promise<string> {
  assertEquals(await identityIn(world), "");
  assertEquals(world.warnings.length, 1);
  return world.warnings.pop()!.replace(`no credentials for ${REGISTRY}: `, "");
}

describe("acrKeychain", () => {
  it("looks at nothing for another registry", () =>
    inWorld(async (world) => {
      giveSecret(world);
      const keychain = acrKeychain(world.options);
      const others = [
        "mcr.microsoft.com",
        "azurecr.io",
        ".azurecr.io",
        "team.azurecr.com",
        "team.azurecr.io.evil.com",
        "evil.com/team.azurecr.io",
        "evil.com#.azurecr.io",
        "user@team.azurecr.io",
        "team.azurecr.io:5000",
        "xazurecr.io",
      ];
      for (const registry of others) assertStrictEquals(await keychain.resolve({ registry }), anonymous, registry);
      assertEquals(world.looked, []);
      assertEquals(world.asked, []);
    }));

  it("exchanges a token of Entra ID at the registry for an identity token", () =>
    inWorld(async (world) => {
      giveSecret(world);
      playRegistry(world, playEntra(world, () => ({ client_secret: SECRET })));
      const shown = await (await acrKeychain(world.options).resolve(TARGET)).authorization();
      const secret = identityToken(world, "identity-1", 3 * 3600);
      assertEquals(shown, { username: "00000000-0000-0000-0000-000000000000", identityToken: secret });
      assertEquals(authToHelper(shown), { username: "<token>", secret });
    }));

  const CLOUDS: readonly (readonly [ending: string, origin: string, resource: string])[] = [
    ["cn", "https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn"],
    ["us", "https://login.microsoftonline.us", "https://management.usgovcloudapi.net"],
    ["de", "https://login.microsoftonline.de", "https://management.microsoftazure.de"],
  ];
  for (const [ending, origin, resource] of CLOUDS) {
    it(`does so in the cloud of *.azurecr.${ending}`, () =>
      inWorld(async (world) => {
        giveSecret(world);
        const registry = `team.azurecr.${ending}`;
        playRegistry(world, playEntra(world, () => ({ client_secret: SECRET }), { origin, resource }), registry);
        assertEquals(await identityIn(world, {}, registry), "identity-1");
      }));
  }

  it("exchanges one token of Entra ID for all registries, each once for all who ask at the same time", () =>
    inWorld(async (world) => {
      giveSecret(world);
      const token = playEntra(world, () => ({ client_secret: SECRET }));
      playRegistry(world, token);
      playRegistry(world, token, "other.azurecr.io");
      const keychain = acrKeychain(world.options);
      const registries = [REGISTRY, "other.azurecr.io", REGISTRY, "other.azurecr.io"];
      await Promise.all(registries.map(async (registry) => (await keychain.resolve({ registry })).authorization()));
      const asked = world.asked.map(({ url }) => url.host);
      assertEquals(asked.sort(), ["login.microsoftonline.com", "other.azurecr.io", "team.azurecr.io"]);
    }));

  it("renews both, each at its own end", () =>
    inWorld(async (world) => {
      giveSecret(world);
      playRegistry(world, playEntra(world, () => ({ client_secret: SECRET })));
      const found = await acrKeychain(world.options).resolve(TARGET);
      const identity = async () => (await found.authorization()).identityToken!.split(".")[2];
      world.pass(3 * 3600 - 61);
      assertEquals(await identity(), "identity-1");
      world.pass(1);
      assertEquals(await identity(), "identity-2");
      assertEquals(world.asked.map(({ url }) => url.host), [
        "login.microsoftonline.com",
        REGISTRY,
        "login.microsoftonline.com",
        REGISTRY,
      ]);
    }));

  it("believes for an hour in an identity token that does not say when it ends", () =>
    inWorld(async (world) => {
      let count = 0;
      world.play(`https://${REGISTRY}`, () => json(200, { refresh_token: `opaque-${++count}` }));
      const credential = { getToken: () => Promise.resolve({ token: "t", expiresOnTimestamp: world.now + 3600_000 }) };
      const found = await acrKeychain({ ...world.options, credential }).resolve(TARGET);
      world.pass(3539);
      assertEquals((await found.authorization()).identityToken, "opaque-1");
      world.pass(1);
      assertEquals((await found.authorization()).identityToken, "opaque-2");
    }));

  it("takes any credential of @azure/identity, for the scope that registries want", () =>
    inWorld(async (world) => {
      playRegistry(world, () => "plugged-in");
      const scopes: string[] = [];
      const credential = {
        getToken: (scope: string) => {
          scopes.push(scope);
          return Promise.resolve({ token: "plugged-in", expiresOnTimestamp: world.now + 3600_000 });
        },
      };
      assertEquals(await identityIn(world, { credential }), "identity-1");
      assertEquals(scopes, [`${RESOURCE}/.default`]);
      assertEquals(await identityIn(world, { credential: { getToken: () => Promise.resolve(null) } }), "");
      assertEquals(world.warnings, []);
    }));

  it("is anonymous where the registry refuses, in its words", () =>
    inWorld(async (world) => {
      giveSecret(world);
      playEntra(world, () => ({ client_secret: SECRET }));
      const errors = [{ code: "UNAUTHORIZED", message: "authentication required for entra-1" }];
      world.play(`https://${REGISTRY}`, () => json(401, { errors }));
      assertEquals(
        await warningIn(world),
        `team.azurecr.io: POST https://team.azurecr.io/oauth2/exchange: 401: UNAUTHORIZED: authentication required for REDACTED`,
      );
      world.play(`https://${REGISTRY}`, () => ({ status: 307, headers: { location: "https://evil.example.com/" } }));
      assertEquals(await warningIn(world), "team.azurecr.io: POST https://team.azurecr.io/oauth2/exchange: 307");
      assertEquals(world.asked.filter(({ url }) => url.host === "evil.example.com"), []);
    }));
});

describe("the client of Entra ID", () => {
  it("that Entra ID refuses is told so, without its secret", () =>
    inWorld(async (world) => {
      giveSecret(world);
      world.play(ENTRA, () =>
        json(401, {
          error: "invalid_client",
          error_description: `AADSTS7000215: Invalid client secret provided: ${SECRET}.\r\nTrace ID: 0`,
          error_codes: [7000215],
        }));
      const warning = await warningIn(world);
      assertNoSecrets([warning], [SECRET]);
      assertEquals(
        warning,
        "Entra ID: POST https://login.microsoftonline.com/the-tenant/oauth2/v2.0/token: 401: invalid_client: " +
          "AADSTS7000215: Invalid client secret provided: REDACTED. Trace ID: 0",
      );
    }));

  it("needs its name and its tenant", () =>
    inWorld(async (world) => {
      giveSecret(world);
      delete world.environment.AZURE_CLIENT_ID;
      assertEquals(await warningIn(world), "AZURE_CLIENT_ID is not set, and other variables of Azure's are");
      delete world.environment.AZURE_TENANT_ID;
      assertEquals(await warningIn(world), "AZURE_TENANT_ID is not set, and other variables of Azure's are");
      assertEquals(world.asked, []);
    }));

  it("signs in where AZURE_AUTHORITY_HOST says, and not in plain text", () =>
    inWorld(async (world) => {
      giveSecret(world);
      const origin = "https://login.example.com";
      world.environment.AZURE_AUTHORITY_HOST = `${origin}/`;
      playRegistry(world, playEntra(world, () => ({ client_secret: SECRET }), { origin, resource: RESOURCE }));
      assertEquals(await identityIn(world), "identity-1");
      world.environment.AZURE_AUTHORITY_HOST = "http://login.example.com/";
      const why = "http://login.example.com is not https, and secrets would be sent there";
      assertEquals(await warningIn(world), `AZURE_AUTHORITY_HOST: ${why}`);
    }));
});

describe("workload identity", () => {
  it("proves itself with what is in a file, read each time", () =>
    inWorld(async (world) => {
      world.environment.AZURE_TENANT_ID = "the-tenant";
      world.environment.AZURE_CLIENT_ID = "the-client";
      world.environment.AZURE_FEDERATED_TOKEN_FILE = "/var/run/token";
      world.files["/var/run/token"] = "word-1\n";
      let word = "word-1";
      playRegistry(
        world,
        playEntra(world, () => ({
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion: word,
        })),
      );
      const found = await acrKeychain(world.options).resolve(TARGET);
      world.files["/var/run/token"] = word = "word-2";
      world.pass(3 * 3600);
      assertEquals((await found.authorization()).identityToken?.split(".")[2], "identity-2");
      delete world.files["/var/run/token"];
      assertEquals(
        await warningIn(world),
        "AZURE_FEDERATED_TOKEN_FILE names /var/run/token, which is missing or empty",
      );
    }));
});

describe("Azure's managed identity", () => {
  /** The metadata server of a machine. */
  function playMachine(world: CloudWorld, token: (parameters: Record<string, string>) => FakeAnswer): void {
    world.play(IMDS, ({ method, url, headers }) => {
      assertEquals([method, url.pathname], ["GET", "/metadata/identity/oauth2/token"]);
      if (headers.get("metadata") !== "true") return json(400, { error: "invalid_request" });
      return token(Object.fromEntries(url.searchParams));
    });
  }

  const gives = (world: CloudWorld) => () =>
    json(200, {
      access_token: "entra-1",
      expires_in: "3599",
      expires_on: String(world.now / 1000 + 3599),
      token_type: "Bearer",
    });

  it("is the machine's, where its metadata server answers", () =>
    inWorld(async (world) => {
      playRegistry(world);
      playMachine(world, (parameters) => {
        assertEquals(parameters, { "api-version": "2018-02-01", "resource": RESOURCE });
        return gives(world)();
      });
      assertEquals(await identityIn(world), "identity-1");
    }));

  it("may be one of several", () =>
    inWorld(async (world) => {
      playRegistry(world);
      world.environment.AZURE_CLIENT_ID = "the-client";
      playMachine(world, ({ client_id }) => {
        assertEquals(client_id, "the-client");
        return gives(world)();
      });
      assertEquals(await identityIn(world), "identity-1");
    }));

  it("is the service's, where there is one", () =>
    inWorld(async (world) => {
      playRegistry(world);
      world.environment.IDENTITY_ENDPOINT = "http://127.0.0.1:41741/msi/token";
      world.environment.IDENTITY_HEADER = "header-s3cret";
      world.play("http://127.0.0.1:41741", ({ url, headers }) => {
        assertEquals(url.pathname, "/msi/token");
        assertEquals(Object.fromEntries(url.searchParams), { "api-version": "2019-08-01", "resource": RESOURCE });
        if (headers.get("x-identity-header") !== "header-s3cret") return { status: 401 };
        return json(200, { access_token: "entra-1", expires_on: String(world.now / 1000 + 3600) });
      });
      assertEquals(await identityIn(world), "identity-1");
    }));

  it("is given up after a second where nobody answers", () =>
    inWorld(async (world) => {
      world.play(IMDS, () => STALL);
      assertEquals(await identityIn(world), "");
      assertEquals(world.givenUpAfter, [1000]);
      assertEquals(world.warnings, []);
    }));

  it("is not asked for where somebody else answers at the address", () =>
    inWorld(async (world) => {
      for (const status of [401, 403, 404, 503]) {
        world.play(IMDS, () => ({ status }));
        assertEquals(await identityIn(world), "");
      }
      assertEquals(world.asked.length, 4);
      assertEquals(world.warnings, []);
    }));

  it("may be none", () =>
    inWorld(async (world) => {
      assertEquals(await identityIn(world), "");
      playMachine(world, () => json(400, { error: "invalid_request", error_description: "Identity not found" }));
      assertEquals(await identityIn(world), "");
      assertEquals(world.warnings, []);
    }));

  it("is asked for again when that fails in passing", () =>
    inWorld(async (world) => {
      playRegistry(world);
      const answers = [{ status: 429 }, { status: 500 }];
      playMachine(world, () => answers.shift() ?? gives(world)());
      assertEquals(await identityIn(world), "identity-1");
      assertEquals(world.waits.length, 2);
    }));
});
