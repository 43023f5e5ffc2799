# The peer: python3 with sqlite3 and plistlib lists every row of the plain manifest with its size.
import json
import plistlib
import resource
import sqlite3
import sys
import time

start = time.perf_counter()
cpu_start = time.process_time()
database = sqlite3.connect(f"file:{sys.argv[1]}?immutable=1", uri=True)
rows = size = 0
for (record,) in database.execute("SELECT file FROM Files"):
    archive = plistlib.loads(record, fmt=plistlib.FMT_BINARY)
    rows += 1
    size += archive["$objects"][archive["$top"]["root"].data]["Size"]
elapsed = (time.perf_counter() - start) * 1000
cpu = (time.process_time() - cpu_start) * 1000
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"milliseconds": elapsed, "cpuMilliseconds": cpu, "peakMiB": peak, "rows": rows, "bytes": size}))
