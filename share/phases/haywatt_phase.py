"""Tells `haywatt meter` in which phase a Python program is, so that it can say the joules of each.

    from haywatt_phase import phase

    with phase("train"):          # a block
        ...

    @phase("compress")            # or each call of a function
    def compress(table): ...

    begin("read"); ...; end("read")   # or by hand
    switch("fit")                     # ends the present phase of this thread and begins another

Copy this file beside your program: it needs nothing but Python 3.6. Phases nest, and belong to the thread that announces
them; forked processes and multiprocessing need nothing special. Without a meter (the environment variable HAYWATT_PHASES
is not set) a phase costs a fraction of a microsecond, with one some ten; it never waits: a mark that finds the channel
full is dropped. In asyncio, tasks of one thread take turns: an `await` inside a phase counts the time of the other tasks
for it, so put phases around stretches without `await`. Protocol: docs/phases.md of Haywatt.

Copyright the Haywatt authors. Permission to use, copy, modify and distribute this file for any purpose, with or without
fee and without this notice, is granted. It is provided "as is", without warranty of any kind.
"""
import functools
import os
import threading
import time

__all__ = ["phase", "begin", "end", "switch", "metered"]

_path = os.environ.get("HAYWATT_PHASES")
# For `haywatt bottleneck`: "NAME=0.5" makes phase NAME half as long again, by a sleep before its end, so that it is seen whether
# the program takes longer for it.
_delayed, _, _delay = os.environ.get("HAYWATT_SPAN_DELAY", "").rpartition("=")
_began = threading.local()
_interleaved = 0x20 | 0x80 | 0x200  # code flags of generators, coroutines and both


def metered():
    """Whether there is a meter that listens."""
    return bool(_path)


def _quoted(name):
    """In double quotes, at most 200 bytes of UTF-8, control characters as '?'."""
    text = "".join("?" if ord(c) < 0x20 or ord(c) == 0x7f else c for c in str(name))
    text = text.encode("utf-8", "replace")[:200].decode("utf-8", "ignore")
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def _thread():
    """The kernel's number of this thread."""
    if hasattr(threading, "get_native_id"):  # Python 3.8
        return threading.get_native_id()
    try:
        return int(os.readlink("/proc/thread-self").rsplit("/", 1)[1])
    except (OSError, IndexError, ValueError):
        return 0


def _send(verb, name):
    try:
        line = "%s %s t=%d cpu=%d pid=%d tid=%d\n" % (
            verb, _quoted(name), time.clock_gettime(time.CLOCK_MONOTONIC) * 1e9,
            time.clock_gettime(time.CLOCK_THREAD_CPUTIME_ID) * 1e9, os.getpid(), _thread())
        # Read and write, though nothing is read: so there is always a reader, and a meter that dies raises no SIGPIPE.
        fd = os.open(_path, os.O_RDWR | os.O_NONBLOCK | os.O_APPEND | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)
    except OSError:
        pass  # the meter is gone, or the channel is full: a program never pays for being metered


def _delay_ends(name):
    stack = getattr(_began, "stack", None)
    if stack and name in (_delayed, None):
        start = stack.pop()
        if not stack:
            time.sleep((time.monotonic() - start) * float(_delay))


def _delay_begins(name):
    if name == _delayed:
        _began.__dict__.setdefault("stack", []).append(time.monotonic())


def begin(name):
    """Begins a phase within the present one of this thread."""
    if _path:
        _send("begin", name)
        if _delayed:
            _delay_begins(name)


def end(name=""):
    """Ends the innermost phase of that name on this thread; without a name the innermost of any."""
    if _path:
        if _delayed:
            _delay_ends(name)
        _send("end", name)


def switch(name=""):
    """Ends the innermost phase of this thread and begins this one; without a name none."""
    if _path:
        if _delayed:
            _delay_ends(None)
        _send("phase", name)
        if _delayed:
            _delay_begins(name)


class phase:
    """A phase for a `with` block, or for each call of a function that it decorates. May be used again and by threads."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        begin(self.name)
        return self

    def __exit__(self, *_):
        end(self.name)
        return False

    def __call__(self, function):
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & _interleaved:
            raise TypeError("phase() cannot decorate %s: coroutines and generators stop half-way; use `with phase(...)` "
                            "around stretches without await and yield" % function.__name__)

        @functools.wraps(function)
        def within(*args, **kwargs):
            with self:
                return function(*args, **kwargs)

        return within
