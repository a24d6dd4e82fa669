import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { editorFileName } from "../../cli/edit_text.ts";

describe("the name of the file that an editor opens", () => {
  it("is the last name of a path, and one that every file system takes", () => {
    const names = {
      "etc/motd": "motd",
      "etc/nginx/": "nginx",
      "": "file",
      "/": "file",
      "..": "file",
      "a/..\\..\\evil.bat": ".._.._evil.bat",
      "C:\\x": "C__x",
      'a<b>c:d"e|f?g*h\u0001': "a_b_c_d_e_f_g_h_",
    };
    for (const [path, name] of Object.entries(names)) assertEquals(editorFileName(path), name, path);
  });
});
