import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { parseReference } from "../../../src/name/mod.ts";
import {
  basicAccess,
  type RegistryAccess,
  type RegistryServer,
  serveRegistry,
  tokenAccess,
} from "../../../src/registry/mod.ts";
import { Puller, Pusher } from "../../../src/remote/mod.ts";
import { randomImage } from "../../../src/image/mod.ts";
import { inWorld } from "../../make/command_world.ts";
import { describePeer, podman, skopeo } from "../../peers/mod.ts";

const users = { ann: "correct horse", ben: "battery" };
const rules = [
  { user: "anonymous", repository: "open/**", actions: ["pull"] },
  { user: "ann", repository: "**", actions: ["pull", "push", "delete"] },
  { user: "ben", repository: "team/*", actions: ["pull"] },
] as const;

const accesses: [name: string, make: () => RegistryAccess][] = [
  ["passwords", () => basicAccess({ users, rules })],
  ["tokens", () => tokenAccess({ users, rules })],
];

/** Serves while `work` runs, with a folder that is gone afterwards. */
async function serving(
  access: RegistryAccess,
  work: (server: RegistryServer, folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_sign_in_"));
  const server = await serveRegistry({ access });
  try {
    await work(server, folder);
  } finally {
    await server.shutdown({ patience: 0 });
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const [name, make] of accesses) {
  describePeer(`a registry with ${name}`, ["skopeo", "podman"], () => {
    it("is signed in to, pushed to and pulled from by gcrane", () =>
      serving(make(), (server) =>
        inWorld(async (world) => {
          const host = `127.0.0.1:${server.port}`;
          const gcrane = (line: string, stdin = "") => world.gcrane(line, { fetch: undefined, stdin });
          const login = await gcrane(`auth login ${host} -u ann --password-stdin`, "correct horse\n");
          assertEquals([login.code, login.out], [0, ""], login.err);
          mkdirSync(world.path("files"));
          world.write("files/one", "content");
          assertMatch((await gcrane(`append -f ${world.path("files")} -t ${host}/team/app:v1`)).out, /@sha256:/);
          assertEquals((await gcrane(`copy ${host}/team/app:v1 ${host}/open/app:v1`)).code, 0);
          assertStringIncludes((await gcrane(`ls ${host}/open/app`)).out, `${host}/open/app:v1\n`);
          assertStringIncludes((await gcrane(`catalog ${host}`)).out, "team/app\n");
          assertEquals((await gcrane(`delete ${host}/team/app:v1`)).code, 0);
          assertEquals((await gcrane(`auth logout ${host}`)).code, 0);
          assertMatch((await gcrane(`digest ${host}/open/app:v1`)).out, /^sha256:/); // allowed for anonymous clients
          assertEquals((await gcrane(`digest ${host}/team/app:v1`)).code, 1);
        })));

    it("is signed in to, pushed to and pulled from by skopeo", () =>
      serving(make(), async ({ port }, folder) => {
        const host = `127.0.0.1:${port}`;
        await pushRandom(host, "team/app");
        const authFile = join(folder, "auth.json");
        const image = `docker://${host}/team/app:v1`;
        const noTls = "--tls-verify=false";
        await assertRejects(() => skopeo("login", noTls, "--authfile", authFile, "-u", "ann", "-p", "wrong", host));
        await skopeo("login", noTls, "--authfile", authFile, "-u", "ann", "-p", "correct horse", host);
        const layout = `oci:${join(folder, "layout")}:v1`;
        await skopeo("copy", "--src-tls-verify=false", "--src-authfile", authFile, image, layout);
        for (const to of ["team/new", "open/new"]) {
          const target = `docker://${host}/${to}:v1`;
          await skopeo("copy", "--dest-tls-verify=false", "--dest-authfile", authFile, layout, target);
        }
        await skopeo("delete", noTls, "--authfile", authFile, `docker://${host}/team/new:v1`);
        assertStringIncludes(await skopeo("list-tags", noTls, `docker://${host}/open/new`), '"v1"');
        await assertRejects(() => skopeo("list-tags", noTls, `docker://${host}/team/app`));

        await skopeo("login", noTls, "--authfile", authFile, "-u", "ben", "-p", "battery", host);
        await skopeo("inspect", noTls, "--authfile", authFile, image);
        await assertRejects(() =>
          skopeo("copy", "--dest-tls-verify=false", "--dest-authfile", authFile, layout, `docker://${host}/team/x:v1`)
        );
      }));

    it(
      "is signed in to, pulled from and pushed to by podman",
      { timeout: 120_000 },
      () =>
        serving(make(), async ({ port }, folder) => {
          const host = `127.0.0.1:${port}`;
          await pushRandom(host, "team/app");
          const flags = ["--tls-verify=false", "--authfile", join(folder, "auth.json")];
          await podman(folder, "login", ...flags, "-u", "ann", "-p", "correct horse", host);
          await podman(folder, "pull", ...flags, `${host}/team/app:v1`);
          await podman(folder, "push", ...flags, `${host}/team/app:v1`, `${host}/open/app:v2`);
          await podman(folder, "logout", "--authfile", join(folder, "auth.json"), host);
          await podman(folder, "pull", ...flags, `${host}/open/app:v2`);
          await assertRejects(() => podman(folder, "pull", ...flags, `${host}/team/app:v1`));
        }),
    );
  });
}

/** Pushes a small image as ann. */
async function pushRandom(host: string, repository: string): Promise<void> {
  const keychain = { resolve: () => Promise.resolve(annsPassword) };
  const reference = parseReference(`${host}/${repository}:v1`);
  await new Pusher({ keychain }).push(reference, randomImage({ seed: 1 }));
  assertEquals((await new Puller({ keychain }).head(reference)).mediaType.includes("manifest"), true);
}

const annsPassword = { authorization: () => Promise.resolve({ username: "ann", password: "correct horse" }) };
