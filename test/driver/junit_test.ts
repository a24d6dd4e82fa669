import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { readJunit, type ReadJunitOptions, type Report } from "./junit.ts";

function outcome(xml: string, options?: ReadJunitOptions): Omit<Report, "seconds"> {
  const { seconds: _, ...rest } = readJunit(xml, options);
  return rest;
}

describe("readJunit", () => {
  it("counts Deno's steps once and leaves their suites out", () => {
    const xml = `<testsuites tests="6" failures="2">
      <testsuite name="./a_test.ts">
        <testcase name="outer &lt;x&gt;" classname="./a_test.ts">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="skipped suite" classname="./a_test.ts">
            <skipped/>
        </testcase>
      </testsuite>
      <testsuite name="ext:deno_node/testing.ts">
        <testcase name="outer &lt;x&gt; &gt; inner" classname="ext"><failure message="1 test step failed">1 test step failed.</failure></testcase>
        <testcase name="outer &lt;x&gt; &gt; inner &gt; passes" classname="ext">
        </testcase>
        <testcase name="outer &lt;x&gt; &gt; inner &gt; fails" classname="ext">
            <failure message="Uncaught Error">Error: &quot;a&quot; &amp; b</failure>
        </testcase>
      </testsuite>
    </testsuites>`;
    assertEquals(outcome(xml, { suitesAreTests: true }), {
      passed: 1,
      failures: [{ name: "outer <x> > inner > fails", message: 'Error: "a" & b' }],
      skipped: ["skipped suite"],
    });
  });

  it("counts a suite of Deno that failed by itself", () => {
    const xml =
      `<testcase name="hooks" classname="./b_test.ts"><failure message="m">Error: bad after</failure></testcase>
      <testcase name="hooks &gt; x" classname="ext"></testcase>`;
    assertEquals(outcome(xml, { suitesAreTests: true }), {
      passed: 1,
      failures: [{ name: "hooks", message: "Error: bad after" }],
      skipped: [],
    });
  });

  it("counts a test that had to run as failed where it was skipped", () => {
    const xml = `<testcase name="@std/tar [peer absent]"><skipped/></testcase><testcase name="b"><skipped/></testcase>`;
    assertEquals(outcome(xml, { required: "@std/tar" }), {
      passed: 0,
      failures: [{ name: "@std/tar [peer absent]", message: "skipped, where it has all that it needs" }],
      skipped: ["b"],
    });
  });

  it("reads Bun's form", () => {
    const xml = `<testsuites name="bun test" tests="3"><testsuite name="test/a_test.ts" file="test/a_test.ts">
        <testsuite name="outer" file="test/a_test.ts">
          <testsuite name="inner" file="test/a_test.ts">
            <testcase name="passes" classname="inner &gt; outer" file="test/a_test.ts" assertions="0" />
            <testcase name="fails" classname="inner &gt; outer" file="test/a_test.ts">
              <failure type="AssertionError" message="not&#10;equal" />
            </testcase>
          </testsuite>
        </testsuite>
        <testcase name="skips" classname="" file="test/a_test.ts">
          <skipped />
        </testcase>
      </testsuite></testsuites>`;
    assertEquals(outcome(xml), {
      passed: 1,
      failures: [{ name: "outer > inner > fails", message: "not\nequal" }],
      skipped: ["skips"],
    });
  });

  it("reads Node.js's form, where a file without a test is one that passed", () => {
    const xml = `<testsuites>
      <testsuite name="outer" tests="2">
        <testsuite name="a > &quot;b&quot;" tests="1">
          <testcase name="x > y" classname="outer.a > &quot;b&quot;" file="/t/a_test.ts"/>
        </testsuite>
        <testcase name="fails" classname="outer" file="/t/a_test.ts" failure="on purpose">
          <failure type="testCodeFailure" message="on purpose">
[Error: on purpose] { at &lt;anonymous> }
          </failure>
        </testcase>
      </testsuite>
      <testcase name="skips" classname="test" file="/t/a_test.ts"><skipped type="skipped" message="why"/></testcase>
      <testcase name="/t/none_test.ts" classname="test" file="/t/none_test.ts"/>
      <testcase name="t/none_test.ts" classname="test" file="/t/none_test.ts"/>
      <testcase name="t/broken_test.ts" classname="test" file="/t/broken_test.ts">
        <failure type="testCodeFailure" message="test failed"></failure>
      </testcase>
      <!-- tests 5 -->
    </testsuites>`;
    assertEquals(outcome(xml), {
      passed: 1,
      failures: [
        { name: "outer > fails", message: "[Error: on purpose] { at <anonymous> }" },
        { name: "t/broken_test.ts", message: "test failed" },
      ],
      skipped: ["skips"],
    });
  });

  it("reads how long each test took", () => {
    const xml = `<testsuite name="ext"><testcase name="outer" time="3.5"></testcase>
      <testcase name="outer &gt; a" time="2.25"></testcase><testcase name="b" time="1"><skipped/></testcase></testsuite>`;
    assertEquals([...readJunit(xml, { suitesAreTests: true }).seconds], [["outer > a", 2.25]]);
  });
});
