import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { HttpError, LimitError, ProtocolError } from "../../src/errors.ts";
import { parseRegistry, parseRepository } from "../../src/name/mod.ts";
import { isGoogle } from "../../src/remote/internal.ts";
import { type FakeHandler, FakeRegistry, json, utf8 } from "../fakes/mod.ts";
import { annsKeychain } from "../make/connecting.ts";
import { HOME, lines, remoting } from "../make/remoting.ts";

const APP = parseRepository("registry.example.com/team/app");
const REGISTRY = parseRegistry("registry.example.com");

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of list) items.push(item);
  return items;
}

function tagged(...tags: string[]): FakeRegistry {
  const registry = new FakeRegistry();
  for (const tag of tags) registry.manifestsOf("team/app").set(tag, { bytes: utf8(tag), mediaType: "x/y" });
  return registry;
}

/** A registry whose list of tags is scripted: each page with its `Link`. */
function paged(pages: Record<string, { tags?: unknown; link?: string }>): FakeHandler {
  return ({ url }) => {
    if (url.pathname === "/v2/") return json(200, {});
    const { link, ...page } = pages[url.searchParams.get("page") ?? "first"];
    return { ...json(200, { name: "team/app", ...page }), headers: link === undefined ? {} : { link } };
  };
}

describe("Puller.tags", () => {
  it("lists all pages, in the registry's order", async () => {
    const remote = remoting(tagged("v3", "v1", "v2", "latest", "v10"));
    assertEquals(await all(remote.puller.tags(APP, { pageSize: 2 })), ["latest", "v1", "v10", "v2", "v3"]);
    assertEquals(lines(remote), [
      "GET /v2/team/app/tags/list?n=2",
      "GET /v2/team/app/tags/list?n=2&last=v1",
      "GET /v2/team/app/tags/list?n=2&last=v2",
    ]);
  });

  it("asks for 1000 a page, and 10000 of Google's registries", async () => {
    const remote = remoting(tagged("v1"));
    await all(remote.puller.tags(APP));
    assertEquals(lines(remote), ["GET /v2/team/app/tags/list?n=1000"]);
    const google = remoting({ "https://gcr.io": tagged("v1").handle });
    await all(google.puller.tags(parseRepository("gcr.io/team/app")));
    assertEquals(lines(google), ["GET /v2/team/app/tags/list?n=10000"]);
  });

  it("begins after an entry", async () => {
    const remote = remoting(tagged("a", "b", "c"));
    assertEquals(await all(remote.puller.tags(APP, { last: "a" })), ["b", "c"]);
    assertEquals(lines(remote), ["GET /v2/team/app/tags/list?n=1000&last=a"]);
  });

  it("asks for a page only when it is wanted", async () => {
    const remote = remoting(tagged("a", "b", "c", "d"));
    for await (const tag of remote.puller.tags(APP, { pageSize: 2 })) if (tag === "b") break;
    assertEquals(lines(remote).length, 1);
  });

  it("is empty where the registry says so", async () => {
    for (const tags of [[], null]) {
      assertEquals(await all(remoting({ [HOME]: paged({ first: { tags } }) }).puller.tags(APP)), []);
    }
    const errors = { tags: ["a"], errors: [] };
    assertEquals(await all(remoting({ [HOME]: paged({ first: errors }) }).puller.tags(APP)), ["a"]);
  });

  it("fails where the answer is no list of tags", async () => {
    const wrong: [unknown, string][] = [
      [{}, 'it has no "tags"'],
      [{ name: "team/app", tags: "v1" }, '"tags" is not a list of texts'],
      [{ name: "team/app", tags: { v1: {} } }, '"tags" is not a list of texts'],
      [{ name: "team/app", tags: ["v1", 7] }, '"tags" is not a list of texts'],
      [{ name: "team/app", tags: [null] }, '"tags" is not a list of texts'],
      [{ errors: [{ code: "DENIED", message: "not\nyours" }] }, "it holds errors: DENIED: not yours"],
      [{ tags: null, errors: [{ code: "DENIED" }] }, "it holds errors: DENIED"],
      [{ tags: [], errors: "no" }, "it holds errors"],
      [[], "it is not a JSON object"],
      [null, "it is not a JSON object"],
    ];
    for (const [page, why] of wrong) {
      const handler: FakeHandler = ({ url }) => json(200, url.pathname === "/v2/" ? {} : page);
      const error = await assertRejects(() => all(remoting({ [HOME]: handler }).puller.tags(APP)), ProtocolError);
      assertEquals(error.message, `GET ${HOME}/v2/team/app/tags/list?n=1000: the answer is not a list: ${why}`);
    }
    for (const body of ["<html>", '{"tags":["a","b', ""]) {
      const handler: FakeHandler = ({ url }) => url.pathname === "/v2/" ? json(200, {}) : { status: 200, body };
      const error = await assertRejects(() => all(remoting({ [HOME]: handler }).puller.tags(APP)), ProtocolError);
      assertEquals(
        error.message,
        `GET ${HOME}/v2/team/app/tags/list?n=1000: the answer is not a list: it is not a JSON object`,
      );
    }
    for (const status of [201, 202, 204, 206]) {
      const handler: FakeHandler = ({ url }) =>
        url.pathname === "/v2/"
          ? json(200, {})
          : { ...json(status, { tags: ["a"] }), ...(status === 204 && { body: "" }) };
      await assertRejects(() => all(remoting({ [HOME]: handler }).puller.tags(APP)), HttpError, `n=1000: ${status}`);
    }
  });

  it("understands links with and without rel, absolute and relative, and among others", async () => {
    const handler = paged({
      first: { tags: ["a"], link: "</v2/team/app/tags/list?page=2>" },
      2: { tags: ["b"], link: `<${HOME}/v2/team/app/tags/list?page=3>; rel="next"` },
      3: { tags: ["c"], link: '</x?page=1>; rel="prev", <list?page=4>; title="more"; REL=Next' },
      4: { tags: ["d"], link: '</x?page=1>; rel="prev"' },
    });
    assertEquals(await all(remoting({ [HOME]: handler }).puller.tags(APP)), ["a", "b", "c", "d"]);
  });

  it("understands every form of a link that RFC 8288 allows, and two that are as clear", async () => {
    const links = [
      '<?page=2> rel="next"',
      "<?page=2>; rel='next'",
      '<?page=2>; rel="last next"',
      "<?page=2>; rel=next",
      '<?page=2>;Rel = "Next"',
      '<?page=2>; title="a, b; <c>; rel=\\"prev\\""; rel="next"',
      '<?x=a,b;c&page=2>; rel="next"; title="more"',
      '<?page=9>; rel="prev", ,<?page=2>; rel="next"; rel="prev"',
      "<?page=9>; title; rel=prev; rel=next,<?page=2>; rel=next;",
      `<?page=9>; rel="https://example.com/rels/other last",<?page=2>; title*=UTF-8''n%20x; rel="http://x.example/y NEXT"`,
    ];
    for (const link of links) {
      const remote = remoting({ [HOME]: paged({ first: { tags: ["a"], link }, 2: { tags: ["b"] } }) });
      assertEquals(await all(remote.puller.tags(APP)), ["a", "b"], link);
    }
    for (const link of ['<?page=2>; rel="prev"', "<?page=2>; rel=first; title=next", "", " , "]) {
      const remote = remoting({ [HOME]: paged({ first: { tags: ["a"], link }, 2: { tags: ["b"] } }) });
      assertEquals(await all(remote.puller.tags(APP)), ["a"], link);
    }
  });

  it("fails where a link can't be read, since what follows is not known", async () => {
    const links = [
      '/v2/team/app/tags/list?page=2; rel="next"',
      '<?page=2; rel="next"',
      '?page=2>; rel="next"',
      '<?page=2>; rel=""',
      "<?page=2>; rel",
      "<?page=2>; rel=",
      '<?page=2>; rel="next',
      '<?page=2>; rel="prev" x, <?page=3>; rel="next"',
      '<?page=9>; rel="prev", ?page=2; rel="next"',
      "next",
    ];
    for (const link of links) {
      const remote = remoting({ [HOME]: paged({ first: { tags: ["a"], link }, 2: { tags: ["b"] } }) });
      const error = await assertRejects(() => all(remote.puller.tags(APP)), ProtocolError, undefined, link);
      assertEquals(
        error.message,
        `GET ${HOME}/v2/team/app/tags/list?n=1000: the Link header can't be read, so the list may be longer`,
      );
    }
  });

  it("does not go round in circles", async () => {
    for (const link of ["?n=1000", "?page=2", `${HOME}:443/v2/team/app/tags/list?n=1000`]) {
      const page = { tags: ["a"], link: `<${link}>` };
      const remote = remoting({ [HOME]: paged({ first: page, 2: page }) });
      await assertRejects(() => all(remote.puller.tags(APP)), LimitError, "form a cycle");
    }
  });

  it("does not follow pages without end (rule 26)", { timeout: 60_000 }, async () => {
    const remote = remoting({
      [HOME]: ({ url }) => {
        if (url.pathname === "/v2/") return json(200, {});
        const page = Number(url.searchParams.get("page") ?? 0);
        return { ...json(200, { tags: [`v${page}`] }), headers: { link: `<?page=${page + 1}>; rel="next"` } };
      },
    });
    const error = await assertRejects(() => all(remote.puller.tags(APP)), LimitError);
    assertEquals(error.message, "the pages of a list of registry.example.com: more than the limit of 10000");
    assertEquals(lines(remote).length, 10_001);
  });

  it("refuses a link that is no URL", async () => {
    const remote = remoting({ [HOME]: paged({ first: { tags: [], link: "<http://[>" } }) });
    await assertRejects(() => all(remote.puller.tags(APP)), ProtocolError, "the Link header names no URL");
  });

  it("reads a page again that was cut", async () => {
    const registry = tagged("a", "b").on("GET", /tags/, async (_, usual) => ({ ...await usual(), cutAfter: 5 }));
    assertEquals(await all(remoting(registry).puller.tags(APP)), ["a", "b"]);
  });

  it("says what the registry says", async () => {
    const registry = new FakeRegistry().on("GET", /tags/, () => json(404, { errors: [{ code: "NAME_UNKNOWN" }] }));
    await assertRejects(() => all(remoting(registry).puller.tags(APP)), HttpError, "404 Not Found: NAME_UNKNOWN");
  });

  it("ends with the signal's reason between pages", async () => {
    const stop = new AbortController();
    const read = async () => {
      const { puller } = remoting(tagged("a", "b", "c"));
      for await (const _ of puller.tags(APP, { pageSize: 1, signal: stop.signal })) stop.abort(new Error("enough"));
    };
    await assertRejects(read, Error, "enough");
  });
});

