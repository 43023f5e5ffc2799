// The types of @sqlite.org/sqlite-wasm name these globals of the DOM library, which this package does not compile
// against. Node.js has WebAssembly; only what is needed is declared.
declare namespace WebAssembly {
  type Exports = Record<string, unknown>;
  type Table = unknown;
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  const RuntimeError: new (message?: string) => Error;
}
interface Worker {}
