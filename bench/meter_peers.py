#!/usr/bin/env python3
"""The same load under haywatt meter and under the tools that people use: what each says, and what each costs.

    bench/meter_peers.py [--haywatt build/bin/haywatt] [--venv build/peers] [--prmon PATH] [--seconds 15] [--pairs 20]
                         [--json FILE]

The load keeps one core busy. Tools: the bare command, haywatt meter, perf stat (where it runs), prmon (if --prmon names
one), a poller that reads /proc of the tree each second as prmon does, and CodeCarbon and Carbontracker from PyPI, fetched
into the folder --venv (without network they are left out). Part 1: one load of --seconds under each: energy reported, CPU
seconds of the tool itself (all that ran, less the load's own), what of it a load of 0 s costs too (fixed) and the rest as
a share of the load's CPU time, the memory of all its processes together (resident; with shared pages divided among those
who share them, PSS; shared with nobody), its start-up (until the load's first statement, less the bare command's). Part
2: a load of fixed work, about a second, --pairs times under haywatt meter, prmon and perf stat and bare, in turn, order within a pair by lot: the paired
difference in wall time with a 95 % interval (Hodges-Lehmann, Wilcoxon), and the smallest difference that so many pairs
would have found in 8 of 10 cases.
"""
import argparse
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

# Tells when it began and what it used, to the file named first; works for so many seconds, or so many rounds.
LOAD = r"""
import json, os, resource, sys, time
began = time.clock_gettime(time.CLOCK_MONOTONIC)
how, amount = sys.argv[2], float(sys.argv[3])
if how == "seconds":
    while time.clock_gettime(time.CLOCK_MONOTONIC) - began < amount:
        sum(range(1000))
else:
    for _ in range(int(amount)):
        sum(range(1000))
ended = time.clock_gettime(time.CLOCK_MONOTONIC)
use = resource.getrusage(resource.RUSAGE_SELF)
with open(sys.argv[1], "w") as f:
    json.dump({"began": began, "ended": ended, "cpu": use.ru_utime + use.ru_stime}, f)
os._exit(0)
"""

POLLER = r"""
import glob, json, os, subprocess, sys, time
child = subprocess.Popen(sys.argv[2:])
ticks, peak, cpu = os.sysconf("SC_CLK_TCK"), 0, 0
def tree():
    known, more = {child.pid}, True
    parents = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            text = open(path).read()
        except OSError:
            continue
        parents[int(text.split(" ", 1)[0])] = int(text.rsplit(")", 1)[1].split()[1])
    while more:
        more = {p for p, q in parents.items() if q in known} - known
        known |= more
    return known
while child.poll() is None:
    pss = used = 0
    for pid in tree():
        try:
            used += sum(map(int, open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:15]))
            pss += sum(int(l.split()[1]) for l in open(f"/proc/{pid}/smaps") if l.startswith("Pss:"))
            open(f"/proc/{pid}/io").read()
            open(f"/proc/{pid}/net/dev").read()
        except OSError:
            pass
    peak, cpu = max(peak, pss), max(cpu, used)
    try:
        child.wait(1.0)
    except subprocess.TimeoutExpired:
        pass
json.dump({"pss_kB": peak, "cpu_s": cpu / ticks}, open(sys.argv[1], "w"))
"""

CODECARBON = r"""
import json, subprocess, sys
from codecarbon import OfflineEmissionsTracker
tracker = OfflineEmissionsTracker(country_iso_code="DEU", measure_power_secs=1, save_to_file=False, log_level="error")
tracker.start()
subprocess.run(sys.argv[2:], check=True)
tracker.stop()
d = tracker.final_emissions_data
json.dump({"seconds": d.duration, "cpu_J": d.cpu_energy * 3.6e6, "ram_J": d.ram_energy * 3.6e6,
           "gpu_J": d.gpu_energy * 3.6e6, "cpu_model": d.cpu_model}, open(sys.argv[1], "w"))
"""

