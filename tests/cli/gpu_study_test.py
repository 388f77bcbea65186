#!/usr/bin/env python3
"""tools/gpu-study: its plan keeps the budget, and the whole of it runs on the CPU with a stand-in for NVML."""
import csv
import gzip
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ["HAYWATT_SOURCE_DIR"]
TOOL = os.path.join(SOURCE, "tools", "gpu-study")
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("gpu_study", TOOL)
study = importlib.util.module_from_spec(importlib.util.spec_from_loader("gpu_study", loader))
loader.exec_module(study)

CASES = study.main_cases(study.PHASES, study.DTYPES, study.BATCHES)
LAYERS = study.layer_cases(study.LAYERS)


class Plan(unittest.TestCase):
    def test_every_case_once_within_the_budget(self):
        for left in (240.0, 300.0, 480.0, 600.0, 5000.0):
            plan = study.make_plan(CASES, LAYERS, left, seed=1)
            self.assertLessEqual(study.plan_s(plan) + study.RESERVE_S, left + 1e-6)
            seen = {(c["phase"], c["dtype"], c["batch"], c["layer"]) for c in plan}
            self.assertEqual(len(seen), len(plan))
            self.assertLessEqual(set(CASES), seen)

    def test_at_least_four_batches_and_three_types(self):
        self.assertGreaterEqual(len(study.BATCHES), 4)
        self.assertEqual(len(CASES), 3 * 3 * len(study.BATCHES))

    def test_windows_are_long_against_the_counters_period(self):
        plan = study.make_plan(CASES, LAYERS, 600.0, seed=1)
        self.assertGreaterEqual(plan[0]["window_s"], 80 * study.PERIOD_S)
        self.assertLess(study.border_share(plan[0]["window_s"]), 0.0101)
        self.assertEqual(study.make_plan(CASES, LAYERS, 5000.0, seed=1)[0]["window_s"], study.WANTED_S)

    def test_layers_go_first_when_time_is_short(self):
        short = 36 * study.case_s(study.LEAST_S, study.WARM_S, study.IDLE_S) + study.RESERVE_S + 1
        plan = study.make_plan(CASES, LAYERS, short, seed=1)
        self.assertEqual(len(plan), 36)
        self.assertFalse([c for c in plan if c["phase"] == "layer"])
        with self.assertRaises(study.NoTime):
            study.make_plan(CASES, LAYERS, short - 2, seed=1)

    def test_the_order_is_random_and_repeatable(self):
        def order(seed):
            return [(c["phase"], c["dtype"], c["batch"], c["layer"]) for c in study.make_plan(CASES, LAYERS, 600.0, seed)]
        self.assertEqual(order(1), order(1))
        self.assertNotEqual(order(1), order(2))
        self.assertNotEqual(order(1), CASES + LAYERS)

    def test_marginal_joules_are_those_above_idle(self):
        c = study.summarise({"rows": 2000000, "window_s": 10.0, "energy_J": 4000.0, "idle_W": 100.0, "power_W": 410.0})
        self.assertEqual(c["J_per_million_rows"], 2000.0)
        self.assertEqual(c["marginal_J_per_million_rows"], 1500.0)
        self.assertAlmostEqual(c["counter_over_power"], 4000 / 4100)
        unknown = study.summarise({"rows": 10, "window_s": 1.0, "energy_J": None, "idle_W": None, "power_W": None})
        self.assertNotIn("J_per_million_rows", unknown)


class Rehearsal(unittest.TestCase):
    def run_tool(self, *more, device="cpu", nvml=os.environ["HAYWATT_NVML_STUB"]):
        command = [sys.executable, TOOL, "--driver", os.environ["GPU_STUDY"], "--device", device, "--nvml", nvml, "--rows",
                   "2000", "--window", "0.05", "--warm", "0.02", "--idle", "0.3", *more]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)

    def test_on_the_cpu_with_a_stand_in_for_nvml(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "study")
            done = self.run_tool("-o", out, "--dtypes", "bf16", "--batches", "500", "--layers", "encoder.1")
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(os.path.join(out, "cases.json")) as f:
                r = json.load(f)
            self.assertEqual(r["schema"], "haywatt-gpu-study/1")
            self.assertEqual(sorted(c["phase"] for c in r["cases"]), ["compress", "decompress", "layer", "train"])
            for c in r["cases"]:
                self.assertGreater(c["rows"], 0)
                self.assertGreaterEqual(c["energy_J"], 0.8 * 0.05 * 100)  # the stand-in draws 100 W
                self.assertAlmostEqual(c["energy_J"], 100 * c["window_s"], delta=2.0)
                self.assertAlmostEqual(c["idle_W"], 100.0)
            train = next(c for c in r["cases"] if c["phase"] == "train")
            self.assertLessEqual({"prepare/minmax", "prepare/normalise", "train"}, set(train["phases_s"]))
            with gzip.open(os.path.join(out, "nvml.csv.gz"), "rt") as f:
                rows = list(csv.DictReader(f))
            self.assertGreater(len(rows), 10)
            self.assertEqual({float(row["power_W"]) for row in rows}, {100.0})
            with open(os.path.join(out, "README.md")) as f:
                self.assertIn("rehearsal on the CPU", f.read())
            self.assertNotEqual(self.run_tool("-o", out).returncode, 0)  # it exists

    def test_without_a_gpu_or_nvml_nothing_is_written(self):
        with tempfile.TemporaryDirectory() as folder:
            for more in (dict(device="cuda"), dict(nvml="libnothing.so.9")):
                done = self.run_tool("-o", os.path.join(folder, "x"), "--dtypes", "f32", "--batches", "500", "--layers", "", **more)
                self.assertEqual(done.returncode, 5, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
