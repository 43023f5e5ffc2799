# The SQL part of bench/store: three real SQLite databases with the schemas of iOS in outline, one day of use of them, and
# changed rows of Manifest.db. python3 because Node 20 has no writable SQLite that works on files.
#
#   databases.py build FOLDER SEED SCALE         makes photos.db, sms.db and chat.db
#   databases.py churn FOLDER SEED SCALE DAY     one day of use, checkpointed; prints pages changed, by database
#   databases.py manifest FILE                   changes rows of Files as the lines of JSON on standard input say
import hashlib
import json
import os
import random
import sqlite3
import sys
import uuid

MEGABYTE = 1_000_000
PAGE = 4096
TARGET = {"photos": 115 * MEGABYTE, "sms": 406 * MEGABYTE, "chat": 892 * MEGABYTE}
# Inserts, updates and deletes of one day at full size.
DAY = {"photos": (100, 3000, 20), "sms": (120, 300, 10), "chat": (400, 600, 50)}
# 2024-01-01 in seconds since 2001, where Apple's times begin.
START = 725_760_000

SCHEMA = {
    "photos": """
        CREATE TABLE ZASSET (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZFAVORITE INTEGER, ZHEIGHT INTEGER,
          ZWIDTH INTEGER, ZKIND INTEGER, ZTRASHEDSTATE INTEGER, ZADDEDDATE TIMESTAMP, ZDATECREATED TIMESTAMP,
          ZMODIFICATIONDATE TIMESTAMP, ZLATITUDE FLOAT, ZLONGITUDE FLOAT, ZDIRECTORY VARCHAR, ZFILENAME VARCHAR,
          ZUUID VARCHAR, ZANALYSISSTATEMODIFICATIONDATE TIMESTAMP, ZIMAGEREQUESTHINTS BLOB);
        CREATE TABLE ZADDITIONALASSETATTRIBUTES (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZASSET INTEGER,
          ZEXIFTIMESTAMPSTRING VARCHAR, ZORIGINALFILENAME VARCHAR, ZTITLE VARCHAR, ZMASTERFINGERPRINT VARCHAR,
          ZREVERSELOCATIONDATA BLOB);
        CREATE UNIQUE INDEX ZASSET_ZUUID ON ZASSET (ZUUID);
        CREATE INDEX ZASSET_ZDATECREATED ON ZASSET (ZDATECREATED);
        CREATE INDEX ZASSET_ZADDEDDATE ON ZASSET (ZTRASHEDSTATE, ZADDEDDATE);
        CREATE INDEX ZADDITIONALASSETATTRIBUTES_ZASSET ON ZADDITIONALASSETATTRIBUTES (ZASSET);
        CREATE INDEX ZADDITIONALASSETATTRIBUTES_FINGERPRINT ON ZADDITIONALASSETATTRIBUTES (ZMASTERFINGERPRINT);""",
    "sms": """
        CREATE TABLE handle (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, service TEXT NOT NULL,
          UNIQUE (id, service));
        CREATE TABLE message (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL, text TEXT,
          handle_id INTEGER DEFAULT 0, attributedBody BLOB, service TEXT, date INTEGER, date_read INTEGER,
          date_delivered INTEGER, is_from_me INTEGER DEFAULT 0, is_read INTEGER DEFAULT 0, cache_has_attachments INTEGER);
        CREATE TABLE chat_message_join (chat_id INTEGER, message_id INTEGER, message_date INTEGER DEFAULT 0,
          PRIMARY KEY (chat_id, message_id)) WITHOUT ROWID;
        CREATE INDEX message_idx_date ON message (date);
        CREATE INDEX message_idx_handle ON message (handle_id, date);
        CREATE INDEX message_idx_is_read ON message (is_read, is_from_me, handle_id);""",
    "chat": """
        CREATE TABLE ZWAMESSAGE (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZISFROMME INTEGER,
          ZMESSAGESTATUS INTEGER, ZMESSAGETYPE INTEGER, ZSORT INTEGER, ZCHATSESSION INTEGER, ZMESSAGEDATE TIMESTAMP,
          ZFROMJID VARCHAR, ZSTANZAID VARCHAR, ZTEXT VARCHAR);
        CREATE TABLE ZWAMESSAGEINFO (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZMESSAGE INTEGER,
          ZRECEIPTINFO BLOB);
        CREATE UNIQUE INDEX ZWAMESSAGE_ZSTANZAID ON ZWAMESSAGE (ZSTANZAID);
        CREATE INDEX ZWAMESSAGE_ZCHATSESSION ON ZWAMESSAGE (ZCHATSESSION, ZSORT);
        CREATE INDEX ZWAMESSAGE_ZMESSAGEDATE ON ZWAMESSAGE (ZMESSAGEDATE);
        CREATE INDEX ZWAMESSAGEINFO_ZMESSAGE ON ZWAMESSAGEINFO (ZMESSAGE);""",
}


