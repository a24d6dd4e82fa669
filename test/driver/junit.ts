// Reads the JUnit files that `deno test`, `bun test` and `node --test` write.

/** A test that failed, and why. */
export interface Failure {
  name: string;
  message: string;
}

/** What a run of tests came to. */
export interface Report {
  passed: number;
  failures: Failure[];
  /** The names of the skipped tests. */
  skipped: string[];
  /** How many seconds each test took, skipped ones apart. */
  seconds: Map<string, number>;
}

/** Returns the report of a run without tests. */
export function emptyReport(): Report {
  return { passed: 0, failures: [], skipped: [], seconds: new Map() };
}

/** The end of a suite, the attributes of a suite, or those of a test with its body. An attribute may contain `>`. */
const ELEMENTS =
  /(<\/testsuite>)|<testsuite\b((?:"[^"]*"|[^">/])*)>|<testcase\b((?:"[^"]*"|[^">/])*)(?:\/>|>([\s\S]*?)<\/testcase>)/g;

interface TestCase {
  name: string;
  body: string;
  seconds: number;
}

/** How {@linkcode readJunit} reads. */
export interface ReadJunitOptions {
  /**
   * The file lists a suite as a test beside its own tests, as Deno does: the suite's outcome then counts only if
   * it failed by itself, in a hook for example.
   *
   * @default {false}
   */
  suitesAreTests?: boolean;
  /**
   * A part of the names of tests that must not be skipped: one that is counts as failed.
   *
   * @default {undefined}
   */
  required?: string;
}

/** Reads the tests of a JUnit file, each once. */
export function readJunit(xml: string, options: ReadJunitOptions = {}): Report {
  const cases = testCases(xml, !options.suitesAreTests);
  const suites = options.suitesAreTests ? suiteNames(cases) : new Set<string>();
  const report = emptyReport();
  for (const { name, body, seconds } of cases) {
    const failure = failureOf(body);
    if (!suites.has(name) && !/<skipped\b/.test(body)) report.seconds.set(name, seconds);
    if (suites.has(name)) {
      if (failure !== undefined && !/^\d+ test steps? failed/.test(failure)) {
        report.failures.push({ name, message: failure });
      }
    } else if (failure !== undefined) {
      report.failures.push({ name, message: failure });
    } else if (/<skipped\b/.test(body) && options.required !== undefined && name.includes(options.required)) {
      report.failures.push({ name, message: "skipped, where it has all that it needs" });
    } else if (/<skipped\b/.test(body)) {
      report.skipped.push(name);
    } else {
      report.passed++;
    }
  }
  return report;
}

/** Finds the tests; of those that their suites' elements enclose, as Bun and Node.js write them, with the suites' names. */
function testCases(xml: string, enclosed: boolean): TestCase[] {
  const cases: TestCase[] = [];
  const suites: string[] = [];
  for (const [, end, suite, test, body = ""] of xml.matchAll(ELEMENTS)) {
    const name = attribute(suite ?? test ?? "", "name");
    const file = attribute(suite ?? test ?? "", "file");
    if (end !== undefined) suites.pop();
    // Bun encloses a file's suites in one for the file.
    else if (suite !== undefined) suites.push(enclosed && name !== file ? name : "");
    // Node.js lists a file as a test if it has none or fails by itself.
    else if (body !== "" || !name.endsWith("_test.ts") || !file.endsWith(name)) {
      const seconds = Number(attribute(test, "time")) || 0;
      cases.push({ name: [...suites.filter(Boolean), name].join(" > "), body, seconds });
    }
  }
  return cases;
}

function suiteNames(cases: TestCase[]): Set<string> {
  const suites = new Set<string>();
  for (const { name } of cases) {
    for (let at = name.lastIndexOf(" > "); at > 0; at = name.lastIndexOf(" > ", at - 1)) suites.add(name.slice(0, at));
  }
  return suites;
}

function failureOf(body: string): string | undefined {
  const match = /<(?:failure|error)\b([^>]*?)(?:\/>|>([\s\S]*?)<\/(?:failure|error)>)/.exec(body);
  if (match === null) return undefined;
  return unescape(match[2] ?? "").trim() || attribute(match[1], "message") || "failed";
}

function attribute(attributes: string, name: string): string {
  return unescape(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
}

function unescape(text: string): string {
  return text
    .replace(
      /&#(?:x([0-9a-f]+)|(\d+));/gi,
      (_, hex, decimal) => String.fromCodePoint(parseInt(hex ?? decimal, hex ? 16 : 10)),
    )
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
