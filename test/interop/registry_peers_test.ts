import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { digest, manifest, push } from "../../src/crane/mod.ts";
import { randomImage, randomIndex } from "../../src/image/mod.ts";
import { type RegistryServer, serveRegistry } from "../../src/registry/mod.ts";
import { once } from "../project/applicable.ts";
import { type Containerd, containerd, describePeer, type Peer, podman, runPeer } from "../peers/mod.ts";

const image = randomImage({ seed: 1, size: 50_000 });
const index = randomIndex({
  seed: 2,
  size: 50_000,
  platforms: [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64" }],
});

/** A registry over a disk with an image `app:v1` and an index `multi:v1`, and a home for programs. */
class Bench {
  folder = "";
  host = "";
  #server: RegistryServer | undefined;

  async open(): Promise<void> {
    this.folder = mkdtempSync(join(tmpdir(), "gcrane_peers_"));
    mkdirSync(this.path("home"));
    this.#server = await serveRegistry({ disk: this.path("registry") });
    this.host = `127.0.0.1:${this.#server.port}`;
    await push(image, `${this.host}/app:v1`);
    await push(index, `${this.host}/multi:v1`);
  }

  async close(): Promise<void> {
    await this.#server?.shutdown({ patience: 0 });
    rmSync(this.folder, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Returns a function that runs a program with that home. */
  runner(peer: Peer, env: Record<string, string> = {}): (...args: string[]) => Promise<string> {
    const home = this.path("home");
    const own = { HOME: home, XDG_CONFIG_HOME: join(home, "config"), XDG_CACHE_HOME: join(home, "cache"), ...env };
    return (...args) => runPeer(peer, args, { cwd: this.folder, env: own });
  }

  /** The tags that the registry lists. */
  async tags(repository: string): Promise<string[]> {
    const answer = await fetch(`http://${this.host}/v2/${repository}/tags/list`);
    return (await answer.json()).tags ?? [];
  }
}

/** A suite of what a program does with the registry. */
function describeWork(peers: readonly Peer[], work: (bench: Bench) => void): void {
  describePeer(`a registry that ${peers[0]} works with`, peers, () => {
    const bench = new Bench();
    before(() => bench.open());
    after(() => bench.close());
    work(bench);
  }, { skip: once() });
}

describeWork(["oras"], (bench) => {
  it("takes an artifact and what is attached, lists, copies, and deletes them", { timeout: 60_000 }, async () => {
    const oras = bench.runner("oras");
    const { host } = bench;
    writeFileSync(bench.path("note.txt"), "a note");
    const kind = ["--artifact-type", "application/vnd.example.note"];
    await oras("push", "--plain-http", ...kind, `${host}/notes:v1`, "note.txt:text/plain");
    writeFileSync(bench.path("more.txt"), "x".repeat(100_000));
    const sbom = ["--artifact-type", "application/vnd.example.sbom"];
    await oras("attach", "--plain-http", ...sbom, `${host}/notes:v1`, "more.txt:text/plain");
    const discovered = async (reference: string) => {
      const { referrers } = JSON.parse(await oras("discover", "--plain-http", "--format", "json", reference));
      return referrers.map(({ artifactType }: { artifactType: string }) => artifactType);
    };
    assertEquals(await discovered(`${host}/notes:v1`), ["application/vnd.example.sbom"]);

    await oras("cp", "-r", "--from-plain-http", "--to-plain-http", `${host}/notes:v1`, `${host}/copied:v1`);
    assertEquals(await discovered(`${host}/copied:v1`), ["application/vnd.example.sbom"]);
    await oras("tag", "--plain-http", `${host}/copied:v1`, "v2", "v3");
    assertEquals(await oras("repo", "tags", "--plain-http", `${host}/copied`), "v1\nv2\nv3\n");
    assertEquals(await oras("repo", "ls", "--plain-http", host), "app\ncopied\nmulti\nnotes\n");
    await oras("pull", "--plain-http", "-o", bench.path("pulled"), `${host}/copied:v2`);
    assertEquals(readFileSync(bench.path("pulled/note.txt"), "utf8"), "a note");

    const resolved = await oras("resolve", "--plain-http", `${host}/copied:v1`);
    await oras("manifest", "delete", "--plain-http", "--force", `${host}/copied@${resolved.trim()}`);
    await assertRejects(() => oras("resolve", "--plain-http", `${host}/copied:v2`), Error, "not found");
    await oras("blob", "push", "--plain-http", `${host}/notes`, "note.txt");
  });
});

describeWork(["cosign"], (bench) => {
  it("takes signatures and attestations as bundles, and as tags, and gives them for verification", {
    timeout: 120_000,
  }, async () => {
    const cosign = bench.runner("cosign", { COSIGN_PASSWORD: "" });
    await cosign("generate-key-pair");
    const signing = ["--key", "cosign.key", "--use-signing-config=false", "--tlog-upload=false", "--yes"];
    const verifying = ["--key", "cosign.pub", "--insecure-ignore-tlog", "--allow-http-registry"];
    for (const isBundle of [true, false]) {
      const repository = `${bench.host}/${isBundle ? "bundles" : "tags"}`;
      await push(image, `${repository}:v1`);
      const signed = `${repository}@${await image.digest()}`;
      const format = `--new-bundle-format=${isBundle}`;
      await assertRejects(() => cosign("verify", ...verifying, format, signed), Error, "no ");
      await cosign("sign", ...signing, format, "--allow-http-registry", signed);
      assertStringIncludes(await cosign("verify", ...verifying, format, signed), await image.digest());
      writeFileSync(bench.path("predicate.json"), JSON.stringify({ made: "here" }));
      const predicate = ["--predicate", "predicate.json", "--type", "custom"];
      await cosign("attest", ...signing, format, ...predicate, "--allow-http-registry", signed);
      await cosign("verify-attestation", ...verifying, format, "--type", "custom", signed);
      const name = (await image.digest()).replace(":", "-");
      const tags = isBundle ? ["v1"] : [`${name}.att`, `${name}.sig`, "v1"];
      assertEquals(await bench.tags(isBundle ? "bundles" : "tags"), tags);
      assertStringIncludes(await cosign("tree", "--allow-http-registry", signed), isBundle ? "OCI referrer" : ".sig");
    }
  });
});

describeWork(["notation"], (bench) => {
  it("takes signatures, lists them, and gives them for verification", { timeout: 60_000 }, async () => {
    const notation = bench.runner("notation");
    const signed = `${bench.host}/app@${await image.digest()}`;
    await notation("cert", "generate-test", "--default", "example.test");
    const policy = {
      name: "all",
      registryScopes: ["*"],
      signatureVerification: { level: "strict" },
      trustStores: ["ca:example.test"],
      trustedIdentities: ["*"],
    };
    writeFileSync(bench.path("policy.json"), JSON.stringify({ version: "1.0", trustPolicies: [policy] }));
    await notation("policy", "import", "policy.json");
    await assertRejects(() => notation("verify", "--insecure-registry", signed), Error, "no signature");
    for (const format of ["jws", "cose"]) {
      await notation("sign", "--insecure-registry", "--signature-format", format, signed);
    }
    assertEquals((await notation("list", "--insecure-registry", signed)).match(/sha256:/g)?.length, 3);
    assertStringIncludes(await notation("verify", "--insecure-registry", signed), "Successfully verified signature");
  });
});

describeWork(["skopeo 1.22"], (bench) => {
  it("takes, lists, inspects, syncs and deletes images and indexes", { timeout: 60_000 }, async () => {
    const run = bench.runner("skopeo 1.22");
    const skopeo = (...args: string[]) => run("--insecure-policy", ...args);
    const { host } = bench;
    const plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    const copied = `docker://${host}/copied:v1`;
    await skopeo("copy", "--all", "--preserve-digests", ...plain, `docker://${host}/multi:v1`, copied);
    assertEquals(await digest(`${host}/copied:v1`), await index.digest());
    await skopeo("copy", ...plain, `docker://${host}/app:v1`, `dir:${bench.path("dir")}`);
    const recompressed = ["--dest-compress-format", "zstd", "--dest-force-compress-format", "--format", "oci"];
    await skopeo("copy", ...plain, ...recompressed, `dir:${bench.path("dir")}`, `docker://${host}/copied:zstd`);
    const noTls = "--tls-verify=false";
    const { LayersData } = JSON.parse(await skopeo("inspect", noTls, `docker://${host}/copied:zstd`));
    assertMatch(LayersData[0].MIMEType, /\+zstd$/);
    assertEquals(JSON.parse(await skopeo("list-tags", noTls, `docker://${host}/copied`)).Tags, ["v1", "zstd"]);
    const target = ["--dest", "docker", `${host}/copied`, `${host}/synced`];
    await skopeo("sync", "--all", "--src", "docker", ...plain, ...target);
    assertEquals(await bench.tags("synced/copied"), ["v1", "zstd"]);
    await skopeo("delete", noTls, copied);
    assertEquals(JSON.parse(await skopeo("list-tags", noTls, `docker://${host}/copied`)).Tags, ["zstd"]);
  });
});

describeWork(["podman"], (bench) => {
  it("takes and gives images and lists of them, and lists tags", { timeout: 120_000 }, async () => {
    const { host } = bench;
    const run = (...args: string[]) => podman(bench.path("storage"), ...args);
    const noTls = "--tls-verify=false";
    await run("pull", noTls, `${host}/app:v1`);
    await run("tag", `${host}/app:v1`, `${host}/podman:v1`);
    await run("push", noTls, `${host}/podman:v1`);
    await run("manifest", "create", "list");
    await run("manifest", "add", noTls, "list", `docker://${host}/podman:v1`);
    await run("manifest", "push", "--all", noTls, "list", `docker://${host}/podman:list`);
    await run("rmi", "--all", "--force");
    const { manifests } = JSON.parse(new TextDecoder().decode(await manifest(`${host}/podman:list`)));
    assertEquals(manifests.length, 1);
    await run("pull", noTls, `${host}/podman@${manifests[0].digest}`);
    const listed = await run("search", noTls, "--list-tags", "--format", "json", `${host}/podman`);
    assertEquals(JSON.parse(listed)[0].Tags, ["list", "v1"]);
  });
});

describeWork(["ctr", "containerd"], (bench) => {
  let engine: Containerd;
  before(async () => void (engine = await containerd()));
  after(() => engine.stop());

  it("gives images and indexes to its engine, and takes them from there", { timeout: 60_000 }, async () => {
    const { host } = bench;
    const images = (...args: string[]) => engine.ctr("images", ...args);
    const native = ["--plain-http", "--snapshotter", "native"];
    await images("pull", ...native, `${host}/app:v1`);
    await images("pull", "--local", ...native, "--all-platforms", `${host}/multi:v1`);
    assertEquals((await images("ls", "-q")).trim().split("\n"), [`${host}/app:v1`, `${host}/multi:v1`]);
    for (const [from, to, local] of [["app", "pushed", []], ["multi", "pushed/multi", ["--local"]]] as const) {
      await images("tag", `${host}/${from}:v1`, `${host}/${to}:v2`);
      await images("push", ...local, "--plain-http", `${host}/${to}:v2`);
    }
    assertEquals(await digest(`${host}/pushed:v2`), await image.digest());
    assertEquals(await digest(`${host}/pushed/multi:v2`), await index.digest());
    assert((await images("check", "--snapshotter", "native")).includes("complete"));
  });
});