describe("Puller.tagPages", () => {
  it("gives what Google's registries say besides", async () => {
    const manifest = {
      "sha256:ab": { imageSizeBytes: "12", timeCreatedMs: "1", timeUploadedMs: "2", tag: ["v1"], mediaType: "x/y" },
    };
    const page = { name: "team/app", tags: ["v1"], child: ["sub"], manifest };
    const handler: FakeHandler = ({ url }) => json(200, url.pathname === "/v2/" ? {} : page);
    const pages = await all(
      remoting({ "https://gcr.io": handler }).puller.tagPages(parseRepository("gcr.io/team/app")),
    );
    assertEquals(pages, [{ name: "team/app", tags: ["v1"], child: ["sub"], manifest }]);
  });

  it("leaves out what is not there, and names the repository itself", async () => {
    const handler: FakeHandler = () => json(200, { tags: ["v1"], child: null, manifest: null, name: 3 });
    assertEquals(await all(remoting({ [HOME]: handler }).puller.tagPages(APP)), [{ name: "team/app", tags: ["v1"] }]);
  });

  it("fails where what Google's registries say besides is something else", async () => {
    const wrong: [Record<string, unknown>, string][] = [
      [{ child: "sub" }, '"child" is not a list of texts'],
      [{ child: ["sub", 7] }, '"child" is not a list of texts'],
      [{ child: {} }, '"child" is not a list of texts'],
      [{ manifest: [] }, '"manifest" does not hold an object for each digest'],
      [{ manifest: "x" }, '"manifest" does not hold an object for each digest'],
      [{ manifest: { "sha256:ab": null } }, '"manifest" does not hold an object for each digest'],
      [{ manifest: { "sha256:ab": { tag: "v1" } } }, '"manifest" has something else than tags for "sha256:ab"'],
      [{ manifest: { "sha256:ab": { tag: [1] } } }, '"manifest" has something else than tags for "sha256:ab"'],
    ];
    for (const [page, why] of wrong) {
      const handler: FakeHandler = () => json(200, { tags: [], ...page });
      await assertRejects(
        () => all(remoting({ [HOME]: handler }).puller.tagPages(APP)),
        ProtocolError,
        `/v2/team/app/tags/list?n=1000: the answer is not a list: ${why}`,
      );
    }
  });
});

