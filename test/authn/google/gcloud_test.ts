import { after, before, describe, it } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { anonymous } from "../../../src/authn/mod.ts";
import { googleKeychain, type GoogleKeychainOptions } from "../../../src/authn/google/mod.ts";
import { assertNoSecrets, type CloudWorld, inWorld } from "../cloud_world.ts";

const TARGET = { registry: "gcr.io", repository: "project/app" };
const EXPIRY = "2026-03-04T06:00:00Z";

describe("gcloud", { skip: process.platform === "win32" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_gcloud_"));
  const gcloud = join(folder, "gcloud");
  const log = join(folder, "log");
  before(() => write("exit 1"));
  after(() => rmSync(folder, { recursive: true }));

  /** Makes gcloud a script that writes its arguments down, one per line, and then runs `script`. */
  function write(script: string): void {
    writeFileSync(gcloud, `#!/bin/sh\nprintf '%s\\n' "$@" >> '${log}'\n${script}\n`);
    chmodSync(gcloud, 0o755);
    rmSync(log, { force: true });
  }

  async function credentialsIn(world: CloudWorld, options: GoogleKeychainOptions = {}) {
    return await (await googleKeychain({ ...world.options, gcloud, ...options }).resolve(TARGET)).authorization();
  }

  const prints = (output: unknown) => write(`cat <<'END'\n${JSON.stringify(output)}\nEND`);

  it("is asked for a new token, without a shell", () =>
    inWorld(async (world) => {
      prints({ credential: { access_token: "token-1", token_expiry: EXPIRY } });
      assertEquals(await credentialsIn(world), { username: "_token", password: "token-1" });
      assertEquals(
        readFileSync(log, "utf8"),
        "config\nconfig-helper\n--force-auth-refresh\n--format=json(credential)\n",
      );
      assertEquals(world.warnings, []);
    }));

  it("is asked once, and again at the token's end", () =>
    inWorld(async (world) => {
      prints({ credential: { access_token: "token-1", token_expiry: EXPIRY } });
      const keychain = googleKeychain({ ...world.options, gcloud });
      const found = await Promise.all([1, 2, 3].map(() => keychain.resolve(TARGET)));
      assertEquals(readFileSync(log, "utf8").split("\n").length, 5);
      prints({ credential: { access_token: "token-2", token_expiry: "2026-03-04T07:00:00Z" } });
      world.now = Date.parse(EXPIRY);
      assertEquals((await found[0].authorization()).password, "token-2");
    }));

  it("is the one that GCRANE_GCLOUD names", () =>
    inWorld(async (world) => {
      prints({ credential: { access_token: "token-1", token_expiry: EXPIRY } });
      world.environment.GCRANE_GCLOUD = gcloud;
      assertEquals((await credentialsIn(world, { gcloud: undefined })).password, "token-1");
    }));

  it("need not be there", () =>
    inWorld(async (world) => {
      assertStrictEquals(
        await googleKeychain({ ...world.options, gcloud: join(folder, "gone") }).resolve(TARGET),
        anonymous,
      );
      const run = () => Promise.reject(Object.assign(new Error("no programs here"), { name: "NotSupportedError" }));
      assertStrictEquals(await googleKeychain({ ...world.options, run }).resolve(TARGET), anonymous);
      assertEquals(world.warnings, []);
    }));

  const FAULTS: readonly (readonly [name: string, script: string, says: string])[] = [
    [
      "prints an error",
      "echo 's3cret: you do not have an active account' >&2; echo s3cret; exit 1",
      "gcloud config config-helper failed with exit code 1 (sign in with: gcloud auth login)",
    ],
    ["prints nothing", "exit 0", "gcloud config config-helper printed nothing (sign in with: gcloud auth login)"],
    [
      "prints something else",
      "echo s3cret",
      "the output of gcloud config config-helper: it is not JSON (sign in with: gcloud auth login)",
    ],
    [
      "prints too much",
      "head -c 100000 /dev/zero",
      "can't run gcloud config config-helper: OUTPUT_LIMIT",
    ],
    [
      "prints no credential",
      `echo '{"configuration": {}}'`,
      `the output of gcloud config config-helper: "credential" is missing (sign in with: gcloud auth login)`,
    ],
    [
      "prints no token",
      `echo '{"credential": {"token_expiry": "${EXPIRY}"}}'`,
      `the output of gcloud config config-helper: "access_token" is missing`,
    ],
    [
      "prints an end that is not a time",
      `echo '{"credential": {"access_token": "s3cret", "token_expiry": "soon"}}'`,
      `the output of gcloud config config-helper: "token_expiry" is not a time`,
    ],
  ];
  for (const [name, script, says] of FAULTS) {
    it(`that ${name} means anonymous, with a warning`, () =>
      inWorld(async (world) => {
        write(script);
        assertEquals(await credentialsIn(world), {});
        assertEquals(world.warnings, [`no credentials for gcr.io: ${says}`]);
        assertNoSecrets(world.warnings, ["s3cret"]);
      }));
  }

  it("that never ends is ended", () =>
    inWorld(async (world) => {
      write("exec sleep 1000");
      assertEquals(await credentialsIn(world, { gcloudTimeoutMs: 100 }), {});
      assertEquals(world.warnings, [
        "no credentials for gcr.io: gcloud config config-helper took longer than 100 ms (sign in with: gcloud auth login)",
      ]);
    }));

  it("that may not be run is named with the reason", () =>
    inWorld(async (world) => {
      prints({});
      chmodSync(gcloud, 0o644);
      assertEquals(await credentialsIn(world), {});
      assertEquals(world.warnings, ["no credentials for gcr.io: can't run gcloud config config-helper: EACCES"]);
    }));

  it("is told of together with what else failed", () =>
    inWorld(async (world) => {
      write("exit 3");
      world.environment.GOOGLE_APPLICATION_CREDENTIALS = "/gone";
      assertEquals(await credentialsIn(world), {});
      assertEquals(world.warnings, [
        "no credentials for gcr.io: GOOGLE_APPLICATION_CREDENTIALS names /gone, which is not there (fix the path, or unset it); " +
        "gcloud config config-helper failed with exit code 3 (sign in with: gcloud auth login)",
      ]);
    }));
});
