#!/usr/bin/env python3
"""What haywatt meter sees of processes that live for 5 ms, against what they and the kernel tell.

    bench/meter_children.py [--haywatt build/bin/haywatt] [--children build/bin/test_children] [--count 1000] [--repeats 3]

For each way to make children (tests/support/children.cpp): CPU seconds seen by the meter over those that the kernel told
the program that waited for them ("told"), and over those that their own clocks told at their end, least and most of
--repeats runs. Counted by a control group where one can be made here, and by clocks and waits: as an ordinary user, so
that half needs root.
"""
import argparse
import json
import os
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODES = {"direct": "direct children", "nested": "children of children", "setsid": "each in a session of its own",
         "exec": "vfork and exec", "double-fork": "double forks (nobody is told)",
         "ignored": "the parent ignores SIGCHLD (nobody is told)"}


def as_nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def ratios(options, folder, mode, become):
    record, told = os.path.join(folder, "run.json"), os.path.join(folder, "told")
    subprocess.run([options.haywatt, "meter", "-q", "-o", record, "--force", "--", options.children, told, mode, str(options.count)],
                   check=True, preexec_fn=become, start_new_session=True)
    with open(record, encoding="utf-8") as f:
        run = json.load(f)
    with open(told, encoding="utf-8") as f:
        clocks, waits = (int(word) * 1e-9 for word in f.read().split())
    os.unlink(told)
    os.unlink(record)
    return run["tree"]["counted_by"], run["cpu_s"] / waits, run["cpu_s"] / clocks


def span(values, digits):
    low, high = (f"{v:.{digits}f}" for v in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--haywatt", default=os.path.join(ROOT, "build", "bin", "haywatt"))
    parser.add_argument("--children", default=os.path.join(ROOT, "build", "bin", "test_children"))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"{options.count} children of 5 ms, {options.repeats} runs each; load average at the start {os.getloadavg()[0]:.1f}")
    for become in (None, as_nobody):
        if become and os.getuid() != 0:
            print("not root: the other way of counting is left out")
            return
        for mode, name in MODES.items():
            with tempfile.TemporaryDirectory(prefix="haywatt-children-") as folder:
                os.chmod(folder, 0o777)
                runs = [ratios(options, folder, mode, become) for _ in range(options.repeats)]
            told = "–" if mode in ("double-fork", "ignored") else span([r[1] for r in runs], 4)
            print(f"{runs[0][0]:26}{name:42}seen / told {told:18} seen / own clocks {span([r[2] for r in runs], 3)}", flush=True)


main()
