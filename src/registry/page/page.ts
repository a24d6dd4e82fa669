import { Hono } from "hono";
import { html } from "hono/html";
import { type Hash, isHash } from "../../spec/mod.ts";
import { CATALOG, type RegistryAccess, repositoryScope } from "../access/access.ts";
import { isRepositoryName, isTag } from "../content/names.ts";
import type { RegistryContext, RegistryEnv } from "../http/context.ts";
import type { Exchange } from "../http/exchange.ts";
import { admit, named, permission } from "../http/middleware.ts";
import { replyBytes } from "../http/reply.ts";
import {
  command,
  type Content,
  digestText,
  link,
  manifestLink,
  type Markup,
  page,
  pageOf,
  repositoryList,
  section,
  shortDigest,
  sizeText,
  table,
  timeText,
} from "./components.ts";
import { manifestContent } from "./manifest_page.ts";
import { STYLE } from "./style.ts";

/** The number of names on one page. */
const PAGE = 200;

/** The headers of the page, which allow a browser to load its style and nothing else. */
const HEADERS: Record<string, string> = {
  "Content-Security-Policy":
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-cache",
};

/** Makes the routes of the web page: repositories at `/`, their content at `/browse/<name>[:tag|@digest]`. */
export function pageRoutes(
  { context, access }: { context: RegistryContext; access: RegistryAccess },
): Hono<RegistryEnv> {
  const app = new Hono<RegistryEnv>();
  app.get("/", named("page"), permission(access, [CATALOG], true), (c) => repositoriesPage(context, c.env));
  app.get("/browse/style.css", named("page"), () => reply(STYLE, "text/css; charset=utf-8"));
  app.get("/browse/*", named("page"), async (c) => {
    const place = placeOf(c.req.path.slice("/browse/".length));
    if (!place) return nothing();
    const caller = await admit(access, c.env, { needs: [repositoryScope(place.name, "pull")], interactive: true });
    if (caller instanceof Response) return caller;
    return await (place.reference === undefined
      ? repositoryPage(context, c.env, place.name)
      : referencePage(context, c.env, { name: place.name, reference: place.reference }));
  });
  return app;
}

async function repositoriesPage({ repositories }: RegistryContext, { url, request }: Exchange): Promise<Response> {
  const after = url.searchParams.get("last") ?? undefined;
  const names = await repositories.names({ after, limit: PAGE + 1, signal: request.signal });
  if (names.length > 0) {
    const next = names.length > PAGE ? names[PAGE - 1] : undefined;
    return replyPage("Repositories", html`${repositoryList(names.slice(0, PAGE))}\n${more("/", next)}`);
  }
  if (after !== undefined) return replyPage("Repositories", html`<p>There are no more</p>`);
  return replyPage(
    "Repositories",
    html`<p>There is nothing here yet. Push an image:</p>\n${
      command(`gcrane copy docker.io/library/alpine ${url.host}/alpine`)
    }`,
  );
}

async function repositoryPage(context: RegistryContext, { url, request }: Exchange, name: string): Promise<Response> {
  const { repositories } = context;
  const { signal } = request;
  const after = url.searchParams.get("last") ?? undefined;
  const isFirst = after === undefined;
  const [tags, children] = await Promise.all([
    repositories.tags(name, { after, limit: PAGE, signal }),
    isFirst ? repositories.children(name, { signal }) : [],
  ]);
  const all = isFirst && tags.next === undefined ? tags.entries : undefined;
  const untagged = isFirst ? (await repositories.untagged(name, { limit: PAGE, all, signal })).entries : [];
  const manifests = new Map(
    await repositories.readManifests(name, {
      digests: new Set([...tags.entries.map(([, digest]) => digest), ...untagged]),
      signal,
      read: (manifest) => [manifest.digest, manifest] as const,
    }),
  );
  if (manifests.size + children.length === 0 && !await repositories.exists(name, { signal })) return nothing();
  const manifestTable = (rows: readonly (readonly [label: Markup, digest: Hash])[]) =>
    table(
      ["", "Digest", "Type", "Size", "Pushed"],
      rows.flatMap(([label, digest]): Content[][] => {
        const manifest = manifests.get(digest);
        if (!manifest) return [];
        const { mediaType, imageSize, uploaded } = manifest;
        return [[label, digestText(digest), mediaType, sizeText(imageSize), timeText(uploaded)]];
      }),
    );
  return replyPage(name, [
    section("Tags", manifestTable(tags.entries.map(([tag, digest]) => [link(pageOf(name, `:${tag}`), tag), digest]))),
    more(pageOf(name), tags.next),
    section("Without a tag", manifestTable(untagged.map((digest) => [manifestLink(name, digest), digest]))),
    section("Below it", repositoryList(children.map((child) => `${name}/${child}`))),
  ]);
}

async function referencePage(
  context: RegistryContext,
  { url, request: { signal } }: Exchange,
  { name, reference }: Required<PageLocation>,
): Promise<Response> {
  const { repositories } = context;
  const digest = isHash(reference) ? reference : await repositories.tag(name, reference, { signal });
  const manifest = digest && await repositories.manifest(name, digest, { signal });
  if (!manifest) return nothing();
  const image = `${url.host}/${name}${isHash(reference) ? "@" : ":"}${reference}`;
  const title = isHash(reference) ? `${name}@${shortDigest(reference)}` : `${name}:${reference}`;
  return replyPage(title, [
    html`<p>${link(pageOf(name), name)}</p>\n`,
    ...await manifestContent(context, { name, image, manifest, signal }),
  ]);
}

/** Makes the link to the page of the names after one, if there is one. */
function more(path: string, next: string | undefined): Content {
  if (next === undefined) return "";
  return html`<p>${link(`${path}?${new URLSearchParams({ last: next })}`, "More")}</p>\n`;
}

function nothing(): Promise<Response> {
  return replyPage("Not found", html`<p>There is nothing here. ${link("/", "All repositories")}</p>`, 404);
}

async function replyPage(title: string, content: Content | readonly Content[], status = 200): Promise<Response> {
  return reply(String(await page(title, html`${content}`)), "text/html; charset=utf-8", status);
}

function reply(text: string, type: string, status = 200): Response {
  const bytes = new TextEncoder().encode(text);
  return replyBytes(bytes, { status, type, size: bytes.length, headers: HEADERS });
}

/** The repository or manifest of a path below `/browse/`. */
interface PageLocation {
  readonly name: string;
  /** A tag or a digest. */
  readonly reference?: string;
}

/** Reads `team/app`, `team/app:v1` and `team/app@sha256:…`. */
function placeOf(path: string): PageLocation | undefined {
  const [, name, mark, reference] = /^([^:@]*)(?:([:@])(.*))?$/.exec(path.replace(/%2540/g, "@")) ?? [];
  if (name === undefined || !isRepositoryName(name)) return undefined;
  if (mark === undefined) return { name };
  return (mark === "@" ? isHash(reference) : isTag(reference)) ? { name, reference } : undefined;
}
