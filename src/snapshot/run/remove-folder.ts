import { yieldToEventLoop } from '../../core/abort.js';
import type { StoreFs } from '../fs/store-fs.js';

const namesPerTurn = 512;

/** Removes a folder with what is in it, but not what is called `keep` directly in it. Links are removed, not followed. */
export async function removeFolder(fs: StoreFs, path: string, { keep }: { keep?: string }): Promise<void> {
  if (fs.facts(path)?.kind !== 'directory') return;
  const counter = { names: 0 };
  let kept = false;
  for (const { name, kind } of fs.entries(path)) {
    if (name === keep) kept = true;
    else await removeEntry(fs, { path: `${path}/${name}`, kind }, counter);
  }
  if (!kept) fs.removeFolder(path);
}

async function removeEntry(
  fs: StoreFs,
  { path, kind }: { path: string; kind: string },
  counter: { names: number },
): Promise<void> {
  counter.names += 1;
  if (counter.names % namesPerTurn === 0) await yieldToEventLoop();
  if (kind !== 'directory') {
    fs.unlink(path);
    return;
  }
  for (const { name, kind: childKind } of fs.entries(path))
    await removeEntry(fs, { path: `${path}/${name}`, kind: childKind }, counter);
  fs.removeFolder(path);
}

/** Removes a folder that others may use at the same moment, where nothing is in it. */
export function removeIfEmpty(fs: StoreFs, path: string): void {
  try {
    fs.removeFolder(path);
  } catch {
    // Somebody uses it, or the next one removes it.
  }
}
