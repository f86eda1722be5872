#!/usr/bin/env python3
"""Runs a command and appends what it took to a file: wall seconds, user + system seconds, peak kilobytes.

    timed.py LOG COMMAND ...

GNU time tells hundredths of a second, which small grids take as a whole.
"""

import os
import sys
import time

log, *command = sys.argv[1:]
start = time.monotonic()
child = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - start
with open(log, "a", encoding="ascii") as file:
    file.write(f"{wall:.6f} {usage.ru_utime + usage.ru_stime:.6f} {usage.ru_maxrss}\n")
sys.exit(os.waitstatus_to_exitcode(status))
