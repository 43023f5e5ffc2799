import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/cli/failures.js';
import { findVersion, parseVersionName, shortId } from '../../src/cli/input/version-name.js';
import type { VersionInfo } from '../../src/entry/snapshot.js';

function version(id: string, more: Partial<VersionInfo> = {}): VersionInfo {
  const [, year, month, day, hour, minute] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/.exec(id) ?? [];
  return {
    id,
    udid: 'A',
    kind: 'run',
    created: new Date(`${year}-${month}-${day}T${hour}:${minute}:30Z`),
    zone: 'UTC',
    parent: undefined,
    root: '',
    files: 1,
    bytes: 1,
    added: 0,
    changed: 0,
    removed: 0,
    backup: {},
    pinned: false,
    note: undefined,
    deleted: false,
    ...more,
  };
}

describe('parseVersionName', () => {
  test.each([
    ['newest', { kind: 'newest', back: 0 }],
    ['newest~', { kind: 'newest', back: 1 }],
    ['newest~2', { kind: 'newest', back: 2 }],
    ['~3', { kind: 'newest', back: 3 }],
    ['2026-11-01', { kind: 'by', when: new Date(2026, 10, 1, 23, 59, 59, 999) }],
    ['2026-11-01 18:30', { kind: 'by', when: new Date(2026, 10, 1, 18, 30, 59, 999) }],
    ['2026-11-01T18:30:05', { kind: 'by', when: new Date(2026, 10, 1, 18, 30, 5, 999) }],
    ['2026-11-01T18:30:05.25Z', { kind: 'by', when: new Date('2026-11-01T18:30:05.250Z') }],
    ['2026-11-01T18:30+02:00', { kind: 'by', when: new Date('2026-11-01T16:30:59.999Z') }],
    ['20261123T024830123Z-k3f9q2xw', { kind: 'id', prefix: '20261123t024830123z-k3f9q2xw' }],
    ['20261123', { kind: 'id', prefix: '20261123' }],
    ['k3f9', { kind: 'id', prefix: 'k3f9' }],
  ])('%s', (text, name) => expect(parseVersionName(text)).toEqual(name));

  test.each([
    '',
    'newest-1',
    'latest!',
    '2026-13-01',
    '2026-02-30',
    '2026-11-01 25:00',
    '01.11.2026',
    'k3f9q2xwx',
    '../x',
  ])('"%s" is no name', (text) => expect(() => parseVersionName(text)).toThrow(UsageError));
});

describe('findVersion', () => {
  const versions = [
    version('20261103T120000000Z-aaaaaaaa', { kind: 'edit' }),
    version('20261102T120000000Z-abbbbbbb'),
    version('20261101T120000000Z-cccccccc'),
    version('20261031T120000000Z-dddddddd', { deleted: true }),
    version('20261030T120000000Z-eeeeeeee'),
  ];
  const found = (text: string): string | undefined => {
    const { id } = findVersion(versions, parseVersionName(text)) ?? {};
    return id && shortId(id);
  };

  test('edits and deleted versions are not counted, and have their ids', () => {
    expect(['newest', 'newest~1', 'newest~2', 'newest~3'].map(found)).toEqual([
      'abbbbbbb',
      'cccccccc',
      'eeeeeeee',
      undefined,
    ]);
    expect(['aaa', 'dddddddd', '20261103'].map(found)).toEqual(['aaaaaaaa', 'dddddddd', 'aaaaaaaa']);
  });

  test('a date is its end, and a time what a list shows', () => {
    expect(found('2026-11-01T12:00Z')).toBe('cccccccc');
    expect(found('2026-11-01T11:59Z')).toBe('eeeeeeee');
    expect(found('2026-10-01')).toBeUndefined();
  });

  test('a beginning that several have is refused', () => {
    expect(() => found('a')).toThrow('begins the ids of 2 versions');
    expect(() => found('202611')).toThrow(UsageError);
  });
});
