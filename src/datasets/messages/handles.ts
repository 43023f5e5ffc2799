import type { SqliteRow } from '../../sqlite/driver.js';
import { parseAddress } from '../shared/address.js';
import { filledTextOf, integerOf, textOf } from '../shared/values.js';
import { serviceOf } from './service.js';
import type { Party } from './types.js';

/** Columns of `handle` that a {@link Party} is made of. */
export const handleColumns = ['ROWID', 'id', 'service', 'country', 'person_centric_id'] as const;

/** A row of `handle`. */
export function partyOf(row: SqliteRow): Party {
  const address = textOf(row['id']) ?? '';
  const { kind, canonical } = parseAddress(address);
  return {
    handleId: integerOf(row['ROWID']) ?? 0,
    address,
    kind,
    canonicalAddress: canonical,
    service: serviceOf(filledTextOf(row['service'])),
    country: filledTextOf(row['country'])?.toLowerCase(),
    personId: filledTextOf(row['person_centric_id']),
  };
}
