/** Most patterns that the braces of one glob may stand for. */
const maxAlternatives = 1024;

/** A compiled glob. */
export interface Glob {
  /** Whether the whole of `path` matches. */
  matches(path: string): boolean;
  /** What every match begins with, without wildcards; `''` where nothing is certain. */
  readonly literalPrefix: string;
}

/** One code point that a segment's pattern asks for. `star` is any run of them. */
type Token =
  | { readonly type: 'literal'; readonly char: string }
  | { readonly type: 'any' }
  | { readonly type: 'star' }
  | { readonly type: 'set'; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] };

/** The pattern of one path component; `globstar` stands for any number of components, also none. */
type Segment = readonly Token[] | 'globstar';

/**
 * Compiles a glob over paths with `/` between components. Matching is case-sensitive and takes at most the product of the
 * lengths of pattern and path, whatever the pattern is.
 *
 * - `*` any characters but `/`, `?` one character but `/`; both also match a leading dot;
 * - `[abc]`, `[a-z]`, `[!a]` or `[^a]` one character of a set, or not of it;
 * - `**` as a whole component: any number of components, also none, so that `a/**` matches `a` and everything below;
 * - `{a,b}` either; may be nested;
 * - `\` takes the next character literally.
 *
 * @throws RangeError where the braces stand for more than 1,024 patterns.
 */
export function compileGlob(pattern: string): Glob {
  const alternatives = expandBraces(pattern).map((text) => text.split('/').map(parseSegment));
  return {
    matches(path) {
      const components = path.split('/');
      return alternatives.some((segments) => matchSegments(segments, components));
    },
    literalPrefix: commonPrefix(alternatives.map(literalPrefixOf)),
  };
}

/** All patterns that `{a,b}` stands for. Braces without a comma or without an end are literal. */
function expandBraces(pattern: string): string[] {
  let expanded = [''];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i);
    let choices = [char];
    if (char === '\\') {
      choices = [pattern.slice(i, i + 2)];
      i++;
    } else if (char === '[') {
      const end = setEnd(pattern, i);
      choices = [pattern.slice(i, end + 1)];
      i = end;
    } else if (char === '{') {
      const group = braceGroup(pattern, i);
      choices = group === undefined ? ['\\{'] : group.choices.flatMap(expandBraces);
      if (group !== undefined) i = group.end;
    }
    if (expanded.length * choices.length > maxAlternatives) {
      throw new RangeError(`glob stands for more than ${maxAlternatives} patterns; use fewer braces`);
    }
    expanded = expanded.flatMap((before) => choices.map((choice) => before + choice));
  }
  return expanded;
}

/** The choices of the brace that opens at `start`, and where it closes. */
function braceGroup(pattern: string, start: number): { choices: string[]; end: number } | undefined {
  const choices: string[] = [];
  let depth = 0;
  let from = start + 1;
  for (let i = start; i < pattern.length; i++) {
    const char = pattern.charAt(i);
    if (char === '\\') i++;
    else if (char === '[') i = setEnd(pattern, i);
    else if (char === '{') depth++;
    else if (char === ',' && depth === 1) {
      choices.push(pattern.slice(from, i));
      from = i + 1;
    } else if (char === '}' && --depth === 0) {
      choices.push(pattern.slice(from, i));
      return choices.length > 1 ? { choices, end: i } : undefined;
    }
  }
  return undefined;
}

/** Index of the `]` that closes the set at `start`; `start` itself where it is a literal `[`. A first `]` belongs to the set. */
function setEnd(pattern: string, start: number): number {
  let first = start + 1;
  if (pattern[first] === '!' || pattern[first] === '^') first++;
  for (let i = first; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '/') return start;
    if (char === '\\') i++;
    else if (char === ']' && i > first) return i;
  }
  return start;
}

