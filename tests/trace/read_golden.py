#!/usr/bin/env python3
"""Reads the golden exports as their users' scripts do, with Python's own modules.

usage: read_golden.py FOLDER
"""
import csv
import json
import os
import sys


def rows(path, **options):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f, **options))


def main():
    folder = sys.argv[1]
    (emissions,) = rows(os.path.join(folder, "program-emissions.csv"))
    assert None not in emissions and None not in emissions.values(), "a row is longer or shorter than the heading"
    assert abs(float(emissions["energy_consumed"]) * 3.6e6 - 40.0) < 1e-9, emissions["energy_consumed"]
    assert emissions["cpu_model"] == "AMD EPYC, 64-Core", emissions["cpu_model"]
    assert emissions["country_iso_code"] == "CHE"

    series = rows(os.path.join(folder, "program-prmon.txt"), delimiter="\t")
    assert [int(r["wtime"]) for r in series] == list(range(7)), series
    assert all(int(r["Time"]) - int(r["wtime"]) == int(series[0]["Time"]) for r in series)

    with open(os.path.join(folder, "program-prmon.json"), encoding="utf-8") as f:
        summary = json.load(f)
    assert {"Max", "Avg", "HW", "prmon"} <= set(summary), set(summary)
    assert summary["Max"]["wtime"] == 6

    with open(os.path.join(folder, "program-trace.json"), encoding="utf-8") as f:
        trace = json.load(f)
    assert {e["ph"] for e in trace["traceEvents"]} == {"M", "X", "C"}
    print("read:", ", ".join(sorted(os.listdir(folder))))


if __name__ == "__main__":
    main()
