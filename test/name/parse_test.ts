import { assert, assertEquals, assertFalse, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { NameError } from "../../src/errors.ts";
import {
  type NameOptions,
  parseDigest,
  parseReference,
  parseRegistry,
  parseRepository,
  parseTag,
} from "../../src/name/mod.ts";

const HEX = "0123456789abcdef".repeat(4);
const DIGEST = `sha256:${HEX}`;
const DIGEST_512 = `sha512:${HEX}${HEX}`;
const FORM = "a digest is sha256: and 64 hex digits, or sha512: and 128";

function refusal(parse: () => unknown): { message: string; hint: string | undefined } {
  const { message, hint, code } = assertThrows(parse, NameError);
  assertEquals(code, "NAME_INVALID");
  assertFalse(message.includes("\n"), "a message is one line");
  return { message, hint };
}

describe("parseReference", () => {
  it("fills in the registry, the namespace and the tag", () => {
    const reference = parseReference("ubuntu");
    assertEquals(
      [reference.kind, reference.registry.name, reference.repository.path, reference.identifier, reference.name],
      ["tag", "index.docker.io", "library/ubuntu", "latest", "index.docker.io/library/ubuntu:latest"],
    );
    assertEquals(reference.toString(), "ubuntu");
  });

  it("takes other defaults", () => {
    const options: NameOptions = { defaultRegistry: "mirror.example.com", defaultTag: "edge" };
    assertEquals(parseReference("app", options).name, "mirror.example.com/app:edge");
    assertEquals(parseReference("quay.io/app:v1", options).name, "quay.io/app:v1");
    // A default registry need not look like one: the full form is never parsed again.
    assertEquals(parseReference(`app@${DIGEST}`, { defaultRegistry: "intra" }).name, `intra/app@${DIGEST}`);
  });

  it("refuses defaults that can't be what they stand for", () => {
    assertThrows(() => parseReference("app", { defaultTag: "a/b" }), NameError, `"a/b"`);
    assertThrows(() => parseReference("app", { defaultRegistry: "a/b" }), NameError, `"a/b"`);
  });

  it("calls Docker Hub by its one name", () => {
    for (const text of ["ubuntu", "docker.io/ubuntu", "index.docker.io/ubuntu", "docker.io/library/ubuntu"]) {
      assertEquals(parseReference(text).name, "index.docker.io/library/ubuntu:latest");
    }
  });

  it("keeps the tag of a reference by digest in its typed form alone", () => {
    const reference = parseReference(`gcr.io/app:v1@${DIGEST}`);
    assertEquals(reference.kind, "digest");
    assertEquals(reference.identifier, DIGEST);
    assertEquals(reference.name, `gcr.io/app@${DIGEST}`);
    assertEquals(String(reference), `gcr.io/app:v1@${DIGEST}`);
  });

  it("checks the tag before the digest too", () => {
    assertThrows(() => parseReference(`gcr.io/app:@${DIGEST}`), NameError, "tag");
    assertThrows(() => parseReference(`gcr.io/app:a b@${DIGEST}`), NameError, "tag");
  });

  it("takes lengths up to the limits", () => {
    assertEquals(parseReference(`gcr.io/${"a".repeat(255)}:${"t".repeat(128)}`).identifier.length, 128);
    assertThrows(() => parseReference(`gcr.io/${"a".repeat(256)}`), NameError, "256 characters");
    assertThrows(() => parseReference(`gcr.io/a:${"t".repeat(129)}`), NameError, "129 characters");
  });

  it("refuses parts that a URL would drop", () => {
    for (const text of ["gcr.io/../x", "gcr.io/x/..", "gcr.io/./x", "gcr.io/x:.", "gcr.io/x:.."]) {
      assertThrows(() => parseReference(text), NameError);
    }
    assertEquals(parseReference("gcr.io/..x/y..:...").repository.path, "..x/y..");
  });

  it("gives registry and repository as the objects that all three parsers make", () => {
    const reference = parseReference("ubuntu");
    assertStrictEquals(reference.registry, reference.repository.registry);
    assertEquals(reference.repository, parseRepository("ubuntu"));
    assertEquals(reference.registry, parseRegistry("docker.io"));
    assertEquals([reference.registry.kind, reference.repository.kind, reference.kind], [
      "registry",
      "repository",
      "tag",
    ]);
    assertEquals(`${reference.repository}@${DIGEST}`, `index.docker.io/library/ubuntu@${DIGEST}`);
  });

  it("gives references that nobody can change", () => {
    const reference = parseReference("gcr.io/app");
    for (const frozen of [reference, reference.repository, reference.registry]) assert(Object.isFrozen(frozen));
  });

  it("refuses misuse with a TypeError", () => {
    assertThrows(() => parseReference(undefined as unknown as string), TypeError);
    assertThrows(() => parseReference("a", { validation: "Strict" as "strict" }), TypeError, "Strict");
  });
});

describe("strict validation", () => {
  const strict: NameOptions = { validation: "strict" };

  it("demands what weak validation fills in, and says which part", () => {
    assertThrows(() => parseReference("ubuntu", strict), NameError, "the registry is missing");
    assertThrows(() => parseReference("docker.io/ubuntu:22.04", strict), NameError, "library/ is missing");
    assertThrows(() => parseReference("gcr.io/app", strict), NameError, "the tag is missing");
    assertThrows(() => parseRegistry("", strict), NameError, "the registry is missing");
    assertEquals(parseRegistry("").name, "index.docker.io");
  });

  it("demands no tag beside a digest", () => {
    assertEquals(parseReference(`gcr.io/app@${DIGEST}`, strict).kind, "digest");
  });
});

describe("a refusal", () => {
  const at = (text: string, options?: NameOptions) => refusal(() => parseReference(text, options));

  it("quotes the text and counts the characters up to the problem", () => {
    assertEquals(at("gcr.io/Foo:1"), {
      message: `can't parse "gcr.io/Foo:1": a repository can't have "F", only a-z 0-9 _ - . / (character 8)`,
      hint: `write it in lower case: "foo"`,
    });
    assertEquals(at("日本.jp/x y").message.match(/\(.*\)$/)?.[0], "(character 8)");
    assertEquals(at("𠮷.jp/Foo").message.match(/\(.*\)$/)?.[0], "(character 6)");
    assertEquals(at("gcr.io/a/😀").message.match(/have (".*?"),.*\((.*)\)$/)?.slice(1), [`"😀"`, "character 10"]);
  });

  it("has a hint for what people often type", () => {
    assertEquals(at("https://gcr.io/app").hint, "leave out https://, a name starts with the host");
    assertEquals(at("http://localhost:5000/app").hint, "leave out http://, a name starts with the host");
    assertEquals(at("HTTPS://gcr.io/app").hint, "leave out HTTPS://, a name starts with the host");
    assertEquals(at(" ubuntu").hint, "remove the white space");
    assertEquals(at("ubuntu:").hint, "name a tag or leave out the colon");
    assertEquals(at(`ubuntu@${HEX}`).hint, "write sha256: in front of the digits");
    assertEquals(at(`ubuntu@${HEX}${HEX}`).hint, "write sha512: in front of the digits");
    assertEquals(at(`ubuntu@sha384:${HEX}`).hint, FORM + "; a tag comes after a colon");
    assertEquals(at("ubuntu@latest").hint, FORM + "; a tag comes after a colon");
    assertEquals(at(`ubuntu@${DIGEST.toUpperCase().replace("SHA", "sha")}`).hint, "write it in lower case");
    assertEquals(at(`ubuntu:${DIGEST}`).hint, "a tag comes last, after one colon; a digest comes after @");
    assertEquals(at("ubuntu:feature/x").hint, "the text before the first slash is HOST:PORT; a tag comes last");
  });

  it("says how long a digest is instead of how long it should be", () => {
    assertEquals(at(`ubuntu@sha512:${HEX}`).message.includes("64 hex digits instead of 128 (character 15)"), true);
    assertEquals(at(`ubuntu@${DIGEST_512.replace("0", "g")}`).hint, FORM);
    assertEquals(at("ubuntu@sha256:abc"), {
      message: `can't parse "ubuntu@sha256:abc": the digest has 3 hex digits instead of 64 (character 15)`,
      hint: "copy all of it: a short form is not enough",
    });
    assertEquals(at(`ubuntu@${DIGEST}0`).message.includes("65 hex digits instead of 64"), true);
    assertEquals(at(`ubuntu@sha256:${"g".repeat(64)}`).message.includes(`a digest can't have "g"`), true);
  });

  it("names what is missing or twice there", () => {
    assert(at("").message.includes("the repository is missing"));
    assert(at("gcr.io/").message.includes("the repository is missing"));
    assert(at("ubuntu@").message.includes("the digest after @ is missing"));
    assert(at(`ubuntu@${DIGEST}@${DIGEST}`).message.includes("there is a second @"));
    assert(refusal(() => parseDigest("ubuntu:22.04")).message.includes("the digest is missing"));
  });

  it("never repeats a password", () => {
    for (const text of ["bob:hunter2@gcr.io/app", "https://bob:hunter2@gcr.io/app", "bob:hunter2@gcr.io/app:v1"]) {
      assertFalse(JSON.stringify(at(text)).includes("hunter2"));
    }
  });

  it("stays on one line and short, whatever was typed", () => {
    assert(at("a\nb\u0007").message.includes(String.raw`"a\nb\u0007"`));
    assert(at("x".repeat(10_000)).message.length < 500);
  });
});

describe("parseTag and parseDigest", () => {
  it("give references of their kind", () => {
    const tag: "tag" = parseTag("gcr.io/app:v1").kind;
    const digest: "digest" = parseDigest(`gcr.io/app@${DIGEST}`).kind;
    assertEquals([tag, digest], ["tag", "digest"]);
    assertThrows(() => parseTag(`gcr.io/app@${DIGEST}`), NameError);
  });
});

describe("parseRepository", () => {
  it("makes references, whose typed form is the full one", () => {
    const repository = parseRepository("ubuntu");
    assertEquals(repository.name, "index.docker.io/library/ubuntu");
    assertEquals(String(repository), repository.name);
    assertEquals(String(repository.tag("22.04")), "index.docker.io/library/ubuntu:22.04");
    assertEquals(repository.digest(DIGEST).name, `index.docker.io/library/ubuntu@${DIGEST}`);
    assertStrictEquals(repository.tag("22.04").repository, repository);
    assertThrows(() => repository.tag("a b"), NameError);
    assertThrows(() => repository.digest("sha256:abc"), NameError);
  });

  it("refuses a tag or a digest", () => {
    assertThrows(() => parseRepository("gcr.io/app:v1"), NameError);
    assertThrows(() => parseRepository(`gcr.io/app@${DIGEST}`), NameError);
  });
});

describe("parseRegistry", () => {
  it("makes repositories", () => {
    assertEquals(parseRegistry("docker.io").repository("ubuntu").name, "index.docker.io/library/ubuntu");
    assertEquals(parseRegistry("localhost:5000").repository("a/b").name, "localhost:5000/a/b");
    assertThrows(() => parseRegistry("gcr.io").repository("A"), NameError);
  });

  it("puts an address with colons in brackets where a URL needs them", () => {
    const authority = (text: string) => parseRegistry(text).authority;
    assertEquals(["::1", "[::1]", "[::1]:5000", "gcr.io:443"].map(authority), [
      "[::1]",
      "[::1]",
      "[::1]:5000",
      "gcr.io:443",
    ]);
  });

  it("refuses what is no host of a URL", () => {
    for (const text of ["gcr.io/x", "https://gcr.io", "a b", "bob@gcr.io", "gcr.io?x", "gcr.io#x", "gcr.io:x"]) {
      assertThrows(() => parseRegistry(text), NameError);
    }
    for (const text of ["[::1", "[]", "[::1]x", "[g::1]", "a%20b", "a\u200bb", "a\\b", `a"b`, "<a>"]) {
      assertThrows(() => parseRegistry(text), NameError);
    }
    assertEquals(refusal(() => parseRegistry("gcr.io/x")).hint, `the registry alone is "gcr.io"`);
  });
});
