# Makes a manifest of many rows from one of few: copies every row under other names, with the record's own path changed alike.
# The paths contain the fixed-width marker "set00", so that a changed path has the same length and the record stays valid.
import hashlib
import os
import sqlite3
import sys

database = sqlite3.connect(sys.argv[1], isolation_level=None)
copies = int(sys.argv[2])
database.execute("PRAGMA journal_mode=OFF")
database.execute("PRAGMA synchronous=OFF")
rows = database.execute("SELECT domain, relativePath, flags, file FROM Files WHERE relativePath LIKE '%set00%'").fetchall()
database.execute("BEGIN")
for copy in range(1, copies):
    marker = f"set{copy:02d}"

    def renamed():
        for domain, path, flags, record in rows:
            path = path.replace("set00", marker)
            file_id = hashlib.sha1(f"{domain}-{path}".encode()).hexdigest()
            yield file_id, domain, path, flags, record.replace(b"set00", marker.encode())

    database.executemany("INSERT INTO Files VALUES (?, ?, ?, ?, ?)", renamed())
database.execute("COMMIT")
print(database.execute("SELECT count(*) FROM Files").fetchone()[0], os.path.getsize(sys.argv[1]))
