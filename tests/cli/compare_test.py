#!/usr/bin/env python3
"""`haywatt compare` as a black box: real programs, exit codes, interruption, JSON, stored runs."""
import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

HAYWATT = os.environ["HAYWATT_BINARY"]
QUICK = ["--pairs", "6"]
# Loops of the shell that differ in CPU time by a factor of about 4 whatever else the machine does.
LITTLE = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"
MUCH = "i=0; while [ $i -lt 80000 ]; do i=$((i+1)); done"


def run(*args, **kwargs):
    done = subprocess.run([HAYWATT, "compare", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120,
                          **kwargs)
    return done.returncode, done.stdout, done.stderr


class Compare(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="haywatt-compare-")
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def fails(self, expected, *args):
        code, out, err = run(*args)
        self.assertEqual((code, out), (expected, ""), err)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertTrue(err.startswith("haywatt: "), err)
        return err

    def metric(self, record, name):
        return next(m for m in record["metrics"] if m["name"] == name)

    def test_less_and_more(self):
        code, out, err = run(*QUICK, "--on", "cpu", MUCH, LITTLE)
        self.assertEqual(code, 0, err)
        self.assertRegex(out, r"^B uses 0\.\d+ times the CPU time of A \(95 %: 0\.\d+ to 0\.\d+\), P\(B cheaper\) [>=] ?\d")
        for piece in ("A: " + MUCH, "6 pairs", "seed 1", "wall time", "peak memory", "energy from: ", "phases: none are marked"):
            self.assertIn(piece, out)

    def test_worse_fails_and_better_does_not(self):
        code, out, err = run(*QUICK, "--on", "cpu", "--fail-if-worse", "5%", LITTLE, MUCH)
        self.assertEqual(code, 1, err)
        self.assertIn("check: B is worse", out)
        code, out, _ = run(*QUICK, "--on", "cpu", "--fail-if-worse", "5%", MUCH, LITTLE)
        self.assertEqual(code, 0)
        self.assertIn("check: passed", out)

    def test_json_and_file_are_the_same_record(self):
        code, out, err = run(*QUICK, "--json", "--seed", "7", "-o", self.path("c.json"), "true", "sh -c 'exit 0'")
        self.assertEqual(code, 0, err)
        record = json.loads(out)
        with open(self.path("c.json")) as f:
            self.assertEqual(json.load(f), record)
        self.assertEqual(record["schema"], "haywatt-compare/1")
        self.assertEqual(record["seed"], 7)
        self.assertEqual(record["b"]["words"], ["sh", "-c", "exit 0"])
        self.assertEqual([r["warm_up"] for r in record["runs"]], [True] * 2 + [False] * 12)
        for name in ("time", "cpu", "memory"):
            ratio = self.metric(record, name)["ratio"]
            self.assertLessEqual(ratio["low"], ratio["value"])
            self.assertLessEqual(ratio["value"], ratio["high"])
        self.fails(2, *QUICK, "-o", self.path("c.json"), "true", "true")

    def test_order_is_balanced_and_drawn(self):
        orders = set()
        for seed in ("1", "2", "3", "4"):
            record = json.loads(run("--pairs", "8", "--json", "--seed", seed, "true", "true")[1])
            order = "".join(r["side"] for r in record["runs"] if not r["warm_up"])
            for block in (order[i:i + 4] for i in range(0, 16, 4)):
                self.assertIn(block, ("ABBA", "BAAB"))
            orders.add(order)
        self.assertGreater(len(orders), 1)

    def test_output_of_the_commands_is_theirs(self):
        _, out, err = run("--pairs", "2", "echo to-out; echo to-err >&2", "true")
        self.assertNotIn("to-out\n", out.replace("A: echo to-out", ""))
        self.assertNotIn("to-err\n", err)
        _, out, err = run("--pairs", "2", "--show-output", "echo to-out; echo to-err >&2", "true")
        self.assertEqual(err.count("to-err\n"), 3)

    def test_commands_read_nothing(self):
        code, _, err = run("--pairs", "2", "cat", "cat", stdin=subprocess.PIPE)
        self.assertEqual(code, 0, err)

    def test_failing_commands(self):
        err = self.fails(3, "true", "echo reason >&2; exit 7")
        self.assertIn("command B failed with exit code 7: reason", err)
        self.assertIn("command A cannot be run", self.fails(2, "/no/such/program", "true"))
        code, out, err = run(*QUICK, "--allow-failure", "true", "sh -c 'exit 7'")
        self.assertEqual(code, 0, err)
        self.assertIn("6 of the counted runs failed", out)

    def test_usage(self):
        self.fails(2)
        self.fails(2, "true")
        self.fails(2, "true", "true", "true")
        self.fails(2, "true", "'")
        self.fails(2, "true", "true", "--precision", "3")
        self.fails(2, "true", "true", "--precision", "0%")
        self.fails(2, "true", "true", "--budget", "soon")
        self.fails(2, "true", "true", "--fail-if-worse", "-5%")
        self.fails(2, "true", "true", "--on", "beauty")
        self.fails(2, "true", "true", "--a", "x.json")
        self.assertIn("Example", run("--help")[1])

    def test_interruption_tells_what_there_is(self):
        process = subprocess.Popen([HAYWATT, "compare", "--budget", "60s", "--precision", "0.001%", "sleep 0.05", "sleep 0.05"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("interrupted", out)
        self.assertIn("B/A", out)

    def test_budget_that_holds_nothing(self):
        self.assertIn("holds no pair", self.fails(2, "--budget", "0.3s", "sleep 0.2", "sleep 0.2"))

    def meter(self, name, command):
        subprocess.run([HAYWATT, "meter", "-q", "-o", self.path(name), "--", "sh", "-c", command], check=True, timeout=60)

    def test_stored_runs(self):
        os.mkdir(self.path("a"))
        os.mkdir(self.path("b"))
        for i in range(3):
            self.meter(f"a/{i}.json", MUCH)
            self.meter(f"b/{i}.json", LITTLE)
        code, out, err = run("--on", "cpu", self.path("a"), self.path("b"))
        self.assertEqual(code, 0, err)
        self.assertIn("B/A", out)
        self.assertIn("3 stored runs", out)
        record = json.loads(run("--json", "--on", "cpu", "--a", *[self.path(f"a/{i}.json") for i in range(3)], "--b",
                                self.path("b"))[1])
        self.assertFalse(record["paired"])
        self.assertLess(self.metric(record, "cpu")["ratio"]["value"], 0.6)
        code, out, _ = run(self.path("a/0.json"), self.path("b/0.json"))
        self.assertEqual(code, 0)
        self.assertIn("Cannot tell", out)
        self.fails(2, self.path("a/0.json"), "true")
        with open(self.path("bad.json"), "w") as f:
            f.write("{")
        self.fails(3, self.path("bad.json"), self.path("a/0.json"))
        self.fails(4, "--a", self.path("none.json"), "--b", self.path("a"))


if __name__ == "__main__":
    unittest.main()