class Source:
    """Everything that looks random, from the seed alone."""

    def __init__(self, *seed):
        self.random = random.Random(" ".join(map(str, seed)))
        words = random.Random("words")
        vocabulary = ["".join(words.choices("etaoinshrdlucmfwypvbgk", k=words.randint(2, 9))) for _ in range(4000)]
        weights = [1 / rank for rank in range(1, 4001)]
        self.text = " ".join(self.random.choices(vocabulary, weights=weights, k=400_000))

    def guid(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4)).upper()

    def words(self, longest):
        length = 8 + int(longest * self.random.random() ** 2)
        start = self.random.randrange(len(self.text) - length)
        return self.text[start : start + length]


# Rows of one item by table, for a new primary key.


def photo(source, key):
    rand = source.random
    date = START + key * 420.0 + rand.random() * 400
    asset = (key, 3, 1, 0, 3024, 4032, 0, 0, date + 3, date, date, rand.uniform(-60, 60), rand.uniform(-180, 180),
             f"DCIM/{100 + key // 1000}APPLE", f"IMG_{key % 10000:04d}.HEIC", source.guid(), date, rand.randbytes(40))
    extra = (key, 1, 1, key, "2024:01:01 10:00:00", f"IMG_{key % 10000:04d}.HEIC", None, rand.randbytes(20).hex(),
             b"bplist00" + source.words(500).encode() + rand.randbytes(60))
    return [("ZASSET", asset), ("ZADDITIONALASSETATTRIBUTES", extra)]


TYPEDSTREAM = bytes.fromhex("040b73747265616d747970656481e803840140848484124e534174747269627574656453747269")


def message(source, key):
    rand = source.random
    date = (START + key * 60) * 1_000_000_000 + rand.randrange(50_000_000_000)
    text = source.words(300)
    person = 1 + int(300 * rand.random() ** 3)
    row = (key, source.guid(), text, person, TYPEDSTREAM + text.encode() + rand.randbytes(24), "iMessage", date,
           date + rand.randrange(1 << 40), date + rand.randrange(1 << 34), key & 1, 1, 0)
    return [("message", row), ("chat_message_join", (person, key, date))]


def chat_message(source, key):
    rand = source.random
    date = START + key * 30 + rand.randrange(30)
    session = 1 + int(400 * rand.random() ** 3)
    row = (key, 9, 1, key & 1, 8, 0, key, session, date, f"{session:05d}12345@s.whatsapp.net",
           rand.randbytes(10).hex().upper(), source.words(380))
    return [("ZWAMESSAGE", row), ("ZWAMESSAGEINFO", (key, 10, 1, key, rand.randbytes(30)))]


MAKE = {"photos": photo, "sms": message, "chat": chat_message}
KEY = {"photos": ("ZASSET", "Z_PK"), "sms": ("message", "ROWID"), "chat": ("ZWAMESSAGE", "Z_PK")}


def insert(database, rows):
    by_table = {}
    for table, row in rows:
        by_table.setdefault(table, []).append(row)
    for table, values in by_table.items():
        marks = ", ".join("?" * len(values[0]))
        database.executemany(f"INSERT INTO {table} VALUES ({marks})", values)


def size_of(database):
    return database.execute("PRAGMA page_count").fetchone()[0] * PAGE


def build(folder, seed, scale):
    for name, target in TARGET.items():
        path = os.path.join(folder, f"{name}.db")
        database = sqlite3.connect(path, isolation_level=None)
        database.executescript(f"PRAGMA page_size={PAGE}; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
                               f"PRAGMA cache_size=-1000000; {SCHEMA[name]} BEGIN;")
        source = Source(seed, name)
        if name == "sms":
            database.executemany("INSERT INTO handle VALUES (?, ?, 'iMessage')",
                                 [(n, f"+1555{n:07d}") for n in range(1, 301)])
        key = 0
        while size_of(database) < target * scale:
            batch = []
            for _ in range(1000):
                key += 1
                batch += MAKE[name](source, key)
            insert(database, batch)
        database.execute("COMMIT")
        database.executescript("PRAGMA journal_mode=WAL; PRAGMA wal_checkpoint(TRUNCATE);")
        database.close()
        print(f"{name}: {key} items, {os.path.getsize(path) / 1e6:.1f} MB", file=sys.stderr)


