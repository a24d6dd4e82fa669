import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { answerableChallenge, responseChallenges } from "../../src/transport/internal.ts";
import { parseChallenges } from "../../src/transport/mod.ts";

interface Case {
  headers: string[];
  challenges: { scheme: string; parameters: Record<string, string> }[];
  /** Why our answer is not the peer's. */
  why?: string;
}

const lines = readFileSync(new URL("../testdata/challenges.jsonl", import.meta.url), "utf8").trim().split("\n");
const cases = lines.map((line) => JSON.parse(line) as Case);

/** The cases that a reader answers otherwise. */
function wrong(read: (headers: string[]) => unknown): unknown[] {
  return cases
    .map(({ headers, challenges }) => ({ headers, expected: challenges, actual: read(headers) }))
    .filter(({ expected, actual }) => sorted(expected) !== sorted(actual));
}

/** JSON that is the same for the same content. */
function sorted(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner) =>
      typeof inner === "object" && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
        : inner,
  );
}

describe("the vectors of challenges", () => {
  it("has all of them", () => {
    assertEquals(cases.length, 208);
    assertEquals(cases.filter(({ why }) => why !== undefined).length, 14);
  });

  it("reads each as the vectors say", () => assertEquals(wrong(parseChallenges), []));

  it("reads each from one header, as fetch joins them", () => {
    assertEquals(wrong((headers) => parseChallenges([headers.join(", ")])), []);
    assertEquals(
      wrong((headers) => {
        const response = new Response(null, { headers: headers.map((value) => ["www-authenticate", value]) });
        return responseChallenges(response);
      }),
      [],
    );
  });
});

describe("parseChallenges", () => {
  it("passes over what it can't read", () => {
    assertEquals(parseChallenges(['Bearer realm="a', "", " , ,", '@@ Basic realm="b"']), [
      { scheme: "bearer", parameters: {} },
      { scheme: "a", parameters: {} },
      { scheme: "basic", parameters: { realm: "b" } },
    ]);
  });

  it("ends in time on a long value that means nothing", () => {
    assertEquals(parseChallenges([`Bearer ${'a="\\"'.repeat(4000)}`]).length > 0, true);
  });

  it("finds none where there is no header", () => assertEquals(responseChallenges(new Response()), []));
});

describe("answerableChallenge", () => {
  it("is the first that is basic or bearer", () => {
    const found = answerableChallenge(parseChallenges(['Negotiate, BEARER realm="r", Basic realm="b"']));
    assertEquals(found, { scheme: "bearer", parameters: { realm: "r" } });
    assertEquals(answerableChallenge(parseChallenges(["Negotiate", "Digest x=y"])), undefined);
  });
});
