import { hexEncode } from '../../core/bytes.js';
import type { DeltaLink } from '../store/packed-entries.js';

/** Steps of a walk that ends a circle. */
const walkLimit = 4096;

/** Which contents rest on which, by the deltas in packs, whether or not there are objects of the same contents. */
export class DeltaGraph {
  readonly #bases = new Map<string, string[]>();
  readonly #dependents = new Map<string, string[]>();

  /** The graph of deltas. */
  static of(deltas: Iterable<DeltaLink>): DeltaGraph {
    const graph = new DeltaGraph();
    for (const { target, base } of deltas) graph.add(target, base);
    return graph;
  }

  /** Adds a delta. */
  add(target: Uint8Array, base: Uint8Array): void {
    push(this.#bases, hexEncode(target), hexEncode(base));
    push(this.#dependents, hexEncode(base), hexEncode(target));
  }

  /** Deltas below a content, until one that is whole: by the shortest way. */
  depth(hash: Uint8Array): number {
    let links = 0;
    const seen = new Set<string>();
    for (let level = [hexEncode(hash)]; level.length > 0 && seen.size < walkLimit; links += 1) {
      const next: string[] = [];
      for (const name of level) {
        const bases = this.#bases.get(name);
        if (bases === undefined) return links;
        next.push(...bases.filter((base) => !seen.has(base)));
        seen.add(name);
      }
      level = next;
    }
    return links;
  }

  /** Deltas above a content: the longest chain that rests on it. */
  height(hash: Uint8Array): number {
    let links = -1;
    let steps = 0;
    for (let level = [hexEncode(hash)]; level.length > 0 && steps < walkLimit; links += 1) {
      steps += level.length;
      level = level.flatMap((name) => this.#dependents.get(name) ?? []);
    }
    return links;
  }

  /** Whether `from` rests on `to`, by whichever deltas. */
  restsOn(from: Uint8Array, to: Uint8Array): boolean {
    const wanted = hexEncode(to);
    const seen = new Set<string>();
    const pending = [...(this.#bases.get(hexEncode(from)) ?? [])];
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === wanted) return true;
      if (seen.has(name)) continue;
      seen.add(name);
      pending.push(...(this.#bases.get(name) ?? []));
    }
    return false;
  }
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
