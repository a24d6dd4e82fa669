import { assertEquals } from "@std/assert";
import { it } from "node:test";
import { read } from "../project/tree.ts";
import { PICTURE, terminalPicture } from "./picture.ts";

it("the picture of a terminal shows what the commands print (deno task picture writes it)", {
  timeout: 60_000,
}, async () => {
  assertEquals(read(PICTURE), await terminalPicture());
});
