// Bundles one entry into one ES module: node build.mjs <entry.ts> <bundle.js>
import { readFile, writeFile } from "node:fs/promises";
import { build, transform } from "esbuild";
import { minify } from "terser";

const [entry, outfile] = process.argv.slice(2);

/** A stylesheet is imported as its text, minified. */
const stylesheets = {
  name: "stylesheets",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true, charset: "utf8" });
      return { loader: "text", contents: code.trim() };
    });
  },
};

/** HTML templates keep their spaces through esbuild: each line's indentation goes. */
const templates = {
  name: "templates",
  setup({ onLoad }) {
    onLoad({ filter: /(view|drill).[^/]*\.ts$/ }, async ({ path }) => {
      return { loader: "ts", contents: (await readFile(path, "utf8")).replace(/\n\s+/g, "\n") };
    });
  },
};

const { outputFiles } = await build({
  entryPoints: [entry],
  write: false,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  plugins: [stylesheets, templates],
});

// What esbuild leaves: a thirtieth of the bundle, gzipped.
const { code } = await minify(outputFiles[0].text, {
  module: true,
  compress: { passes: 3 },
  format: { ecma: 2022 },
});
await writeFile(outfile, code);
