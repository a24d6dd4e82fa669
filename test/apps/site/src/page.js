import { h } from "preact";

export const Page = ({ path }) => h("main", null, h("h1", null, `page ${path}`));
