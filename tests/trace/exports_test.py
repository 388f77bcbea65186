#!/usr/bin/env python3
"""`haywatt report RECORD.json` as a black box: its exports are the golden ones, read as their users' scripts read them.

usage: exports_test.py HAYWATT FOLDER_OF_GOLDEN_FILES
"""
import csv
import json
import os
import subprocess
import sys
import tempfile
import unittest

HAYWATT, GOLDEN = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
RECORD = os.path.join(GOLDEN, "program.json")


def run(*arguments):
    done = subprocess.run([HAYWATT, "report", *arguments], capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def text_of(*path):
    with open(os.path.join(*path), newline="", encoding="utf-8") as f:
        return f.read()


class Exports(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="haywatt-exports-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def refused(self, code, words, *arguments):
        got, out, err = run(*arguments)
        self.assertEqual((got, out), (code, ""), err)
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertIn(words, err)

    def export(self, *options):
        code, out, err = run(RECORD, *options, "-o", "-")
        self.assertEqual((code, err), (0, ""))
        return out

    def test_exports_are_the_golden_ones(self):
        for name, options in {"program-prmon.json": ["--format", "prmon"],
                              "program-prmon.txt": ["--format", "prmon-txt"],
                              "program-trace.json": ["--format", "chrome-trace"],
                              "program-emissions.csv": ["--format", "codecarbon", "--country", "Switzerland"]}.items():
            self.assertEqual(self.export(*options), text_of(GOLDEN, name), name)

    def test_csv_module_reads_emissions(self):
        (row,) = csv.DictReader(text_of(GOLDEN, "program-emissions.csv").splitlines())
        self.assertNotIn(None, row)  # more cells than names
        self.assertNotIn(None, row.values())  # fewer
        self.assertAlmostEqual(float(row["energy_consumed"]) * 3.6e6, 40.0)
        self.assertEqual(row["cpu_model"], "AMD EPYC, 64-Core")
        self.assertEqual(row["country_iso_code"], "CHE")
        given = next(csv.DictReader(self.export("--format", "codecarbon", "--grid", "100", "--pue", "2").splitlines()))
        self.assertAlmostEqual(float(given["energy_consumed"]) * 3.6e6, 80.0)
        self.assertAlmostEqual(float(given["emissions"]), 80.0 / 3.6e6 * 0.1)

    def test_prmon_series_and_summary(self):
        series = list(csv.DictReader(text_of(GOLDEN, "program-prmon.txt").splitlines(), delimiter="\t"))
        self.assertEqual([int(r["wtime"]) for r in series], list(range(7)))
        self.assertEqual({int(r["Time"]) - int(r["wtime"]) for r in series}, {int(series[0]["Time"])})
        summary = json.loads(text_of(GOLDEN, "program-prmon.json"))
        self.assertEqual(set(summary), {"Max", "Avg", "HW", "prmon", "haywatt"})
        self.assertEqual(summary["Max"]["wtime"], 6)

    def test_files_lie_beside_the_record_and_are_replaced(self):
        record = os.path.join(self.folder, "run.json")
        with open(record, "w", encoding="utf-8") as f:
            f.write(text_of(RECORD))
        for name, form in {"run-report.html": "html", "run-report.md": "md", "run-metrics.json": "json",
                           "run-prmon.json": "prmon", "run-emissions.csv": "codecarbon"}.items():
            for _ in range(2):
                code, out, err = run(record, "--format", form)
                self.assertEqual((code, err), (0, ""))
                self.assertEqual(out, f"report: {os.path.join(self.folder, name)}\n")
            self.assertTrue(os.path.getsize(os.path.join(self.folder, name)))
        self.assertEqual(json.loads(text_of(self.folder, "run-metrics.json"))["schema"], "haywatt-program/1")
        self.assertIn("python train.py", text_of(self.folder, "run-report.html"))

    def test_carbon_options_reach_the_report(self):
        summary = json.loads(self.export("--format", "json", "--country", "FRA", "--pue", "1"))
        self.assertEqual(summary["operational_carbon"]["grid"]["key"], "grid_FRA_2023")
        self.assertEqual(summary["operational_carbon"]["pue"]["value"], 1.0)

    def test_mistakes(self):
        self.refused(2, "Atlantis", RECORD, "--format", "codecarbon", "--country", "Atlantis")
        self.refused(2, "do not apply", RECORD, "--format", "prmon", "--country", "FRA")
        study = os.path.join(self.folder, "study.json")
        with open(study, "w", encoding="utf-8") as f:
            json.dump({"schema": "haywatt-record/1", "runs": [{"schema": "haywatt-record/1"}]}, f)
        self.refused(2, "holds a study", study, "--format", "prmon")
        for text in ("", "[]", "{}", '{"schema": "other/1"}', '{"schema": "haywatt-record/1", "tree": 3}'):
            broken = os.path.join(self.folder, "broken.json")
            with open(broken, "w", encoding="utf-8") as f:
                f.write(text)
            self.refused(3, "", broken, "--format", "chrome-trace")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
