"""Makes the bytecodes of a CPython program slower, in short windows, and tells how far apart they are.

Loaded by `haywatt bottleneck` through PYTHONPATH; needs nothing but Python 3.7. Every 5 ms of real time the next WINDOW
bytecodes are traced, which makes each some tenths of a microsecond slower; what native code takes stays as it is. So a program that
is bound by the interpreter, or by calls that are over in a microsecond or two, gets slower with WINDOW, and one that spends its time
in long native calls does not. When the signal is served late, a native call was under way.

Environment: HAYWATT_BYTECODE_WINDOW (bytecodes), HAYWATT_BYTECODE_SEEN (a file; one line of JSON is appended at the end).
"""
import os
import sys


def _probe():
    window = int(os.environ.get("HAYWATT_BYTECODE_WINDOW", "0"))
    out = os.environ.get("HAYWATT_BYTECODE_SEEN", "")
    if window <= 0 or not out or sys.version_info < (3, 7):
        return
    import atexit
    import signal
    import threading
    import time

    if signal.getsignal(signal.SIGALRM) != signal.SIG_DFL:
        return
    clock = time.thread_time
    period_s, late_s, near_s = 0.005, 100e-6, 2e-6
    pid = os.getpid()
    state = {"left": 0, "began": 0.0, "armed": 0.0, "late": False, "open": False}
    seen = {"windows": 0, "near_s": 0.0, "sampled_s": 0.0, "bytecodes": 0, "window_s": 0.0, "late": 0}

    def finish(now):
        state["open"] = False
        done = window - state["left"]
        inside = now - state["began"]
        near = not state["late"] and done > 0 and inside / done < near_s
        span = now - state["armed"]
        seen["windows"] += 1
        seen["sampled_s"] += span
        seen["near_s"] += span if near else 0.0
        seen["late"] += state["late"]
        seen["bytecodes"] += done
        seen["window_s"] += inside

    def arm():
        state["armed"] = clock()
        signal.setitimer(signal.ITIMER_REAL, period_s)

    def tracer(frame, event, _):
        if event == "opcode":
            state["left"] -= 1
            if state["left"] <= 0:
                sys.settrace(None)
                finish(clock())
                arm()
                return None
        elif event == "call":
            if not state["open"]:
                return None
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
        return tracer

    def begin(_, frame):
        if os.getpid() != pid or state["open"]:
            return
        now = clock()
        # Late by the thread's own clock: then it was not waiting for a CPU, but in a native call.
        state.update(left=window, began=now, late=now - state["armed"] > period_s + late_s, open=True)
        while frame is not None:
            frame.f_trace = tracer
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
            frame = frame.f_back
        sys.settrace(tracer)

    def end():
        if os.getpid() != pid:
            return
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        sys.settrace(None)
        if state["open"]:
            finish(clock())
        import json
        seen.update(main_s=clock(), cpu_s=time.process_time(), threads=threading.active_count())
        line = json.dumps(seen) + "\n"
        fd = os.open(out, os.O_WRONLY | os.O_APPEND)
        os.write(fd, line.encode())
        os.close(fd)

    signal.signal(signal.SIGALRM, begin)
    if hasattr(signal, "siginterrupt"):
        signal.siginterrupt(signal.SIGALRM, False)
    atexit.register(end)
    arm()


def _next_sitecustomize():
    """The one that this file hides."""
    import importlib.machinery
    here = os.path.dirname(os.path.abspath(__file__))
    path = [p for p in sys.path if os.path.abspath(p or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", path)
    if spec is not None and spec.loader is not None:
        import importlib.util
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


_next_sitecustomize()
try:
    _probe()
except Exception as error:  # a probe never ends the program
    sys.stderr.write("haywatt: no bytecode probe: %s\n" % error)
