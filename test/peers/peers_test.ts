import { after, before, describe, it } from "node:test";
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  available,
  describePeer,
  type DockerRegistry,
  dockerRegistry,
  peerIt,
  podman,
  registryUser,
  runPeer,
  runPeerForBytes,
  skopeo,
  tar,
  umoci,
} from "./mod.ts";

/** An OCI layout with nothing in it, which skopeo copies like any other. */
async function emptyImage(folder: string): Promise<string> {
  const layout = join(folder, "empty");
  await umoci("init", "--layout", layout);
  await umoci("new", "--image", `${layout}:latest`);
  return `oci:${layout}:latest`;
}

describePeer("docker-registry", ["docker-registry", "skopeo", "umoci"], () => {
  let registry: DockerRegistry;
  let folder: string;
  before(async () => {
    registry = await dockerRegistry();
    folder = mkdtempSync(join(tmpdir(), "gcrane_peers_"));
  });
  after(async () => {
    await registry.stop();
    rmSync(folder, { recursive: true });
  });

  it("answers", async () => {
    const answer = await fetch(`http://${registry.host}/v2/`);
    assertEquals([answer.status, await answer.text()], [200, "{}"]);
  });

  it("takes an image from skopeo, logs it, and deletes it", async () => {
    const image = `docker://${registry.host}/peers/empty:v1`;
    await skopeo("copy", "--dest-tls-verify=false", await emptyImage(folder), image);
    const digest = (await skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}", image)).trim();
    assertMatch(digest, /^sha256:[0-9a-f]{64}$/);
    assertStringIncludes(registry.logs(), "PUT /v2/peers/empty/manifests/v1");

    const gone = await fetch(`http://${registry.host}/v2/peers/empty/manifests/${digest}`, { method: "DELETE" });
    await gone.body?.cancel();
    assertEquals(gone.status, 202);
  });

  it("takes no connection once it is stopped", async () => {
    const second = await dockerRegistry({ delete: false });
    await second.stop();
    await assertRejects(() => fetch(`http://${second.host}/v2/`));
  });

  it("keeps the storage that it is given", async () => {
    const storage = join(folder, "storage");
    mkdirSync(storage);
    const second = await dockerRegistry({ storage });
    const upload = await fetch(`http://${second.host}/v2/kept/blobs/uploads/`, { method: "POST" });
    await upload.body?.cancel();
    await second.stop();
    assertEquals(existsSync(join(storage, "docker/registry/v2/repositories/kept")), true);
  });

  it("lets only its user in", async () => {
    const closed = await dockerRegistry({ auth: true });
    try {
      const status = async (headers: Record<string, string>) => {
        const answer = await fetch(`http://${closed.host}/v2/`, { headers });
        await answer.body?.cancel();
        return answer.status;
      };
      const { username, password } = registryUser;
      assertEquals(await status({}), 401);
      assertEquals(await status({ authorization: `Basic ${btoa(`${username}:wrong`)}` }), 401);
      assertEquals(await status({ authorization: `Basic ${btoa(`${username}:${password}`)}` }), 200);
    } finally {
      await closed.stop();
    }
  });
});

describePeer("runPeer", ["tar"], () => {
  it("feeds the program and gives its output", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gcrane_peers_"));
    try {
      writeFileSync(join(folder, "a.txt"), "a");
      await tar("-C", folder, "-cf", join(folder, "a.tar"), "a.txt");
      const archive = await runPeerForBytes("tar", ["-C", folder, "-c", "a.txt"]);
      assertEquals(await runPeer("tar", ["-t"], { input: archive }), "a.txt\n");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("says which program failed, and what it said", async () => {
    await assertRejects(
      () => tar("-tf", "/nonexistent.tar"),
      Error,
      "tar -tf /nonexistent.tar ended with exit code 2: ",
    );
    await assertRejects(() => tar("-tf", "/nonexistent.tar"), Error, "No such file");
  });
});

peerIt("podman has a storage of its own", ["podman"], async () => {
  const storage = mkdtempSync(join(tmpdir(), "gcrane_peers_"));
  try {
    assertEquals(await podman(storage, "images", "--quiet"), "");
    assertEquals(existsSync(join(storage, "root")), true);
  } finally {
    rmSync(storage, { recursive: true });
  }
});

describe("available", () => {
  it("knows that an unset path holds nothing", () => assertEquals(available("none" as "tar"), false));
});