function parseSegment(text: string): Segment {
  if (text === '**') return 'globstar';
  const tokens: Token[] = [];
  for (let i = 0; i < text.length; i++) {
    const char = String.fromCodePoint(text.codePointAt(i) ?? 0);
    const end = char === '[' ? setEnd(text, i) : i;
    if (char === '*') {
      if (tokens.at(-1)?.type !== 'star') tokens.push({ type: 'star' });
    } else if (char === '?') tokens.push({ type: 'any' });
    else if (char === '\\' && i + 1 < text.length) {
      const literal = String.fromCodePoint(text.codePointAt(i + 1) ?? 0);
      tokens.push({ type: 'literal', char: literal });
      i += literal.length;
    } else if (end > i) {
      tokens.push(parseSet(text.slice(i + 1, end)));
      i = end;
    } else {
      tokens.push({ type: 'literal', char });
      i += char.length - 1;
    }
  }
  return tokens;
}

function parseSet(text: string): Token {
  const negated = text.startsWith('!') || text.startsWith('^');
  const chars: { code: number; escaped: boolean }[] = [];
  let escaped = false;
  for (const char of negated ? text.slice(1) : text) {
    if (char === '\\' && !escaped) {
      escaped = true;
      continue;
    }
    chars.push({ code: char.codePointAt(0) ?? 0, escaped });
    escaped = false;
  }
  const ranges: [number, number][] = [];
  for (let i = 0; i < chars.length; i++) {
    const [from, dash, to] = [chars[i], chars[i + 1], chars[i + 2]];
    if (from === undefined) break;
    if (dash?.code === 0x2d && !dash.escaped && to !== undefined) {
      ranges.push([from.code, to.code]);
      i += 2;
    } else ranges.push([from.code, from.code]);
  }
  return { type: 'set', negated, ranges };
}

function matchToken(token: Token, char: string): boolean {
  switch (token.type) {
    case 'literal':
      return token.char === char;
    case 'set': {
      const code = char.codePointAt(0) ?? 0;
      return token.ranges.some(([from, to]) => code >= from && code <= to) !== token.negated;
    }
    default:
      return true;
  }
}

const matchComponent = (tokens: readonly Token[], text: string): boolean =>
  matchWithStars(tokens, Array.from(text), (token) => token.type === 'star', matchToken);

const matchSegments = (segments: readonly Segment[], components: readonly string[]): boolean =>
  matchWithStars(
    segments,
    components,
    (segment) => segment === 'globstar',
    (segment, component) => segment !== 'globstar' && matchComponent(segment, component),
  );

/**
 * Whether `items` match `pattern`, in which some parts are stars that stand for any number of items. Only the last star
 * ever needs to be widened again, so no combination of stars takes more than the product of the lengths.
 */
function matchWithStars<P, I>(
  pattern: readonly P[],
  items: readonly I[],
  isStar: (part: P) => boolean,
  matchesOne: (part: P, item: I) => boolean,
): boolean {
  let p = 0;
  let i = 0;
  let star = -1;
  let resume = 0;
  while (i < items.length) {
    const part = pattern[p];
    const item = items[i] as I;
    if (part !== undefined && isStar(part)) {
      star = p++;
      resume = i;
    } else if (part !== undefined && matchesOne(part, item)) {
      p++;
      i++;
    } else if (star >= 0) {
      p = star + 1;
      i = ++resume;
    } else return false;
  }
  while (p < pattern.length && isStar(pattern[p] as P)) p++;
  return p === pattern.length;
}

function literalPrefixOf(segments: readonly Segment[]): string {
  let prefix = '';
  for (const [index, segment] of segments.entries()) {
    // `a/**` also matches `a`, so the slash before a globstar is not certain.
    if (segment === 'globstar') return prefix;
    if (index > 0) prefix += '/';
    for (const token of segment) {
      if (token.type !== 'literal') return prefix;
      prefix += token.char;
    }
  }
  return prefix;
}

function commonPrefix(texts: readonly string[]): string {
  let prefix = texts[0] ?? '';
  for (const text of texts) {
    let length = 0;
    while (length < prefix.length && prefix[length] === text[length]) length++;
    prefix = prefix.slice(0, length);
  }
  // Half of a surrogate pair is no text that a database could compare with.
  return /[\uD800-\uDBFF]$/.test(prefix) ? prefix.slice(0, -1) : prefix;
}
