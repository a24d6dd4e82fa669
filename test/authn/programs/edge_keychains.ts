// Signs in with the clouds where there are web standards and nothing else: no files, no programs, no environment but
// the one that is handed over. Prints what registries would be shown.
const hidden = { value: undefined, configurable: true, writable: true };
const [serviceAccountKey] = process.argv.slice(2);
for (const name of ["Deno", "process"]) Object.defineProperty(globalThis, name, hidden);

const { acrKeychain } = await import("../../../src/authn/acr/mod.ts");
const { ecrKeychain } = await import("../../../src/authn/ecr/mod.ts");
const { githubKeychain } = await import("../../../src/authn/github/mod.ts");
const { googleKeychain } = await import("../../../src/authn/google/mod.ts");

const env: Record<string, string> = {
  AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "s3cret",
  AZURE_CLIENT_ID: "client",
  AZURE_CLIENT_SECRET: "s3cret",
  AZURE_TENANT_ID: "tenant",
  GITHUB_TOKEN: "ghs_token",
};
const answers: Record<string, unknown> = {
  "oauth2.googleapis.com": { access_token: "google", expires_in: 3600 },
  "api.ecr.eu-central-1.amazonaws.com": { authorizationData: [{ authorizationToken: btoa("AWS:aws") }] },
  "login.microsoftonline.com": { access_token: "entra", expires_in: 3600 },
  "team.azurecr.io": { refresh_token: "azure" },
};
const fetch = (input: string | URL | Request) => {
  const answer = answers[new URL(input instanceof Request ? input.url : input).host];
  return answer === undefined ? Promise.reject(new TypeError("fetch failed")) : Promise.resolve(Response.json(answer));
};
const warnings: string[] = [];
const options = {
  fetch: fetch as typeof globalThis.fetch,
  environment: (name: string) => env[name],
  warn: (message: string) => void warnings.push(message),
};

const shown = [];
for (
  const [keychain, registry] of [
    [googleKeychain({ ...options, credentials: serviceAccountKey }), "gcr.io"],
    [ecrKeychain(options), "123456789012.dkr.ecr.eu-central-1.amazonaws.com"],
    [acrKeychain(options), "team.azurecr.io"],
    [githubKeychain(options), "ghcr.io"],
    [googleKeychain(options), "gcr.io"],
    [ecrKeychain({ ...options, environment: () => undefined }), "public.ecr.aws"],
    [acrKeychain({ ...options, environment: () => undefined }), "team.azurecr.io"],
    [githubKeychain(), "ghcr.io"],
  ] as const
) {
  const { username, password, identityToken } = await (await keychain.resolve({ registry })).authorization();
  shown.push([username, password ?? identityToken]);
}
console.log(JSON.stringify({ shown, warnings }));
