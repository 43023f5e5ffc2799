import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { archivedField, ArchivedObject } from '../../src/plist/archived-value.js';
import { KeyedArchive } from '../../src/plist/keyed-archive.js';
import { describeWithFixtures } from '../support/shared-fixtures.js';

describeWithFixtures('archives that iOS wrote', (fixtures) => {
  const read = (name: string): KeyedArchive =>
    KeyedArchive.parse(readFileSync(join(fixtures, 'datasets/notes-parser/exported_blobs', name)));

  test('a CloudKit share has no root but many top-level values', () => {
    const share = read('ZSERVERSHAREDATA.bin');
    expect(share.root).toBeUndefined();
    expect(share.topNames).toContain('RecordType');
    expect(share.top('RecordType')).toBe('cloudkit.share');
    expect(share.top('KnownToServer')).toBe(true);
    expect(share.top('URL')).toBeUndefined();
    expect(share.top('RecordCtime')).toEqual(new Date(978_307_200_000 + 623_029_930_778));
    expect(archivedField(share.top('RecordID'), 'ZoneID', 'ZoneName')).toBe('Notes');
  });

  test('its participants are objects with names', () => {
    const participants = read('ZSERVERSHAREDATA.bin').top('Participants') as readonly ArchivedObject[];
    expect(participants).toHaveLength(2);
    expect(participants.map((participant) => participant.className)).toEqual([
      'CKShareParticipant',
      'CKShareParticipant',
    ]);
  });

  test('every object of every archive can be read', () => {
    for (const name of ['ZSERVERSHAREDATA.bin', 'ZSERVERRECORDDATA.bin']) {
      const archive = read(name);
      const seen = new Set<unknown>();
      const visit = (value: unknown): void => {
        if (!(value instanceof ArchivedObject) || seen.has(value)) return;
        seen.add(value);
        for (const field of value.fields.values()) visit(field);
      };
      for (const name of archive.topNames) visit(archive.top(name));
      expect(seen.size).toBeGreaterThan(3);
    }
  });
});