CARBONTRACKER = r"""
import json, re, subprocess, sys, tempfile, time
from carbontracker.tracker import CarbonTracker
from carbontracker import parser
folder = tempfile.mkdtemp()
tracker = CarbonTracker(epochs=1, monitor_epochs=1, components="cpu", log_dir=folder, verbose=0)
tracker.epoch_start()
start = time.monotonic()
subprocess.run(sys.argv[2:], check=True)
seconds = time.monotonic() - start
tracker.epoch_end()
tracker.stop()
actual = parser.parse_all_logs(log_dir=folder)[0]["actual"]
json.dump({"seconds": seconds, "cpu_J": actual["energy (kWh)"] * 3.6e6}, open(sys.argv[1], "w"))
"""


def text_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def processes_of(pid, load):
    """A tool's processes, from its first one on, without the load (and the first one if it is the load itself)."""
    found = [pid]
    for p in found:
        try:
            tasks = os.listdir(f"/proc/{p}/task")
        except OSError:
            continue
        for child in " ".join(text_of(f"/proc/{p}/task/{t}/children") for t in tasks).split():
            if text_of(f"/proc/{child}/cmdline").rstrip("\0").split("\0") != load:
                found.append(int(child))
    return found


def kB_after(text, *keys):
    return sum(int(l.split()[1]) for l in text.splitlines() if l.split(":")[0] in keys) * 1024


def watch_memory(pid, load, found, stop):
    """The largest sums over all processes of the tool: resident memory (looked at every 10 ms), the same with shared pages
    divided among those who share them, and what it shares with nobody (every 500 ms)."""
    looks = 0
    while not stop.wait(0.01):
        tool = processes_of(pid, load)
        found["resident_B"] = max(found["resident_B"], sum(kB_after(text_of(f"/proc/{p}/status"), "VmRSS") for p in tool))
        looks += 1
        if looks % 50 == 10:
            texts = [text_of(f"/proc/{p}/smaps_rollup") for p in tool]
            found["proportional_B"] = max(found["proportional_B"], sum(kB_after(t, "Pss") for t in texts))
            found["private_B"] = max(found["private_B"], sum(kB_after(t, "Private_Clean", "Private_Dirty") for t in texts))


