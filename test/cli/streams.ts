import { Writable } from 'node:stream';
import { Output } from '../../src/cli/output/output.js';

/** A stream that keeps what is written, as a terminal or as a pipe. */
export function keptStream(terminal?: { columns: number }): { stream: NodeJS.WriteStream; text: () => string } {
  const parts: string[] = [];
  const stream = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      parts.push(Buffer.from(chunk).toString());
      done();
    },
  });
  const asTerminal = terminal === undefined ? {} : { isTTY: true, columns: terminal.columns };
  return { stream: Object.assign(stream, asTerminal) as unknown as NodeJS.WriteStream, text: () => parts.join('') };
}

/** An {@link Output} that keeps what is written. */
export function keptOutput(
  terminal?: { columns: number },
  env: NodeJS.ProcessEnv = {},
): { output: Output; text: () => string } {
  const { stream, text } = keptStream(terminal);
  return { output: new Output(stream, env), text };
}
