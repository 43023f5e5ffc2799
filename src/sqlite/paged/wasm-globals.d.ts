// What is used of WebAssembly, which Node.js has and TypeScript declares with the DOM library only.
declare namespace WebAssembly {
  type Exports = Record<string, unknown>;
  interface Table {
    grow(count: number): number;
    set(index: number, value: unknown): void;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  interface Module {
    readonly [Symbol.toStringTag]: string;
  }
  interface Instance {
    readonly exports: Exports;
  }
  const Memory: new (limits: { initial: number; maximum: number }) => Memory;
  const Module: new (bytes: Uint8Array) => Module;
  const Instance: new (module: Module, imports: Record<string, Record<string, unknown>>) => Instance;
  const RuntimeError: new (message?: string) => Error;
  function compile(bytes: Uint8Array): Promise<Module>;
}
