import { describe, it } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { createRegistry, tokenAccess } from "../../../src/registry/mod.ts";

const base = "http://registry.example.com";
const app = "https://app.example.com";

function preflight(origin: string): RequestInit {
  return {
    method: "OPTIONS",
    headers: {
      "Origin": origin,
      "Access-Control-Request-Method": "PUT",
      "Access-Control-Request-Headers": "authorization,content-type",
    },
  };
}

describe("a registry with cors", () => {
  it("answers preflight requests of its origins, before it asks for a password", async () => {
    const { fetch } = createRegistry({ cors: [app], access: tokenAccess({ users: { ann: "secret" } }) });
    for (const path of ["/v2/", "/v2/app/blobs/uploads/", "/v2/app/manifests/v1", "/token"]) {
      const { status, headers } = await fetch(base + path, preflight(app));
      assertEquals([status, headers.get("Access-Control-Allow-Origin")], [204, app], path);
      assertEquals(headers.get("Access-Control-Allow-Headers")?.replaceAll(" ", ""), "authorization,content-type");
      for (const method of ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"]) {
        assertEquals(headers.get("Access-Control-Allow-Methods")?.split(",").includes(method), true, method);
      }
      assertEquals(headers.get("Access-Control-Allow-Credentials"), null);
      const other = await fetch(base + path, preflight("https://other.example.com"));
      assertEquals(other.headers.get("Access-Control-Allow-Origin"), null);
    }
  });

  it("shows its headers to scripts of its origins, also those of refusals", async () => {
    const { fetch } = createRegistry({ cors: ["*"], access: tokenAccess({ users: { ann: "secret" } }) });
    for (const [path, status] of [["/v2/", 401], ["/v2/app/tags/list", 401], ["/nothing", 404]] as const) {
      const response = await fetch(base + path, { headers: { Origin: app } });
      assertEquals([response.status, response.headers.get("Access-Control-Allow-Origin")], [status, "*"]);
      const exposed = response.headers.get("Access-Control-Expose-Headers")!.split(",");
      const needed = ["Docker-Content-Digest", "Link", "Location", "Range", "Docker-Upload-UUID", "WWW-Authenticate"];
      for (const name of [...needed, "OCI-Subject", "OCI-Filters-Applied"]) assertEquals(exposed.includes(name), true);
    }
  });

  it("keeps the length of a body that it serves", async () => {
    const { fetch } = createRegistry({ cors: [app] });
    const response = await fetch(`${base}/v2/_catalog`, { headers: { Origin: app } });
    const text = await response.text();
    assertEquals(response.headers.get("Content-Length"), String(text.length));
    assertEquals(response.headers.get("Vary"), "Origin");
  });

  it("refuses what is no origin", () => {
    for (const origin of ["app.example.com", `${app}/`, `${app}/path`, "ftp://app.example.com", "null", ""]) {
      assertThrows(() => createRegistry({ cors: [origin] }), TypeError, "is not an origin");
    }
  });
});

describe("a registry without cors", () => {
  it("has no preflight requests", async () => {
    const { status, headers } = await createRegistry().fetch(`${base}/v2/`, preflight(app));
    assertEquals([status, headers.get("Access-Control-Allow-Origin")], [405, null]);
  });
});
