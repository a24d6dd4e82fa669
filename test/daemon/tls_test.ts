import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DockerEngine, type EngineCertificates } from "../../src/daemon/mod.ts";
import { FileError, HttpError, NetworkError } from "../../src/errors.ts";
import { inFolder } from "../make/folders.ts";
import { type FakeEngine, withEngine } from "../fakes/fake_engine.ts";

const testdata = (name: string) => readFileSync(new URL(`../testdata/runtime/${name}`, import.meta.url), "utf8");
const ca = testdata("ca.pem");
const cert = testdata("localhost.pem");
const key = testdata("localhost.key");

const server = { key, cert };
const demanding = { ...server, ca, requestCert: true, rejectUnauthorized: true };

/** A client that finds its certificates in the folder that the environment names. */
function fromFolder(engine: FakeEngine, folder: string, verify: boolean): DockerEngine {
  const variables: Record<string, string> = {
    DOCKER_HOST: engine.host,
    DOCKER_CERT_PATH: folder,
    ...(verify ? { DOCKER_TLS_VERIFY: "1" } : {}),
  };
  return new DockerEngine({ environment: (name) => variables[name] });
}

function put(folder: string, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
}

const secure = (engine: FakeEngine, certificates: EngineCertificates) =>
  engine.client({ host: engine.host.replace("tcp:", "https:"), certificates });

describe("an engine with TLS", () => {
  // The first test: Deno resumes a session of another server in this process, which then demands no certificate.
  it("that wants to know its client, is an error that names the engine", async () => {
    await withEngine({}, async (engine) => {
      const error = await assertRejects(() => secure(engine, { ca }).ping(), NetworkError, engine.host.slice(6));
      assertStringIncludes(error.hint ?? "", "DOCKER_CERT_PATH");
    }, { tls: demanding });
  });

  it("is reached with the certificates of a folder, its own and the client's", async () => {
    await withEngine({}, async (engine) => {
      await inFolder(async (folder) => {
        put(folder, { "ca.pem": ca, "cert.pem": cert, "key.pem": key });
        assertEquals((await fromFolder(engine, folder, true).ping()).apiVersion, "1.41");
      });
    }, { tls: demanding });
  });

  it("takes a load with the certificates", async () => {
    await withEngine({ "POST /images/load": { body: '{"stream":"Loaded image: a"}\n' } }, async (engine) => {
      const tar = new Blob(["a tar"]).stream();
      assertEquals(await secure(engine, { ca, cert, key }).load(tar), "Loaded image: a");
      assertEquals(new TextDecoder().decode(engine.seen.at(-1)?.body), "a tar");
    }, { tls: demanding });
  });

  it("is not trusted without its authority, unless nobody wants to verify it", async () => {
    await withEngine({}, async (engine) => {
      const error = await assertRejects(() => secure(engine, {}).ping(), NetworkError, "can't be trusted");
      assertStringIncludes(error.hint ?? "", "ca.pem");
      assertEquals((await secure(engine, { verify: false }).ping()).apiVersion, "1.41");
      assertEquals((await secure(engine, { ca }).ping()).apiVersion, "1.41");
      await inFolder(async (folder) => {
        put(folder, { "cert.pem": cert, "key.pem": key });
        assertEquals((await fromFolder(engine, folder, false).ping()).apiVersion, "1.41");
        await assertRejects(() => fromFolder(engine, folder, true).ping(), NetworkError, "can't be trusted");
      });
    }, { tls: server });
  });

  it("is an error where only one side speaks it", async () => {
    await withEngine({}, async (engine) => {
      const error = await assertRejects(() => engine.client().ping(), Error);
      assertEquals(error instanceof NetworkError || error instanceof HttpError, true);
    }, { tls: server });
    await withEngine({}, async (engine) => {
      const error = await assertRejects(() => secure(engine, { ca }).ping(), NetworkError, "TLS");
      assertStringIncludes(error.hint ?? "", "DOCKER_TLS_VERIFY");
    }, { tcp: true });
  });
});

describe("the folder of certificates", () => {
  it("must hold some, and keys with them", async () => {
    await withEngine({}, async (engine) => {
      await inFolder(async (folder) => {
        const ping = () => fromFolder(engine, folder, true).ping();
        await assertRejects(ping, FileError, "holds no ca.pem and no cert.pem");
        put(folder, { "cert.pem": cert });
        const error = await assertRejects(ping, FileError, "not its key.pem");
        assertStringIncludes(error.hint ?? "", "DOCKER_CERT_PATH");
      });
      await assertRejects(() => fromFolder(engine, "/nonexistent/certs", true).ping(), FileError, "/nonexistent/certs");
    }, { tls: server });
  });

  it("is read again when it failed", async () => {
    await withEngine({}, async (engine) => {
      await inFolder(async (folder) => {
        const client = fromFolder(engine, folder, true);
        await assertRejects(() => client.ping(), FileError);
        put(folder, { "ca.pem": ca });
        assertEquals((await client.ping()).apiVersion, "1.41");
      });
    }, { tls: server });
  });
});
