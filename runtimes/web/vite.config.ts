import { defineConfig } from "vitest/config";

/** The library: `dist/index.js`, its worker and its worklet as files of their own. */
export default defineConfig({
  base: "./",
  // ONNX Runtime's JavaScript alone: its WASM lies in the folder that `wasmPaths` names.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "default"] },
  worker: { format: "es" },
  build: { lib: { entry: "src/index.ts", formats: ["es"], fileName: "index" }, target: "es2022" },
  test: { include: ["test/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 120_000 },
});
