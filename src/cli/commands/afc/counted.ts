import type { CliContext } from '../../context.js';
import { ProgressBar } from '../../output/progress-bar.js';

/** The same bytes, with a line on the terminal that shows how far they are. */
export async function* counted(
  content: AsyncIterable<Uint8Array>,
  { size, label, context }: { size: number | undefined; label: string; context: CliContext },
): AsyncGenerator<Uint8Array, void, undefined> {
  const bar = new ProgressBar(context.errors);
  let bytes = 0;
  try {
    for await (const chunk of content) {
      yield chunk;
      bytes += chunk.length;
      bar.update({ bytes, totalBytes: size, label });
    }
  } finally {
    bar.clear();
  }
}