describe("Puller.catalog", () => {
  it("lists the repositories, all pages, with the scope for that", async () => {
    const registry = new FakeRegistry({ auth: "bearer" });
    for (const name of ["c", "a/b", "a"]) registry.manifestsOf(name);
    const remote = remoting(registry, { keychain: annsKeychain });
    assertEquals(await all(remote.puller.catalog(REGISTRY, { pageSize: 2 })), ["a", "a/b", "c"]);
    assertEquals(registry.tokens.asked, [["registry:catalog:*"]]);
    assertEquals(lines(remote).slice(-2), ["GET /v2/_catalog?n=2", "GET /v2/_catalog?n=2&last=a%2Fb"]);
    assertEquals(await all(remote.puller.catalogPages(REGISTRY)), [{ repositories: ["a", "a/b", "c"] }]);
    assertEquals(lines(remote).at(-1), "GET /v2/_catalog?n=1000");
  });
});

describe("Puller.catalog of a registry that answers with something else", () => {
  it("fails, and is empty for null and [] alone", async () => {
    const catalog = (page: unknown, link?: string) => {
      const handler: FakeHandler = ({ url }) => ({
        ...json(200, url.pathname === "/v2/" ? {} : page),
        headers: link === undefined ? {} : { link },
      });
      return all(remoting({ [HOME]: handler }).puller.catalog(REGISTRY));
    };
    for (const repositories of [null, []]) assertEquals(await catalog({ repositories }), []);
    const wrong: [unknown, string][] = [
      [{}, 'it has no "repositories"'],
      [{ repositories: "a" }, '"repositories" is not a list of texts'],
      [{ repositories: ["a", {}] }, '"repositories" is not a list of texts'],
      [{ errors: [{ code: "DENIED" }] }, "it holds errors: DENIED"],
    ];
    for (const [page, why] of wrong) {
      const error = await assertRejects(() => catalog(page), ProtocolError);
      assertEquals(error.message, `GET ${HOME}/v2/_catalog?n=1000: the answer is not a list: ${why}`);
    }
    await assertRejects(() => catalog({ repositories: [] }, "?last=a; rel=next"), ProtocolError, "the Link header");
  });
});

describe("isGoogle", () => {
  it("knows Google's registries by their hosts", () => {
    const hosts = ["gcr.io", "eu.gcr.io", "us-docker.pkg.dev", "x.google.com"];
    assertEquals(hosts.filter((host) => !isGoogle(host)), []);
    const others = ["notgcr.io", "gcr.io.example.com", "pkg.dev", "google.com", "ghcr.io"];
    assertEquals(others.filter(isGoogle), []);
  });
});
