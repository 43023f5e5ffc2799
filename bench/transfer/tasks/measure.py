# Runs a command and prints what it took, as JSON: the same measurement for every program.
import json
import resource
import subprocess
import sys
import time

start = time.monotonic()
process = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
milliseconds = (time.monotonic() - start) * 1000
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({
    'milliseconds': milliseconds,
    'cpuMilliseconds': (usage.ru_utime + usage.ru_stime) * 1000,
    'peakMiB': usage.ru_maxrss / 1024,
    'status': process.returncode,
    'output': process.stdout[-2000:],
}))
