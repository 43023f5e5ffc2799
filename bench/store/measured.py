# measured.py RESULT COMMAND...: runs a command and writes its time, its CPU time with that of its children, and its peak of memory
# to RESULT as JSON. Node.js knows none of them of a child.
import json
import os
import sys
import time

result, *command = sys.argv[1:]
start = time.perf_counter()
process = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(process, 0)
seconds = time.perf_counter() - start
unit = 1024 * 1024 if sys.platform == "darwin" else 1024
with open(result, "w") as file:
    json.dump({"seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "peakMiB": usage.ru_maxrss / unit}, file)
sys.exit(os.waitstatus_to_exitcode(status))
