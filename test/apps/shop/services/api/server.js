import { serve } from "@hono/node-server";
import { listed } from "@shop/catalog";
import { written } from "@shop/money";
import { Hono } from "hono";

const app = new Hono();
app.get("/", (c) => c.json({ products: listed(), shipping: written(99) }));

const { HOST = "0.0.0.0", PORT = "3000" } = process.env;
serve({ fetch: app.fetch, hostname: HOST, port: Number(PORT) }, ({ port }) => console.log(`http://${HOST}:${port}`));
