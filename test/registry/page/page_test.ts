import { describe, it } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { basicAccess, createRegistry, type RegistryOptions, tokenAccess } from "../../../src/registry/mod.ts";
import { CONFIG, digestOf, encode, IMAGE, INDEX, RegistryClient } from "../../contracts/registry_client.ts";

const base = "http://registry.example.com:5000";

/** A registry with a page, and what reads it as a browser does. */
function paged(options: RegistryOptions = {}, headers: Record<string, string> = {}) {
  const { fetch } = createRegistry({ page: true, ...options });
  const client = new RegistryClient({
    base,
    fetch: (input, init) => fetch(input, { ...init, headers: { ...headers, ...init?.headers } }),
  });
  const page = async (path: string, shown: Record<string, string> = headers) => {
    const answer = await fetch(base + path, { headers: shown });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  return { client, page };
}

/** The addresses that a page leads to. */
function links(text: string): string[] {
  return [...text.matchAll(/href="([^"]*)"/g)].map(([, target]) => target).filter((target) =>
    target.startsWith("/browse/")
  );
}

describe("the page of a registry", () => {
  it("is there where it is wanted, under headers that let a browser do little (rule 17)", async () => {
    const { page } = paged();
    for (const path of ["/", "/browse/style.css", "/browse/nothing"]) {
      const { headers } = await page(path);
      assertEquals(
        headers.get("Content-Security-Policy"),
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      assertEquals([headers.get("X-Content-Type-Options"), headers.get("Referrer-Policy")], ["nosniff", "no-referrer"]);
      assertMatch(headers.get("Content-Type")!, /^text\/(html|css); charset=utf-8$/);
    }
    assertEquals((await paged({ page: false }).page("/")).status, 404);
  });

  it("leads from repositories over tags to manifests, and to nothing that is not there", async () => {
    const { client, page } = paged();
    const image = await client.pushImage("team/app", "one", "v1");
    const other = await client.pushImage("team/app", "two");
    await client.pushManifest("team/app", {
      schemaVersion: 2,
      mediaType: INDEX,
      manifests: [{ ...image, platform: { os: "linux", architecture: "arm64", variant: "v8" } }, other],
    }, "all");
    const seen = new Set<string>();
    const queue = ["/"];
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      const { status, text } = await page(path);
      assertEquals([path, status], [path, 200]);
      queue.push(...links(text));
    }
    for (
      const path of ["team/app", "team/app:v1", "team/app:all", `team/app@${image.digest}`, `team/app@${other.digest}`]
    ) {
      assert(seen.has(`/browse/${path}`), path);
    }
    const { text } = await page("/browse/team/app:v1");
    assertStringIncludes(text, "<pre>docker pull registry.example.com:5000/team/app:v1</pre>");
    assertStringIncludes(text, image.digest);
    assertStringIncludes((await page("/browse/team/app:all")).text, "linux/arm64/v8");
    assertStringIncludes((await page(`/browse/team/app%40${image.digest}`)).text, `team/app@${image.digest}`);
  });

  it("says that there is nothing, whatever is asked for", async () => {
    const { client, page } = paged();
    await client.pushImage("a", "one", "v1");
    const paths = [
      "x",
      "a:v2",
      `a@${digestOf(encode("x"))}`,
      "",
      "A",
      "a:",
      "a@x",
      "..%2f..%2fx",
      "a:%2e%2e",
      "a%00",
      "%zz",
    ];
    for (const path of [...paths, "<script>alert(1)</script>", "a:v1/x", "a//b", "_tags"]) {
      const { status, text } = await page(`/browse/${path}`);
      assertEquals([path, status, text.includes("There is nothing here")], [path, 404, true]);
      assertEquals(text.includes("<script"), false);
    }
  });

  it("comes in parts where there is much", async () => {
    const { client, page } = paged();
    const image = await client.image("many", "one");
    const tags = Array.from({ length: 250 }, (_, index) => `t${String(index).padStart(3, "0")}`);
    for (const tag of tags) await client.pushManifest("many", image, tag);
    const first = (await page("/browse/many")).text;
    const next = /href="(\/browse\/many\?last=t199)"/.exec(first)?.[1];
    const second = (await page(next!)).text;
    const shown = [first, second].flatMap((text) => links(text).filter((link) => link.startsWith("/browse/many:")));
    assertEquals(shown, tags.map((tag) => `/browse/many:${tag}`));
    assertEquals(second.includes("?last="), false);
    assertStringIncludes((await page("/?last=many")).text, "no more");
  });

  it("escapes all that an image or an artifact says of itself (rule 17)", async () => {
    const { client, page } = paged();
    const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)> javascript:alert(1) \u2028 </title></pre>`;
    const config = await client.blob(
      "evil",
      CONFIG,
      JSON.stringify({
        architecture: evil,
        os: evil,
        variant: { toString: evil },
        created: evil,
        author: evil,
        config: {
          User: evil,
          Entrypoint: [evil],
          Cmd: evil,
          WorkingDir: evil,
          Env: [evil],
          ExposedPorts: { [evil]: {} },
          Labels: { [evil]: evil },
        },
        history: [{ created_by: evil }, { comment: evil }, null, 7, evil],
      }),
    );
    const layer = { ...await client.blob("evil", "application/vnd.oci.image.layer.v1.tar", "x"), mediaType: evil };
    const annotations = { [evil]: evil };
    const base = { schemaVersion: 2, mediaType: IMAGE, artifactType: evil, config, layers: [layer], annotations };
    const image = await client.pushManifest("evil", base, "v1");
    await client.pushManifest("evil", { ...base, subject: image });
    const platform = { os: evil, architecture: evil, variant: evil, "os.version": evil };
    const manifests = [{ ...image, platform }, { ...image, artifactType: evil, mediaType: IMAGE }];
    await client.pushManifest("evil", {
      schemaVersion: 2,
      mediaType: INDEX,
      manifests,
      annotations,
      artifactType: evil,
    }, "all");
    for (const path of ["/", "/browse/evil", "/browse/evil:v1", "/browse/evil:all", `/browse/evil@${image.digest}`]) {
      const { status, text } = await page(path);
      assertEquals(status, 200);
      const markup = text.replaceAll(
        /<\/?(html|head|meta|title|link|body|header|main|h1|h2|p|a|ul|li|table|tr|th|td|dl|dt|dd|pre|code)\b[^<>]*>|<!DOCTYPE html>/g,
        "",
      );
      assertEquals(/[<>]/.exec(markup), null, path);
      assertEquals(/<[^>]*\son\w+=|href="javascript/i.exec(text), null);
    }
    assertStringIncludes((await page("/browse/evil:v1")).text, "&lt;script&gt;alert(1)&lt;/script&gt;");
  });

  it("shows an image whose config is missing, is none, or is too large to read", async () => {
    const { client, page } = paged();
    const layers: unknown[] = [];
    for (const content of ["not json", "[1]", '"text"', `{"config":"text","history":"text","os":7}`]) {
      const config = await client.blob("odd", CONFIG, content);
      const { digest } = await client.pushManifest("odd", { schemaVersion: 2, mediaType: IMAGE, config, layers });
      assertEquals((await page(`/browse/odd@${digest}`)).status, 200, content);
    }
    const { digest } = await client.pushManifest("odd", { mediaType: "application/vnd.example+json", annotations: 7 });
    assertEquals((await page(`/browse/odd@${digest}`)).status, 200);
  });
});

describe("the page of a registry that is not for everybody", () => {
  const ann = { Authorization: `Basic ${btoa("ann:1")}` };
  const ben = { Authorization: `Basic ${btoa("ben:2")}` };
  const users = { ann: "1", ben: "2" };
  const rules = [
    { user: "ann", repository: "**", actions: ["pull", "push"] },
    { user: "ben", repository: "bens/*", actions: ["pull"] },
    { user: "anonymous", repository: "open", actions: ["pull"] },
  ] as const;

  for (
    const [name, access] of [["passwords", basicAccess({ users, rules })], [
      "tokens",
      tokenAccess({ users, rules }),
    ]] as const
  ) {
    it(`asks browsers for a password, with ${name}`, async () => {
      const store = paged({ access }, ann);
      if (name === "passwords") {
        for (const repository of ["bens/app", "open", "anns"]) await store.client.pushImage(repository, "one", "v1");
      }
      const { page } = store;
      const statuses = async (path: string) => [
        (await page(path, {})).status,
        (await page(path, ben)).status,
        (await page(path, ann)).status,
      ];
      const found = name === "passwords" ? 200 : 404;
      assertEquals(await statuses("/"), [401, 403, 200]);
      assertEquals(await statuses("/browse/bens/app"), [401, found, found]);
      assertEquals(await statuses("/browse/anns:v1"), [401, 403, found]);
      assertEquals(await statuses("/browse/open:v1"), [found, found, found]);
      const challenge = (await page("/", {})).headers.get("WWW-Authenticate");
      assertMatch(challenge!, /^Basic realm="/);
      assertEquals((await page("/", { Authorization: `Basic ${btoa("ann:2")}` })).status, 401);
      assertEquals((await page("/browse/style.css", {})).status, 200);
    });
  }
});
