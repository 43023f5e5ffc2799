import { isBackupKitError } from '../../core/errors.js';
import { asBoolean, asDict, asNumber, asString } from '../../plist/guards.js';
import { KeyedArchive } from '../../plist/keyed-archive.js';
import { parsePlist } from '../../plist/parse.js';
import type { SqliteRow } from '../../sqlite/driver.js';
import type { DatasetContext } from '../shared/session.js';
import { bytesOf } from '../shared/values.js';
import type { AlternateBirthday } from './types.js';

/**
 * `ABPerson.AlternateBirthday`: a dictionary with the keys of `kABPersonAlternateBirthday…Key`, as a property list or archived.
 *
 * @source Apple, AddressBook/ABPerson.h: the keys and their meaning; docs/datasets/contacts.md
 */
export function decodeAlternateBirthday(row: SqliteRow, context: DatasetContext): AlternateBirthday | undefined {
  const bytes = bytesOf(row['AlternateBirthday']);
  if (bytes === undefined) return undefined;
  let cause: unknown;
  try {
    const dict = asDict(parsePlist(bytes));
    const stored: unknown = dict?.has('$archiver') === true ? KeyedArchive.fromPlist(dict).root : dict;
    const birthday = stored instanceof Map ? fromDict(stored) : undefined;
    if (birthday !== undefined) return birthday;
  } catch (error) {
    if (!isBackupKitError(error)) throw error;
    cause = error;
  }
  context.issue({
    kind: 'birthday-undecoded',
    table: 'ABPerson',
    rowId: Number(row['ROWID']),
    field: 'AlternateBirthday',
    message: 'The birthday of another calendar has an unknown form',
    cause,
  });
  return undefined;
}

function fromDict(dict: ReadonlyMap<unknown, unknown>): AlternateBirthday | undefined {
  const month = asNumber(dict.get('month'));
  const day = asNumber(dict.get('day'));
  if (month === undefined || day === undefined) return undefined;
  const isLeapMonth = dict.get('isLeapMonth');
  return {
    calendar: asString(dict.get('calendarIdentifier')),
    era: asNumber(dict.get('era')),
    year: asNumber(dict.get('year')),
    month,
    day,
    isLeapMonth: asBoolean(isLeapMonth) ?? asNumber(isLeapMonth) === 1,
  };
}
