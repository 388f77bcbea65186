#!/usr/bin/env python3
"""What sampling by haywatt profile costs a program, and whether its shares are perf's.

    bench/profile_overhead.py [--haywatt build/bin/haywatt] [--loads threads,python,children] [--pairs 20] [--rate 99]
                              [--scale 1] [--shares] [--json FILE]

Three loads of fixed work, about a second each: three threads of a C++ program (compiled here from tests/support/shares.cpp
without frame pointers), a loop in Python, and a shell that starts 1,000 programs. Each runs --pairs times under haywatt meter
and under haywatt profile with each sampler, in turn, the order by lot. Compared are the program's own CPU seconds as the
meter counts them: the ratio to the metered run of the same round, less 1, with a 95 % interval (Hodges-Lehmann, Wilcoxon).
Where a machine's speed drifts, many short runs (--scale 0.3) tell more than few long ones.
Beside: the CPU seconds of the sampler's own process as a share of the program's; they are not in the program's. With --shares
the C++ program's two functions, which take 70 and 30 % by construction, under haywatt profile and under perf record -g.
"""
import argparse
import json
import math
import os
import random
import re
import shutil
import statistics
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOOP = "s = 0\nfor i in range({}): s += i * i\n"
SAMPLERS = ("perf_event", "ptrace")


def hodges_lehmann(differences):
    """Median of the Walsh averages and its 95 % interval by the Wilcoxon signed-rank distribution, normal approximation."""
    n = len(differences)
    walsh = sorted((differences[i] + differences[j]) / 2 for i in range(n) for j in range(i, n))
    k = max(0, math.floor(len(walsh) / 2 - 1.96 * math.sqrt(n * (n + 1) * (2 * n + 1) / 24)))
    return statistics.median(walsh), walsh[k], walsh[len(walsh) - 1 - k]


def loads(folder, scale):
    program = os.path.join(folder, "shares")
    subprocess.run([os.environ.get("CXX", "c++"), "-O2", "-fomit-frame-pointer", "-pthread", "-o", program,
                    os.path.join(ROOT, "tests", "support", "shares.cpp")], check=True)
    return {"threads": [program, "threads", str(round(200 * scale))],
            "python": ["python3", "-c", LOOP.format(round(12_000_000 * scale))],
            "children": ["sh", "-c", "i=0; while [ $i -lt %d ]; do /bin/true; i=$((i + 1)); done" % round(1000 * scale)],
            "split": [program, "split", "1500"]}


def run(haywatt, command, how, folder, rate):
    """The record of a run, or nothing where this way of sampling is not permitted."""
    record = os.path.join(folder, "record.json")
    words = ["meter"] if how == "meter" else ["profile", "--rate", str(rate), "--by", how]
    done = subprocess.run([haywatt, *words, "-q", "--force", "-o", record, "--", *command], check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode == 5:
        return None
    with open(record, encoding="utf-8") as f:
        return json.load(f)


def overhead(haywatt, command, pairs, rate, folder):
    logs = {how: [] for how in SAMPLERS}
    own = {how: [] for how in SAMPLERS}
    for _ in range(pairs):
        order, seconds = ["meter", *SAMPLERS], {}
        random.shuffle(order)
        for how in order:
            record = run(haywatt, command, how, folder, rate)
            if record is None:
                continue
            seconds[how] = record["cpu_s"] if how == "meter" else record["run"]["cpu_s"]
            if how != "meter":
                own[how].append(record["profiler_cpu_s"] / seconds[how])
        for how in SAMPLERS:
            if how in seconds:
                logs[how].append(math.log(seconds[how] / seconds["meter"]))
    result = {}
    for how in SAMPLERS:
        if logs[how]:
            ratio, low, high = (math.expm1(x) for x in hodges_lehmann(logs[how]))
            result[how] = {"overhead": ratio, "low": low, "high": high, "pairs": len(logs[how]),
                           "sampler_share": sorted(own[how])[len(own[how]) // 2]}
    return result


def shares_by_haywatt(haywatt, command, how, folder, rate):
    record = run(haywatt, command, how, folder, rate)
    if record is None:
        return None
    stacks, sums = record["stacks"], {}
    for frame, self_s in zip(stacks["nodes"]["frame"], stacks["nodes"]["self_s"]):
        name = stacks["frames"][frame]["function"]
        sums[name] = sums.get(name, 0.0) + self_s
    return {"seventy": sums.get("seventy_percent", 0.0) / sum(sums.values()), "samples": stacks["samples"]}


def shares_by_perf(command, folder, rate):
    if not shutil.which("perf"):
        return None
    data = os.path.join(folder, "perf.data")
    subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(rate), "-g", "-o", data, *command],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    text = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-g", "none", "-F", "overhead,sample,sym"],
                          capture_output=True, text=True, check=False).stdout
    rows = re.findall(r"^\s*([\d.]+)%\s+(\d+)\s+\[[.k]\] (\S+)", text, re.MULTILINE)
    found = {name: (float(percent), int(samples)) for percent, samples, name in rows}
    if "seventy_percent" not in found:
        return None
    return {"seventy": found["seventy_percent"][0] / 100, "samples": sum(n for _, n in found.values())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--haywatt", default=os.path.join(ROOT, "build", "bin", "haywatt"))
    parser.add_argument("--loads", default="threads,python,children")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--rate", type=float, default=99.0)
    parser.add_argument("--scale", type=float, default=1.0, help="of the loads' work")
    parser.add_argument("--shares", action="store_true")
    parser.add_argument("--json")
    a = parser.parse_args()
    result = {"pairs": a.pairs, "rate_Hz": a.rate, "scale": a.scale, "loads": {}}
    with tempfile.TemporaryDirectory(prefix="haywatt-overhead-") as folder:
        commands = loads(folder, a.scale)
        for name in filter(None, a.loads.split(",")):
            result["loads"][name] = overhead(a.haywatt, commands[name], a.pairs, a.rate, folder)
            for how, r in result["loads"][name].items():
                print(f"{name:<9} {how:<11} CPU seconds {100 * r['overhead']:+.2f} % ({100 * r['low']:+.2f} to "
                      f"{100 * r['high']:+.2f}), {r['pairs']} pairs; the sampler's own {100 * r['sampler_share']:.1f} %",
                      flush=True)
        if a.shares:
            found = {how: shares_by_haywatt(a.haywatt, commands["split"], how, folder, a.rate) for how in SAMPLERS}
            found["perf record"] = shares_by_perf(commands["split"], folder, a.rate)
            result["shares"] = found
            for how, r in found.items():
                if r:
                    error = 1.96 * math.sqrt(r["seventy"] * (1 - r["seventy"]) / r["samples"])
                    print(f"shares    {how:<11} seventy_percent {100 * r['seventy']:.1f} % ± {100 * error:.1f}, "
                          f"{r['samples']} samples", flush=True)
    if a.json:
        with open(a.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
