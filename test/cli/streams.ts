import { Writable } from 'node:stream';
import { Output } from '../../src/cli/output/output.js';

/** A stream that keeps what is written, as a terminal or as a pipe. */
export function keptStream(terminal?: { columns: number }): {
  stream: NodeJS.WriteStream;
  text: () => string;
  bytes: () => Uint8Array;
} {
  const parts: Uint8Array[] = [];
  const stream = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      parts.push(chunk.slice());
      done();
    },
  });
  const asTerminal = terminal === undefined ? {} : { isTTY: true, columns: terminal.columns };
  const bytes = (): Uint8Array => new Uint8Array(Buffer.concat(parts));
  return {
    stream: Object.assign(stream, asTerminal) as unknown as NodeJS.WriteStream,
    text: () => new TextDecoder().decode(bytes()),
    bytes,
  };
}

/** An {@link Output} that keeps what is written. */
export function keptOutput(
  terminal?: { columns: number },
  env: NodeJS.ProcessEnv = {},
): { output: Output; text: () => string } {
  const { stream, text } = keptStream(terminal);
  return { output: new Output(stream, env), text };
}
