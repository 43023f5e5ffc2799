import { DatabaseError } from '../core/errors.js';

/** White space, comments and empty statements. */
const nothing = /^(?:[\s;]|--[^\n]*(?:\n|$)|\/\*[^]*?(?:\*\/|$))*$/;

/** Refuses SQL that has nothing to run, or more than one statement: `rest` is what follows the first one. */
export function checkSingleStatement(sql: string, rest: string): void {
  if (nothing.test(sql)) throw new DatabaseError('DATABASE_QUERY_FAILED', 'There is no statement in the SQL');
  if (!nothing.test(rest))
    throw new DatabaseError(
      'DATABASE_QUERY_FAILED',
      'There is more than one statement in the SQL; run them one by one',
    );
}
