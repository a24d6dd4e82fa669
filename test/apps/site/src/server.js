import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { h } from "preact";
import { render } from "preact-render-to-string";
import { Page } from "./page.js";

const client = join(import.meta.dirname, "..", "client");
const template = await readFile(join(client, "index.html"), "utf8");

const { HOST = "0.0.0.0", PORT = "3000" } = process.env;
const server = createServer(async ({ url }, response) => {
  const { pathname } = new URL(url, "http://localhost");
  if (pathname.startsWith("/assets/")) {
    response.setHeader("content-type", "text/javascript");
    response.end(await readFile(join(client, pathname)));
  } else {
    response.setHeader("content-type", "text/html");
    response.end(template.replace("<!--page-->", render(h(Page, { path: pathname }))));
  }
});
server.listen(PORT, HOST, () => console.log(`http://${HOST}:${server.address().port}`));