def update(name, database, source, keys, day):
    now = START + 70_000_000 + day * 86_400
    if name == "photos":
        # Photos are analysed and moved in groups that were taken together.
        database.executemany(
            "UPDATE ZASSET SET Z_OPT = Z_OPT + 1, ZMODIFICATIONDATE = ?, ZANALYSISSTATEMODIFICATIONDATE = ? WHERE Z_PK = ?",
            [(now, now + source.random.random(), key) for key in keys])
        database.executemany("UPDATE ZADDITIONALASSETATTRIBUTES SET ZREVERSELOCATIONDATA = ? WHERE Z_PK = ?",
                             [(b"bplist00" + source.words(500).encode(), key) for key in keys[::10]])
    elif name == "sms":
        database.executemany("UPDATE message SET date_read = ? WHERE ROWID = ?",
                             [(now * 1_000_000_000 + n, key) for n, key in enumerate(keys)])
    else:
        database.executemany("UPDATE ZWAMESSAGE SET Z_OPT = Z_OPT + 1, ZMESSAGESTATUS = ZMESSAGESTATUS + 1 WHERE Z_PK = ?",
                             [(key,) for key in keys])
        database.executemany("UPDATE ZWAMESSAGEINFO SET ZRECEIPTINFO = ? WHERE Z_PK = ?",
                             [(source.random.randbytes(30), key) for key in keys])


def delete(name, database, keys):
    keys = [(key,) for key in keys]
    if name == "photos":
        database.executemany("DELETE FROM ZADDITIONALASSETATTRIBUTES WHERE ZASSET = ?", keys)
        database.executemany("DELETE FROM ZASSET WHERE Z_PK = ?", keys)
    elif name == "sms":
        database.executemany("DELETE FROM chat_message_join WHERE message_id = ? AND chat_id = "
                             "(SELECT handle_id FROM message WHERE ROWID = ?)", [key * 2 for key in keys])
        database.executemany("DELETE FROM message WHERE ROWID = ?", keys)
    else:
        database.executemany("DELETE FROM ZWAMESSAGEINFO WHERE ZMESSAGE = ?", keys)
        database.executemany("DELETE FROM ZWAMESSAGE WHERE Z_PK = ?", keys)


def page_hashes(path):
    with open(path, "rb") as file:
        return [hashlib.blake2b(page, digest_size=8).digest() for page in iter(lambda: file.read(PAGE), b"")]


def churn(folder, seed, scale, day, count_pages):
    changed = {}
    for name, counts in DAY.items():
        inserts, updates, deletes = (max(1, round(count * scale)) for count in counts)
        path = os.path.join(folder, f"{name}.db")
        before = page_hashes(path) if count_pages else []
        database = sqlite3.connect(path, isolation_level=None)
        database.executescript("PRAGMA synchronous=OFF; PRAGMA cache_size=-200000; BEGIN;")
        source = Source(seed, name, "day", day)
        table, column = KEY[name]
        last = database.execute(f"SELECT max({column}) FROM {table}").fetchone()[0]
        if name == "photos":
            keys = []
            while len(keys) < updates:
                first = source.random.randint(1, last)
                keys += range(first, min(first + 10, last + 1))
            keys = keys[:updates]
        else:
            # Half of the changes concern what came lately, the other half anything.
            recent = max(1, last - 20 * inserts)
            keys = [source.random.randint(recent if n % 2 else 1, last) for n in range(updates)]
        update(name, database, source, keys, day)
        delete(name, database, [source.random.randint(1, last) for _ in range(deletes)])
        rows = []
        for key in range(last + 1, last + 1 + inserts):
            rows += MAKE[name](source, key)
        insert(database, rows)
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        if count_pages:
            after = page_hashes(path)
            before += [None] * (len(after) - len(before))
            different = sum(old != new for old, new in zip(before, after))
            changed[name] = {"pages": len(after), "changed": different, "share": round(different / len(after), 4)}
    print(json.dumps(changed))


def manifest(path):
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript("PRAGMA synchronous=OFF; PRAGMA cache_size=-200000; BEGIN;")
    for line in sys.stdin:
        row = json.loads(line)
        if "file" in row:
            database.execute("INSERT INTO Files VALUES (?, ?, ?, ?, ?) ON CONFLICT (fileID) DO UPDATE SET file = excluded.file",
                             (row["fileID"], row["domain"], row["relativePath"], row["flags"], bytes.fromhex(row["file"])))
        else:
            database.execute("DELETE FROM Files WHERE fileID = ?", (row["fileID"],))
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


if __name__ == "__main__":
    command, place, *rest = sys.argv[1:]
    if command == "build":
        build(place, rest[0], float(rest[1]))
    elif command == "churn":
        churn(place, rest[0], float(rest[1]), int(rest[2]), os.environ.get("BENCH_COUNT_PAGES") == "1")
    else:
        manifest(place)
