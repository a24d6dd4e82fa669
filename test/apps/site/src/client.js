import { h, hydrate } from "preact";
import { Page } from "./page.js";

hydrate(h(Page, { path: location.pathname }), document.body);
