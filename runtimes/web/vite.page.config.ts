import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";
import headers from "./page/headers.json" with { type: "json" };

const OUT = resolve(import.meta.dirname, "../../export/tinyalm_export/web/page");
const ORT = resolve(import.meta.dirname, "node_modules/onnxruntime-web");
const { version } = JSON.parse(readFileSync(`${ORT}/package.json`, "utf8")) as { version: string };
const ORT_FOLDER = `ort-${version}/`;

/** The policy that holds where a host sends no headers. */
const policy: Plugin = {
  name: "content-security-policy",
  transformIndexHtml: () => [
    {
      tag: "meta",
      attrs: {
        "http-equiv": "Content-Security-Policy",
        content: headers["Content-Security-Policy"],
      },
      injectTo: "head-prepend",
    },
  ],
};

/** The smallest of ONNX Runtime's WebAssembly builds: no WebGPU, no WebNN. */
const runtime: Plugin = {
  name: "onnxruntime-wasm",
  closeBundle: () => {
    mkdirSync(`${OUT}/${ORT_FOLDER}`, { recursive: true });
    for (const kind of ["mjs", "wasm"]) {
      const file = `ort-wasm-simd-threaded.${kind}`;
      copyFileSync(`${ORT}/dist/${file}`, `${OUT}/${ORT_FOLDER}${file}`);
    }
  },
};

/** The page, which `tinyalm export --to web` puts beside a bundle. */
export default defineConfig({
  root: "page",
  base: "./",
  define: { ORT_FOLDER: JSON.stringify(ORT_FOLDER) },
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "default"] },
  worker: { format: "es" },
  plugins: [policy, runtime],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { index: "page/index.html", sw: "page/worker/sw.ts" },
      output: {
        entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
      },
    },
  },
});
