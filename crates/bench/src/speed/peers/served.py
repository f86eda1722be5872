# How a program is driven from outside: its code is put before this; it has a function `once()` that does the work, gives the
# seconds it took and keeps the result in `result`, and `version`.
#   in   run            out  seconds
#   in   result FILE    out  written   (the result of the last run as raw doubles)
print("ready", version, flush=True)
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    if word == "run":
        print(once(), flush=True)
    elif word == "result":
        numpy.ascontiguousarray(result[0], "f8").tofile(rest)
        print("written", flush=True)
