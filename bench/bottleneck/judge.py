#!/usr/bin/python3
"""Runs `haywatt bottleneck` on the programs with a known answer and writes the table of what it said.

    bench/bottleneck/judge.py BUILD SET [--budget 40s] [--only NAME,NAME] [--out FOLDER] [--from FOLDER]

SET is tuned or blind. --out keeps the records; --from makes the table of records kept before, without running anything.
Exit code 0 when the table was written: the score is in it.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib

here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("build", type=pathlib.Path)
parser.add_argument("set", choices=["tuned", "blind"])
parser.add_argument("--budget", default="40s")
parser.add_argument("--only", default="")
parser.add_argument("--out", type=pathlib.Path)
parser.add_argument("--from", dest="kept", type=pathlib.Path)
a = parser.parse_args()
build, source = a.build.resolve(), here / a.set
only = set(a.only.split(",")) - {""}
programs = []
for file in sorted(source.glob("*.toml")):
    programs += tomllib.loads(file.read_text())["program"]


def record_of(program):
    if a.kept:
        path = a.kept / (program["name"] + ".json")
        return json.loads(path.read_text()) if path.exists() else None
    command = program["command"].replace("{build}", str(build)).replace("{source}", str(source))
    with tempfile.TemporaryDirectory(dir=".") as folder:
        run = subprocess.run([str(build / "bin/haywatt"), "bottleneck", "--json", "--budget", a.budget, "--", "sh", "-c", "exec " + command],
                             cwd=folder, capture_output=True, text=True, env=dict(os.environ))
    if run.returncode != 0:
        return {"verdict": "error", "support": 0.0, "reason": run.stderr.strip(), "blocks": 0, "elapsed_s": 0.0}
    if a.out:
        a.out.mkdir(parents=True, exist_ok=True)
        # Whose machine it was is nobody's business.
        text = run.stdout.replace(str(build), "build").replace(str(here.parent.parent) + "/", "")
        (a.out / (program["name"] + ".json")).write_text(text)
    return json.loads(run.stdout)


right = abstained = done = 0
print("| program | answer | verdict | resamplings that agree | blocks | seconds | |\n| --- | --- | --- | --: | --: | --: | --- |")
for p in programs:
    if only and p["name"] not in only:
        continue
    r = record_of(p)
    if r is None:
        continue
    done += 1
    ok = r["verdict"] == p["answer"]
    right += ok
    abstained += r["verdict"] == "cannot tell"
    print("| %s | %s | %s | %.0f %% | %d | %.0f | %s |" % (
        p["name"], p["answer"], r["verdict"], 100 * r["support"], r["blocks"], r["elapsed_s"],
        "right" if ok else "abstained" if r["verdict"] == "cannot tell" else "**wrong**"), flush=True)
    if r["verdict"] == "error":
        print("<!-- %s -->" % r["reason"])
print("\n%s: %d of %d right, %d abstained, %d wrong" % (a.set, right, done, abstained, done - right - abstained))
sys.exit(0)