def run(prefix, load, watch=True):
    """Runs a tool on a load to its end: wall seconds, CPU seconds of all that it waited for, memory of its processes."""
    found, stop, command = {"resident_B": 0, "proportional_B": 0, "private_B": 0}, threading.Event(), prefix + load
    began = time.clock_gettime(time.CLOCK_MONOTONIC)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
    watcher = threading.Thread(target=watch_memory, args=(process.pid, load, found, stop))
    reader.start()
    if watch:
        watcher.start()
    _, status, use = os.wait4(process.pid, 0)
    ended = time.clock_gettime(time.CLOCK_MONOTONIC)
    process.returncode = os.waitstatus_to_exitcode(status)
    stop.set()
    if watch:
        watcher.join()
    reader.join()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} … ended with {process.returncode}: {errors[0].decode(errors='replace')[-500:]}")
    return {"began": began, "wall_s": ended - began, "cpu_s": use.ru_utime + use.ru_stime, **found}


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.load_file, self.tool_file = os.path.join(folder, "load.json"), os.path.join(folder, "tool.json")
        for name, text in (("load", LOAD), ("poller", POLLER), ("under_codecarbon", CODECARBON), ("under_carbontracker", CARBONTRACKER)):
            with open(os.path.join(folder, name + ".py"), "w") as f:
                f.write(text)
        self.python = [sys.executable, "-S", "-E"]

    def load(self, how, amount):
        return [*self.python, os.path.join(self.folder, "load.py"), self.load_file, how, str(amount)]

    def tools(self):
        """Name → (command before the load, what it reported as lines of text)."""
        tools = {"bare": ([], lambda: "")}
        if os.access(self.options.haywatt, os.X_OK):
            tools["haywatt meter"] = ([self.options.haywatt, "meter", "-o", self.tool_file, "--"], self.said_by_haywatt)
        perf = shutil.which("perf")
        if perf and subprocess.run([perf, "stat", "-e", "task-clock", "true"], capture_output=True).returncode == 0:
            tools["perf stat"] = ([perf, "stat", "-o", self.tool_file, "--"], lambda: "no energy: " + self.perf_energy(perf))
        if self.options.prmon:
            tools["prmon"] = ([self.options.prmon, "--interval", "1", "--filename", os.path.join(self.folder, "prmon.txt"),
                               "--json-summary", os.path.join(self.folder, "prmon.json"),
                               "--log-filename", os.path.join(self.folder, "prmon.log"), "--"], lambda: "no energy")
        tools["poller at 1 Hz"] = ([*self.python, os.path.join(self.folder, "poller.py"), self.tool_file], lambda: "no energy")
        venv = os.path.join(self.options.venv, "bin", "python")
        for name, package, said in (("CodeCarbon", "codecarbon", self.said_by_codecarbon),
                                    ("Carbontracker", "carbontracker", self.said_by_carbontracker)):
            if subprocess.run([venv, "-c", f"import {package}"], capture_output=True).returncode == 0:
                version = subprocess.run([venv, "-c", f"import importlib.metadata as m; print(m.version('{package}'))"],
                                         capture_output=True, text=True).stdout.strip()
                tools[f"{name} {version}"] = ([venv, os.path.join(self.folder, f"under_{package}.py"), self.tool_file], said)
        return tools

    @staticmethod
    def perf_energy(perf):
        listed = subprocess.run([perf, "list"], capture_output=True, text=True).stdout
        return "has power/energy-pkg/ here" if "power/energy-pkg/" in listed else "no power events here"

    def read(self):
        with open(self.tool_file) as f:
            return json.load(f)

    def said_by_haywatt(self):
        record = self.read()
        figures = [f for f in record["energy"] if f.get("known", True) and f["share"] == "process-tree"]
        seconds = record["wall_s"]
        return "; ".join(f"{f['rule']} {f['value_J'] / seconds:.2f} W ({f['low_J'] / seconds:.2f} to {f['high_J'] / seconds:.2f}), "
                         f"{f['sensor']} {f['tier']}, {f['boundary']}" for f in figures)

    def said_by_codecarbon(self):
        said = self.read()
        return f"CPU {said['cpu_J'] / said['seconds']:.2f} W, RAM {said['ram_J'] / said['seconds']:.2f} W, \"{said['cpu_model']}\", no interval"

    def said_by_carbontracker(self):
        said = self.read()
        return f"CPU {said['cpu_J'] / said['seconds']:.1f} W, no interval"

    def once(self, prefix, how, amount, watch=True):
        if os.path.exists(self.tool_file):
            os.unlink(self.tool_file)
        use = run(prefix, self.load(how, amount), watch)
        with open(self.load_file) as f:
            load = json.load(f)
        return {"wall_s": use["wall_s"], "own_cpu_s": use["cpu_s"] - load["cpu"], "load_cpu_s": load["cpu"],
                **{key: use[key] for key in ("resident_B", "proportional_B", "private_B")}, "start_s": load["began"] - use["began"],
                "stop_s": use["began"] + use["wall_s"] - load["ended"]}


def hodges_lehmann(differences):
    """Median of the Walsh averages and its 95 % interval by the Wilcoxon signed-rank distribution, normal approximation."""
    n = len(differences)
    walsh = sorted((differences[i] + differences[j]) / 2 for i in range(n) for j in range(i, n))
    half = len(walsh) / 2 - 1.96 * math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    k = max(0, math.floor(half))
    return statistics.median(walsh), walsh[k], walsh[len(walsh) - 1 - k]


def make_venv(folder):
    if os.path.isdir(folder):
        return
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([os.path.join(folder, "bin", "pip"), "install", "-q", "codecarbon", "carbontracker"], check=True)
    except subprocess.CalledProcessError as error:
        print(f"meter_peers: going on without CodeCarbon and Carbontracker: {error}", file=sys.stderr)


