import { createServer } from "node:http";
import sharp from "sharp";

const picture = sharp({ create: { width: 640, height: 320, channels: 3, background: "teal" } }).png();

const { HOST = "0.0.0.0", PORT = "3000" } = process.env;
const server = createServer(async (request, response) => {
  const width = Number(new URL(request.url, "http://localhost").searchParams.get("width"));
  response.setHeader("content-type", "image/png");
  response.end(await sharp(await picture.clone().toBuffer()).resize({ width }).toBuffer());
});
server.listen(PORT, HOST, () => console.log(`http://${HOST}:${server.address().port}`));
