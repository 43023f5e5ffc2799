// FORMAT facts: docs/datasets/contacts.md. Columns are in the order in which releases added them.

const guid = 'guid TEXT NOT NULL DEFAULT (ab_generate_guid())';

/** Columns of ABPerson that came later than iOS 6, by the first major version that has them. */
const laterPersonColumns: readonly (readonly [major: number, columns: string])[] = [
  [7, `${guid}, PhonemeData TEXT`],
  [8, 'AlternateBirthday TEXT, MapsData TEXT'],
  [
    10,
    'FirstPronunciation TEXT, MiddlePronunciation TEXT, LastPronunciation TEXT, OrganizationPhonetic TEXT, OrganizationPronunciation TEXT, PreviousFamilyName TEXT, PreferredLikenessSource TEXT, PreferredPersonaIdentifier TEXT',
  ],
  [13, 'PreferredChannel TEXT, DowntimeWhitelist TEXT'],
  [15, 'ImageType TEXT, ImageHash BLOB, MemojiMetadata BLOB'],
  [17, 'Wallpaper BLOB, DisplayFlags INTEGER, WatchWallpaperImageData BLOB, WallpaperMetadata BLOB'],
  [
    18,
    'ImageBackgroundColorsData BLOB, SensitiveContentConfiguration BLOB, WallpaperURI TEXT, ImageSyncFailedTime TEXT',
  ],
];

/** A full-text table whose tokenizer only iOS has: opening it, or the schema of it, fails everywhere else. */
const fullTextTable =
  'CREATE VIRTUAL TABLE ABPersonFullTextSearch USING fts4(content="", First, Last, Phone, tokenize=ab_cf_tokenizer en_US)';

/** `CREATE` statements of AddressBook.sqlitedb. */
export function addressBookSchema(major: number): string[] {
  const guidColumn = major >= 7 ? `, ${guid}` : '';
  const laterColumns = laterPersonColumns.filter(([since]) => major >= since).map(([, columns]) => `, ${columns}`);
  return [
    `CREATE TABLE ABPerson (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, First TEXT, Last TEXT, Middle TEXT, FirstPhonetic TEXT, MiddlePhonetic TEXT, LastPhonetic TEXT, Organization TEXT, Department TEXT, Note TEXT, Kind INTEGER, Birthday TEXT, JobTitle TEXT, Nickname TEXT, Prefix TEXT, Suffix TEXT, FirstSort TEXT, LastSort TEXT, CreationDate INTEGER, ModificationDate INTEGER, CompositeNameFallback TEXT, ExternalIdentifier TEXT, ExternalModificationTag TEXT, ExternalUUID TEXT, StoreID INTEGER, DisplayName TEXT, ExternalRepresentation BLOB, FirstSortSection TEXT, LastSortSection TEXT, FirstSortLanguageIndex INTEGER DEFAULT 2147483647, LastSortLanguageIndex INTEGER DEFAULT 2147483647, PersonLink INTEGER DEFAULT -1, ImageURI TEXT, IsPreferredName INTEGER DEFAULT 1${laterColumns.join('')})`,
    `CREATE TABLE ABMultiValue (UID INTEGER PRIMARY KEY, record_id INTEGER, property INTEGER, identifier INTEGER, label INTEGER, value TEXT${guidColumn})`,
    'CREATE TABLE ABMultiValueEntry (parent_id INTEGER, key INTEGER, value TEXT, UNIQUE(parent_id, key))',
    'CREATE TABLE ABMultiValueEntryKey (value TEXT, UNIQUE(value))',
    'CREATE TABLE ABMultiValueLabel (value TEXT, UNIQUE(value))',
    'CREATE INDEX ABMultiValueRecordIDIndex ON ABMultiValue(record_id)',
    `CREATE TABLE ABStore (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, Name TEXT, ExternalIdentifier TEXT, Type INTEGER, ConstraintsPath TEXT, ExternalModificationTag TEXT, ExternalSyncTag TEXT, StoreInternalIdentifier TEXT, AccountID INTEGER DEFAULT -1, Enabled INTEGER DEFAULT 1, SyncData BLOB, MeIdentifier INTEGER DEFAULT -1, Capabilities INTEGER DEFAULT 0${guidColumn})`,
    `CREATE TABLE ABAccount (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, AccountIdentifier TEXT${guidColumn})`,
    `CREATE TABLE ABGroup (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, Name TEXT, ExternalIdentifier TEXT, StoreID INTEGER, ExternalModificationTag TEXT, ExternalRepresentation BLOB, ExternalUUID TEXT${guidColumn})`,
    'CREATE TABLE ABGroupMembers (UID INTEGER PRIMARY KEY, group_id INTEGER, member_type INTEGER, member_id INTEGER, UNIQUE(group_id, member_type, member_id))',
    `CREATE TABLE ABPersonLink (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, PreferredImagePersonID INTEGER DEFAULT -1, PreferredNamePersonID INTEGER DEFAULT -1${guidColumn})`,
    'PRAGMA writable_schema = ON',
    `INSERT INTO sqlite_schema VALUES ('table', 'ABPersonFullTextSearch', 'ABPersonFullTextSearch', 0, '${fullTextTable}')`,
    'PRAGMA writable_schema = OFF',
  ];
}

/** `CREATE` statements of AddressBookImages.sqlitedb. */
export const imagesSchema: readonly string[] = [
  'CREATE TABLE ABThumbnailImage (ROWID INTEGER PRIMARY KEY, record_id INTEGER, format INTEGER, derived_from_format INTEGER, data BLOB, UNIQUE(record_id, format))',
  'CREATE TABLE ABFullSizeImage (ROWID INTEGER PRIMARY KEY, record_id INTEGER, crop_x INTEGER, crop_y INTEGER, crop_width INTEGER, data BLOB, UNIQUE(record_id))',
];
