"""Read by every Python of a platform under fault: lets a worker die at a named point.

The file FAULT_FILE holds the points one per line, `module:function when nth action since`; each
strikes once, in their order. Nothing of this is in the product.
"""

import functools
import importlib
import os
import signal
import sys
import threading

FILE = os.environ.get("FAULT_FILE", "")
LOCK = threading.Lock()
counts = {}
called = set()


def first_line():
    try:
        with open(FILE) as file:
            lines = file.read().splitlines()
    except OSError:
        return "", []
    return (lines[0], lines[1:]) if lines else ("", [])


def strike(place, when):
    """Act if it is this point's turn; the file is rewritten first, so that it strikes once."""
    line, rest = first_line()
    if not line:
        return
    wanted, moment, nth, action, since = line.split()
    if (wanted, moment) != (place, when) or since not in ("-", *called):
        return
    with LOCK:
        key = (os.getpid(), line)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] != int(nth):
            return
    partial = f"{FILE}.{os.getpid()}"
    with open(partial, "w") as file:
        file.write("\n".join(rest))
    os.rename(partial, FILE)
    with open(f"{FILE}.struck", "a") as file:
        file.write(line + "\n")
    if action == "engine":
        kill_engine()
    elif action == "full":
        fill()
    else:
        os.kill(os.getpid(), getattr(signal, action))


def kill_engine():
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat") as file:
                text = file.read()
        except OSError:
            continue
        comm, after = text[text.index("(") + 1 : text.rindex(")")], text.rpartition(")")[2].split()
        if comm == "pulumi" and int(after[1]) == os.getpid():
            os.kill(int(name), signal.SIGKILL)


def fill():
    """Use up the disk of FAULT_FULL, as somebody's upload does."""
    with open(os.environ["FAULT_FULL"], "wb") as file:
        try:
            while True:
                file.write(b"\0" * 65536)
                file.flush()
        except OSError:
            return


def wrap(place):
    module, _, path = place.partition(":")
    owner = sys.modules.get(module) or importlib.import_module(module)
    *outer, name = path.split(".")
    for each in outer:
        owner = getattr(owner, each)
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def wrapped(*args, **more):
        called.add(place)
        strike(place, "before")
        result = inner(*args, **more)
        strike(place, "after")
        return result

    setattr(owner, name, wrapped)


def arm():
    """In each fork of the worker: wrap what the file names, all of it at once."""
    if not FILE or "jobs.execute" not in sys.modules or counts.get("armed"):
        return
    counts["armed"] = True
    with open(os.environ["FAULT_PLACES"]) as file:
        for place in file.read().split():
            wrap(place)


if FILE:
    os.register_at_fork(after_in_child=arm)
