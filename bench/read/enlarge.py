# Makes a manifest of many rows from one of few: copies every row under other names, with the record's own path changed alike.
# The paths contain the fixed-width marker "set00", so that a changed path has the same length and the record stays valid.
# The copies' records get as many bytes more as those of a device with extended attributes have, so that 900,000 rows take 1.2 GB.
import hashlib
import os
import sqlite3
import sys

database = sqlite3.connect(sys.argv[1], isolation_level=None)
copies = int(sys.argv[2])
database.execute("PRAGMA journal_mode=OFF")
database.execute("PRAGMA synchronous=OFF")
FILLER = bytes(range(256)) + bytes(range(80))


def widened(record):
    # Between the objects and the offset table, where no reader looks: only the trailer's last field changes.
    table = int.from_bytes(record[-8:], "big")
    return record[:table] + FILLER + record[table:-8] + (table + len(FILLER)).to_bytes(8, "big")


rows = database.execute("SELECT domain, relativePath, flags, file FROM Files WHERE relativePath LIKE '%set00%'").fetchall()
database.execute("BEGIN")
for copy in range(1, copies):
    marker = f"set{copy:02d}"

    def renamed():
        for domain, path, flags, record in rows:
            path = path.replace("set00", marker)
            file_id = hashlib.sha1(f"{domain}-{path}".encode()).hexdigest()
            yield file_id, domain, path, flags, widened(record.replace(b"set00", marker.encode()))

    database.executemany("INSERT INTO Files VALUES (?, ?, ?, ?, ?)", renamed())
database.execute("COMMIT")
print(database.execute("SELECT count(*) FROM Files").fetchone()[0], os.path.getsize(sys.argv[1]))
