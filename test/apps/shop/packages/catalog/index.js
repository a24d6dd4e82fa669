import { readFileSync } from "node:fs";
import { written } from "@shop/money";
import { parse } from "yaml";

const products = parse(readFileSync(new URL("products.yaml", import.meta.url), "utf8"));

/** Lists the products with their prices. */
export const listed = () => products.map(({ name, cents }) => `${name}: ${written(cents)}`);
