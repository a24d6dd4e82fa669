/**
 * A tiny read-only JSR registry for @std/*, served from a git clone of denoland/std.
 *
 * Usage:
 *   deno run -A jsr_mirror.ts <git-dir> <port> [--head]
 *     <git-dir>  clone of denoland/std (bare or not), for example a bare clone
 *     <port>     listen port on 127.0.0.1 (0 = any; the URL is printed on stdout)
 *     --head     serve, besides every released version, the HEAD tree under the version HEAD declares
 *                (default: a version is served from the commit that set it, as JSR publishes it)
 *   JSR_URL=http://127.0.0.1:<port>/ deno test --config jsr.json --no-lock
 *
 * Endpoints (what Deno asks a JSR registry for):
 *   /@std/NAME/meta.json              versions (from the history of NAME/deno.json)
 *   /@std/NAME/VERSION_meta.json      exports + manifest (path -> size, sha256 of the served bytes)
 *   /@std/NAME/VERSION/PATH           the file, bare "@std/x/y" imports unfurled to "jsr:@std/x@^V/y"
 *
 * Use --no-lock (or a throw-away --lock): a package's integrity in deno.lock is the checksum of its
 * VERSION_meta.json, and JSR's own bytes differ from these, so do not commit a lock written against it.
 * Give runs their own DENO_DIR where they must not share a cache with another mirror on the same port.
 */
const [gitDir, portArg, ...flags] = Deno.args;
if (!gitDir || !portArg) {
  console.error("usage: deno run -A jsr_mirror.ts <git-dir> <port> [--head]");
  Deno.exit(2);
}
const enc = new TextEncoder(), dec = new TextDecoder();

async function git(...args: string[]): Promise<string> {
  const o = await new Deno.Command("git", { args: ["-c", "safe.directory=*", "-C", gitDir, ...args] }).output();
  if (!o.success) throw new Error(`git ${args.join(" ")}: ${dec.decode(o.stderr)}`);
  return dec.decode(o.stdout);
}

