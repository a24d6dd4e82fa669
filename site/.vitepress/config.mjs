// The site of docs. tools/site.ts writes its pages into dist/site_source, with the navigation, and runs VitePress.
import { readFileSync } from "node:fs";
import { defineConfig } from "vitepress";

const source = new URL("../../dist/site_source/", import.meta.url);
const { sidebar, repository } = JSON.parse(readFileSync(new URL("site.json", source), "utf8"));

export default defineConfig({
  title: "gcrane",
  description: "Container images and registries for the web platform",
  lang: "en",
  srcDir: "../dist/site_source",
  outDir: "../dist/site",
  cacheDir: "../dist/site_cache",
  // As the pictures do, pages follow the reader's system, light or dark.
  appearance: "force-auto",

  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    // Templates of other programs, such as {{.Digest}}, are not Vue's. A line does not end within a flag or a short
    // word, and within a path only after a slash.
    config: (md) => {
      md.renderer.rules.code_inline = (tokens, index) => {
        const parts = (text) => text.length > 16 && !text.startsWith("-") ? text.split(/(?<=\w\/)(?=\w)/) : [text];
        const part = (text) => text.length > 24 && !text.startsWith("-") ? text : `<span class="whole">${text}</span>`;
        const word = (text) => parts(text).map(part).join("<wbr>");
        return `<code v-pre>${tokens[index].content.split(" ").map(md.utils.escapeHtml).map(word).join(" ")}</code>`;
      };
    },
  },
  themeConfig: {
    nav: [
      { text: "Guides", link: "/install" },
      { text: "Commands", link: "/reference/gcrane" },
      { text: "API", link: "/modules" },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: "local" },
    notFound: { quote: "No page has this address.", linkText: "First page", linkLabel: "First page" },
    socialLinks: repository === undefined ? [] : [{ icon: "github", link: repository }],
  },
});
