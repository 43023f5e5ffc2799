import { writeBinaryPlist } from '../../plist/binary-write.js';
import { utf8Encode } from '../../core/bytes.js';
import type { BackupSpec } from './backup-spec.js';
import { defaultIos, iosProfile } from './profiles.js';
import { gradientPng } from './png.js';
import { sampleMessages } from './sample-messages.js';
import { samplePeople, type SamplePerson } from './sample-people.js';
import { SeededRandom } from './seeded-random.js';
import type { ContactSpec } from './stores/contacts.js';
import type { DatabaseSpec, FileSpec } from './types.js';

/** How much is in a sample. */
export interface SampleOptions {
  /** Everything invented comes from it; 1 by default. */
  seed?: number | string | undefined;
  /** iOS version, which chooses the generation and the schemas; `17.4` by default. */
  ios?: string | undefined;
  /** Number of contacts besides the owner's own card; 12 by default. */
  contacts?: number | undefined;
  /** Number of messages, without their reactions; 60 by default. There are none before iOS 6, nor without contacts. */
  messages?: number | undefined;
  /** Number of photos; 6 by default. */
  photos?: number | undefined;
}

const notesApp = 'com.example.notes';
const notesGroup = 'group.com.example.notes';
const photosPerFolder = 999;
const photoPixels = 64;
const dayMs = 86_400_000;
/** The oldest iOS whose messages the builder writes. */
const firstMessagesMajor = 6;

/**
 * The spec of a small backup as people have them, for demonstrations, examples and first tests: messages, contacts, photos with
 * their attributes, an app with notes, a database with its latest rows in the `-wal`, settings, a link. All of it is
 * invented: numbers are of the range reserved for fiction, addresses of example.org. Add to it what a test is about.
 *
 * @throws RangeError for a number that is not a count.
 *
 * @example
 * const built = await buildBackup({ ...sampleBackupSpec({ photos: 20 }), password: 'secret' }, { to: 'my-backup' });
 */
export function sampleBackupSpec(options: SampleOptions = {}): BackupSpec {
  const { seed = 1, ios = defaultIos } = options;
  const { date } = iosProfile(ios);
  const random = new SeededRandom(seed).fork('sample');
  const people = samplePeople(count(options.contacts ?? 12, 'contacts') + 1, random.fork('people'));
  const messages = count(options.messages ?? 60, 'messages');
  const hasMessages = Number.parseInt(ios, 10) >= firstMessagesMajor;
  return {
    seed,
    ios,
    apps: [
      {
        bundleId: notesApp,
        name: 'Example Notes',
        version: '42',
        groups: [notesGroup],
        plugins: [`${notesApp}.widget`],
      },
      { bundleId: 'org.example.weather', name: 'Example Weather', version: '7' },
    ],
    device: { phoneNumber: people[0]?.phone },
    messages: hasMessages ? sampleMessages(messages, people, { backupDate: date, random }) : undefined,
    contacts: people.map((person, index) => contactOf(person, index)),
    files: [
      ...settings(),
      ...notes(people),
      ...photos(count(options.photos ?? 6, 'photos'), date, random.fork('photos')),
    ],
    databases: [tasks(people)],
  };
}

function count(value: number, name: string): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} must be a count, not ${value}`);
  return value;
}

function contactOf(person: SamplePerson, index: number): ContactSpec {
  return {
    givenName: person.givenName,
    familyName: person.familyName,
    organization: index % 4 === 3 ? 'Example Works' : undefined,
    birthday: index % 3 === 0 ? person.birthday : undefined,
    phones: [{ value: person.phone, label: '_$!<Mobile>!$_' }],
    emails: [{ value: person.email, label: '_$!<Home>!$_' }],
    groups: index > 0 && index % 3 === 1 ? ['Climbing'] : undefined,
    isMe: index === 0,
  };
}

function settings(): FileSpec[] {
  const preferences = new Map<string, string | string[] | boolean>([
    ['AppleLanguages', ['en-GB']],
    ['AppleLocale', 'en_GB'],
    ['AppleMetricUnits', true],
  ]);
  return [
    {
      domain: 'HomeDomain',
      relativePath: 'Library/Preferences/.GlobalPreferences.plist',
      content: writeBinaryPlist(preferences),
      mode: 0o600,
    },
    {
      domain: 'DatabaseDomain',
      relativePath: 'timezone/localtime',
      kind: 'symlink',
      linkTarget: '/var/db/timezone/zoneinfo/Europe/London',
      userId: 0,
      groupId: 0,
    },
  ];
}

function notes(people: readonly SamplePerson[]): FileSpec[] {
  const names = people.slice(1, 4).map((person) => person.givenName);
  const domain = `AppDomain-${notesApp}`;
  return [
    {
      domain,
      relativePath: 'Documents/notes.txt',
      content: `Shopping\n- bread\n- olives\n- 2 × lemons\n\nSaturday: climbing with ${names.join(', ') || 'nobody yet'}\n`,
    },
    { domain, relativePath: 'Documents/Ideas/café.md', content: '# Café\n\nA place with no Wi-Fi and good chairs.\n' },
    { domain, relativePath: 'Documents/Drafts', kind: 'directory' },
    { domain, relativePath: 'Documents/empty.txt' },
  ];
}

/** One photo a day, the last one on the day before the backup. */
function photos(number: number, backupDate: Date, random: SeededRandom): FileSpec[] {
  return Array.from({ length: number }, (_unused, index): FileSpec => {
    const folder = 100 + Math.floor(index / photosPerFolder);
    const name = `IMG_${String((index % photosPerFolder) + 1).padStart(4, '0')}.PNG`;
    return {
      domain: 'CameraRollDomain',
      relativePath: `Media/DCIM/${folder}APPLE/${name}`,
      content: gradientPng(photoPixels, random.bytes(3), random.bytes(3)),
      modified: new Date(backupDate.getTime() - (number - index) * dayMs),
      extendedAttributes: {
        'com.apple.assetsd.favorite': Uint8Array.of(index % 5 === 0 ? 1 : 0),
        'com.apple.assetsd.UUID': random.bytes(16),
        'com.apple.assetsd.originalFilename': utf8Encode(name),
      },
    };
  });
}

/** A database as apps leave it: the last changes are only in the `-wal`. */
function tasks(people: readonly SamplePerson[]): DatabaseSpec {
  const names = people.slice(1, 6).map((person) => person.givenName);
  const rows = names.map((name, index) => `(${index + 1}, 'Call ${name}', 0)`);
  return {
    domain: `AppDomainGroup-${notesGroup}`,
    relativePath: 'Library/Application Support/Tasks.sqlite',
    sql: [
      'CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT NOT NULL, done INTEGER NOT NULL)',
      ...(rows.length > 0 ? [`INSERT INTO tasks VALUES ${rows.join(', ')}`] : []),
    ],
    walSql: ["INSERT INTO tasks VALUES (100, 'Water the plants', 0)", 'UPDATE tasks SET done = 1 WHERE id = 1'],
    wal: 'some',
  };
}
