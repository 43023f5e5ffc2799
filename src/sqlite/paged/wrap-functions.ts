/** A function of JavaScript that WebAssembly calls. */
export interface WasmFunction {
  /** Its parameters: `i` for 32-bit numbers and addresses, `j` for 64-bit ones. It gives a 32-bit number. */
  readonly parameters: string;
  readonly call: (...args: never[]) => number | void;
}

/** `\0asm`, version 1. */
const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const typeCodes: Readonly<Record<string, number>> = { i: 0x7f, j: 0x7e };

/**
 * Makes functions that a table of WebAssembly takes, which are not those of JavaScript: a module imports and exports them.
 *
 * @see https://webassembly.github.io/spec/core/binary/modules.html
 */
export function wrapFunctions(functions: readonly WasmFunction[]): unknown[] {
  const names = functions.map((_, index) => String(index));
  const text = (value: string): number[] => vector(Array.from(value, (char) => char.charCodeAt(0)));
  const section = (id: number, entries: readonly (readonly number[])[]): number[] => {
    const content = [...unsigned(entries.length), ...entries.flat()];
    return [id, ...vector(content)];
  };
  const types = functions.map(({ parameters }) => {
    const codes = Array.from(parameters, (kind) => typeCodes[kind] ?? 0);
    return [0x60, ...vector(codes), 1, 0x7f];
  });
  const bytes = Uint8Array.from([
    ...header,
    ...section(1, types),
    ...section(
      2,
      names.map((name, index) => [...text('e'), ...text(name), 0, ...unsigned(index)]),
    ),
    ...section(
      7,
      names.map((name, index) => [...text(name), 0, ...unsigned(index)]),
    ),
  ]);
  const imports = Object.fromEntries(functions.map(({ call }, index) => [String(index), call]));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: imports });
  return names.map((name) => exports[name]);
}

/** A length, then the bytes. */
function vector(bytes: readonly number[]): number[] {
  return [...unsigned(bytes.length), ...bytes];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