def steal_seconds():
    with open("/proc/stat") as f:
        return int(f.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--haywatt", default=os.path.join(ROOT, "build", "bin", "haywatt"))
    parser.add_argument("--venv", default=os.path.join(ROOT, "build", "peers"))
    parser.add_argument("--prmon")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--repeats", type=int, default=1, help="of part 1; medians are printed")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()
    if options.pairs < 6:
        parser.error("--pairs: an interval of 95 % needs at least 6")
    make_venv(options.venv)

    with tempfile.TemporaryDirectory(prefix="haywatt-peers-") as folder:
        bench = Bench(options, folder)
        tools = bench.tools()
        steal, began = steal_seconds(), time.monotonic()
        result = {"seconds": options.seconds, "load": os.getloadavg()[0], "tools": {}, "pairs": {}}
        print(f"one busy core for {options.seconds:g} s; {os.cpu_count()} CPUs, load average at the start {result['load']:.1f}\n")
        print(f"{'tool':22}{'own CPU':>10}{'fixed':>10}{'rest/load':>9}{'memory':>9}{'PSS':>9}{'private':>9}{'start-up':>10}{'stop':>8}  it says")
        for name, (prefix, said) in tools.items():
            runs = [bench.once(prefix, "seconds", options.seconds) for _ in range(options.repeats)]
            says = said()
            m = {key: statistics.median(r[key] for r in runs) for key in runs[0]}
            # What it takes to start and to end, apart from what it takes a second.
            m["fixed_cpu_s"] = statistics.median(bench.once(prefix, "seconds", 0)["own_cpu_s"] for _ in range(3))
            m["says"] = says
            result["tools"][name] = m
            bare = result["tools"]["bare"]
            fixed, own = (m[key] - bare[key] for key in ("fixed_cpu_s", "own_cpu_s"))
            print(f"{name:22}{own:8.4f} s{fixed:8.4f} s{100 * (own - fixed) / m['load_cpu_s']:7.3f} %"
                  f"{m['resident_B'] / 1e6:6.1f} MB{m['proportional_B'] / 1e6:6.1f} MB{m['private_B'] / 1e6:6.1f} MB{1000 * (m['start_s'] - bare['start_s']):7.1f} ms"
                  f"{1000 * (m['stop_s'] - bare['stop_s']):5.0f} ms  {says}", flush=True)

        rounds = 1000
        while (seconds := bench.once([], "rounds", rounds)["load_cpu_s"]) < 0.2:
            rounds *= 2
        rounds = int(rounds / seconds)
        print(f"\nfixed work, about a second, {options.pairs} pairs: wall time less that of the bare command")
        lot = random.Random(1)
        wanted = [n for n in ("haywatt meter", "prmon", "perf stat") if n in tools]
        walls = {n: [] for n in wanted}
        for _ in range(options.pairs):
            for name in wanted:
                sides = [("bare", []), (name, tools[name][0])]
                lot.shuffle(sides)
                pair = {side: bench.once(prefix, "rounds", rounds, watch=False) for side, prefix in sides}
                walls[name].append((pair["bare"]["wall_s"], pair[name]["wall_s"]))
        for name in wanted:
            difference, low, high = hodges_lehmann([b - a for a, b in walls[name]])
            bare = statistics.median(a for a, _ in walls[name])
            detectable = (high - low) / 2 * (1.96 + 0.84) / 1.96
            result["pairs"][name] = {"walls_s": walls[name], "difference_s": difference, "low_s": low, "high_s": high,
                                     "detectable_s": detectable}
            print(f"{name:22}{1000 * difference:+7.1f} ms (95 %: {1000 * low:+.1f} to {1000 * high:+.1f}), {100 * difference / bare:+.2f} % of "
                  f"{bare:.2f} s; would have found {1000 * detectable:.1f} ms", flush=True)
        result["steal_s"], result["took_s"] = steal_seconds() - steal, time.monotonic() - began
        print(f"\nmeanwhile a hypervisor took {result['steal_s']:.1f} of {result['took_s'] * os.cpu_count():.0f} CPU seconds")
        if options.json:
            with open(options.json, "w") as f:
                json.dump(result, f, indent=1)


main()