/** One long-lived `git cat-file --batch`; requests are serialised. */
class CatFile {
  #p = new Deno.Command("git", {
    args: ["-c", "safe.directory=*", "-C", gitDir, "cat-file", "--batch"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  #w = this.#p.stdin.getWriter();
  #r = this.#p.stdout.getReader();
  #buf = new Uint8Array(0);
  #tail: Promise<unknown> = Promise.resolve();
  async #fill() {
    const { value, done } = await this.#r.read();
    if (done) throw new Error("git cat-file ended");
    const n = new Uint8Array(this.#buf.length + value.length);
    n.set(this.#buf);
    n.set(value, this.#buf.length);
    this.#buf = n;
  }
  async #take(n: number) {
    while (this.#buf.length < n) await this.#fill();
    const out = this.#buf.slice(0, n);
    this.#buf = this.#buf.slice(n);
    return out;
  }
  get(spec: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const job = this.#tail.then(async () => {
      await this.#w.write(enc.encode(spec + "\n"));
      let nl: number;
      while ((nl = this.#buf.indexOf(10)) < 0) await this.#fill();
      const head = dec.decode(await this.#take(nl + 1)).trimEnd();
      if (head.endsWith(" missing")) return undefined;
      const body = await this.#take(Number(head.split(" ")[2]));
      await this.#take(1);
      return body;
    });
    this.#tail = job.catch(() => {});
    return job;
  }
}
const cat = new CatFile();
const json = async (spec: string) => {
  const b = await cat.get(spec);
  try {
    return b && JSON.parse(dec.decode(b));
  } catch {
    return undefined;
  }
};

type Version = { commit: string; date: string };
type Pkg = { dir: string; name: string; versions: Map<string, Version> };
const once = <T>(f: (k: string) => Promise<T>) => {
  const m = new Map<string, Promise<T>>();
  return (k: string) => m.get(k) ?? (m.set(k, f(k)), m.get(k)!);
};

const pkg = once(async (name: string): Promise<Pkg | undefined> => {
  for (const dir of [name.replaceAll("-", "_"), name]) {
    const log = (await git("log", "--reverse", "--format=%H %cI", "HEAD", "--", `${dir}/deno.json`)).trim();
    if (!log) continue;
    const versions = new Map<string, Version>();
    for (const line of log.split("\n")) {
      const [commit, date] = line.split(" ");
      const d = await json(`${commit}:${dir}/deno.json`);
      if (d?.version && d.name === `@std/${name}` && !versions.has(d.version)) {
        versions.set(d.version, { commit, date });
      }
    }
    if (flags.includes("--head")) {
      const d = await json(`HEAD:${dir}/deno.json`);
      if (d?.version) versions.set(d.version, { commit: "HEAD", date: new Date(0).toISOString() });
    }
    if (versions.size) return { dir, name, versions };
  }
});

/** Version of workspace member @std/NAME at a commit, for unfurling. */
const memberVersion = once(async (key: string) => {
  const [commit, name] = key.split(" ");
  for (const dir of [name.replaceAll("-", "_"), name]) {
    const d = await json(`${commit}:${dir}/deno.json`);
    if (d?.version) return d.version as string;
  }
});
const rootImports = once(async (commit: string) => {
  for (const f of ["deno.json", "import_map.json"]) {
    const d = await json(`${commit}:${f}`);
    if (d?.imports) return d.imports as Record<string, string>;
  }
  return {} as Record<string, string>;
});

const SPEC = /(\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)(["'])(@std\/([a-z0-9-]+))((?:\/[^"']*)?)\2/g;
async function unfurl(src: string, commit: string): Promise<string> {
  const imports = await rootImports(commit);
  const lines = src.split("\n");
  for (let i = 0; i < lines.length; i++) {
    if (!lines[i].includes("@std/") || /^\s*(\*|\/\/|\/\*)/.test(lines[i])) continue;
    for (const m of [...lines[i].matchAll(SPEC)]) {
      const mapped = imports[m[3]] ?? imports[m[3] + m[5]];
      const v = await memberVersion(`${commit} ${m[4]}`);
      const target = v ? `jsr:${m[3]}@^${v}` : mapped;
      if (target) lines[i] = lines[i].replace(m[2] + m[3] + m[5] + m[2], m[2] + target + m[5] + m[2]);
    }
  }
  return lines.join("\n");
}

const hex = (b: ArrayBuffer) => [...new Uint8Array(b)].map((x) => x.toString(16).padStart(2, "0")).join("");
const SKIP =
  /(_test|_bench|_benches)\.(ts|js|tsx|mts|mjs)$|(^|\/)(testdata|_tools|_benches|_wasm\/target|node_modules)\//;

const build = once(async (key: string) => {
  const [name, version] = key.split(" ");
  const p = await pkg(name);
  const v = p?.versions.get(version);
  if (!p || !v) return undefined;
  const conf = await json(`${v.commit}:${p.dir}/deno.json`);
  const list = (await git("ls-tree", "-r", "-z", "--name-only", v.commit, `${p.dir}/`)).split("\0").filter(Boolean);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const path of list) {
    const rel = path.slice(p.dir.length);
    if (SKIP.test(rel)) continue;
    let body = (await cat.get(`${v.commit}:${path}`))!;
    if (/\.(ts|tsx|mts|js|mjs|jsx)$/.test(rel)) body = enc.encode(await unfurl(dec.decode(body), v.commit));
    files.set(rel, body);
    manifest[rel] = { size: body.length, checksum: `sha256-${hex(await crypto.subtle.digest("SHA-256", body))}` };
  }
  const exports = typeof conf.exports === "string" ? { ".": conf.exports } : conf.exports;
  return { files, meta: { manifest, exports } };
});

const semverKey = (v: string) => {
  const m = /^(\d+)\.(\d+)\.(\d+)(-.*)?$/.exec(v)!;
  return [+m[1], +m[2], +m[3], m[4] ? 0 : 1];
};
const cmp = (a: string, b: string) => {
  const x = semverKey(a), y = semverKey(b);
  for (let i = 0; i < 4; i++) if (x[i] !== y[i]) return x[i] - y[i];
  return a < b ? -1 : 1;
};
const TYPES: Record<string, string> = {
  ts: "application/typescript",
  tsx: "text/tsx",
  mts: "application/typescript",
  js: "text/javascript",
  mjs: "text/javascript",
  json: "application/json",
  wasm: "application/wasm",
  md: "text/markdown",
};
const reply = (x: unknown) => Response.json(x, { headers: { "cache-control": "no-store" } });

Deno.serve({
  hostname: "127.0.0.1",
  port: Number(portArg),
  onListen: (a) => console.log(`JSR_URL=http://127.0.0.1:${a.port}/`),
}, async (req) => {
  const path = decodeURIComponent(new URL(req.url).pathname);
  let m = /^\/@std\/([a-z0-9-]+)\/meta\.json$/.exec(path);
  if (m) {
    const p = await pkg(m[1]);
    if (!p) return new Response("no such package", { status: 404 });
    const vs = [...p.versions.keys()].sort(cmp);
    const latest = vs.findLast((v) => !v.includes("-")) ?? vs.at(-1);
    return reply({
      scope: "std",
      name: m[1],
      latest,
      versions: Object.fromEntries(vs.map((v) => [v, { createdAt: p.versions.get(v)!.date }])),
    });
  }
  m = /^\/@std\/([a-z0-9-]+)\/([^/]+)_meta\.json$/.exec(path);
  if (m) {
    const b = await build(`${m[1]} ${m[2]}`);
    return b ? reply(b.meta) : new Response("no such version", { status: 404 });
  }
  m = /^\/@std\/([a-z0-9-]+)\/([^/]+)(\/.+)$/.exec(path);
  const body = m && (await build(`${m[1]} ${m[2]}`))?.files.get(m[3]);
  if (!body) return new Response("not found", { status: 404 });
  return new Response(body, {
    headers: { "content-type": TYPES[path.split(".").at(-1)!] ?? "application/octet-stream" },
  });
});
