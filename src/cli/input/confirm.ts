import type { CliContext } from '../context.js';
import { UsageError } from '../failures.js';
import { visibleText } from '../output/text.js';
import { canPrompt, promptLine } from './prompt.js';

/** What somebody has to agree to. */
export interface Consent {
  /** Whether it was given on the command line. */
  readonly yes: boolean;
  /** What is asked on a terminal; ends with a question mark. */
  readonly question: string;
  /** Why it is needed, where nobody can be asked; ends without a full stop. */
  readonly need: string;
  /** What did not happen where it is refused. */
  readonly refused: string;
}

/** Asks before something that cannot easily be taken back. @throws {@link UsageError} where the user does not agree, or cannot be asked */
export async function confirm({ yes, question, need, refused }: Consent, context: CliContext): Promise<void> {
  if (yes) return;
  const terminal = { input: context.input, output: context.errors };
  if (!canPrompt(terminal)) throw new UsageError(`${need}; give --yes to do that`);
  const answer = await promptLine(visibleText(`${question} Type yes: `), terminal, context.signal);
  if (answer?.trim().toLowerCase() !== 'yes') throw new UsageError(refused);
}
