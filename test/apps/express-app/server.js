import express from "express";
import { join } from "node:path";

const app = express();
app.set("views", join(import.meta.dirname, "views"));
app.set("view engine", "ejs");
app.get("/", (request, response) => response.render("page", { name: request.query.name, user: process.getuid() }));

const { HOST = "0.0.0.0", PORT = "3000" } = process.env;
const server = app.listen(PORT, HOST, () => console.log(`http://${HOST}:${server.address().port}`));
