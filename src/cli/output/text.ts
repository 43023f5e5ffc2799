import stringWidth from 'string-width';

/**
 * Characters that a terminal obeys instead of showing them, or that turn the direction of what follows: a backup is written
 * by others, and what it holds must not be able to rewrite the screen, set the clipboard or disguise a name.
 */
// oxlint-disable-next-line no-control-regex -- these are what must not get out
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|\\|\p{Cs}/gu;

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

/** Text on one line, with control characters and backslashes escaped as `\n`, `\x1b`, `\u202e`, `\\`. */
export function escapeText(text: string): string {
  return text.replace(unsafe, (character) => shortEscapes[character] ?? escapeOf(character));
}

/** Like {@link escapeText} for text that people read as it is: line feeds, tabs and backslashes stay. */
export function visibleText(text: string): string {
  return text.replace(unsafe, (character) => ('\n\t\\'.includes(character) ? character : escapeOf(character)));
}

/** A line of JSON in which nothing is left that a terminal obeys; it says the same. */
export function safeJson(json: string): string {
  return json.replace(unsafe, (character) => (character === '\\' ? character : unicodeEscape(character)));
}

function escapeOf(character: string): string {
  const code = character.charCodeAt(0);
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : unicodeEscape(character);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const segmenter = new Intl.Segmenter();

/** The text in at most `width` columns, with `…` where it was cut: at its end, or at its start. Wide characters take two columns. */
export function fitText(text: string, width: number, cut: 'start' | 'end' = 'end'): string {
  if (stringWidth(text) <= width) return text;
  const segments = Array.from(segmenter.segment(text), ({ segment }) => segment);
  if (cut === 'start') segments.reverse();
  let used = 1;
  const fitting: string[] = [];
  for (const segment of segments) {
    used += stringWidth(segment);
    if (used > width) break;
    fitting.push(segment);
  }
  if (width <= 0) return '';
  return cut === 'start' ? `…${fitting.toReversed().join('')}` : `${fitting.join('')}…`;
}

/** The text with spaces to exactly `width` columns. */
export function padText(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const spaces = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return align === 'left' ? text + spaces : spaces + text;
}

export { stringWidth as textWidth };
