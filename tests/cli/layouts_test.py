#!/usr/bin/env python3
"""`haywatt layouts` and `haywatt-mpi` as black boxes: layouts equal one process, bad input, ranks that die, team compress."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HAYWATT = os.environ["HAYWATT_BINARY"]
WORKER = os.path.join(os.path.dirname(HAYWATT), "haywatt-mpi")
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OPENBLAS_NUM_THREADS="1")
MPIRUN = ["mpirun", "-n", "2", "--oversubscribe", "--bind-to", "none", "--mca", "btl", "vader,self"]


def run(*args, program=(HAYWATT, "layouts"), env=None):
    done = subprocess.run([*program, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=200,
                          env=env or ENVIRONMENT)
    return done.returncode, done.stdout, done.stderr


def workers_below(pid):
    """Processes named haywatt-mpi that descend from pid."""
    parents, found = {}, []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as f:
                text = f.read()
        except OSError:
            continue
        name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
        parents[int(entry)] = int(rest[1])
        if name == "haywatt-mpi":
            found.append(int(entry))
    def descends(p):
        while p > 1:
            if p == pid:
                return True
            p = parents.get(p, 0)
        return False
    return [p for p in found if descends(p)]


class Layouts(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="haywatt-layouts-")
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def fails(self, expected, *args, **kwargs):
        code, out, err = run(*args, **kwargs)
        self.assertEqual((code, out), (expected, ""), err)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertTrue(err.startswith("haywatt: "), err)
        return err

    def record(self, *args):
        code, out, err = run("--repeats", "2", "-o", self.path("out"), "--force", "-q", "--json", *args)
        if code == 5 and "no network namespaces" in err:
            self.skipTest(err)
        self.assertEqual(code, 0, err)
        return json.loads(out)

    def cases(self, record):
        return [c for part in record["parts"] for n in part["networks"] for c in n["cases"]]

    def test_layouts_equal_one_process(self):
        record = self.record("--widths", "3", "--batches", "1,9", "--bandwidth", "memory", "--latency", "0")
        cases = self.cases(record)
        self.assertEqual(len(cases), 2 * 6)
        for case in cases:
            self.assertLess(case["largest_difference"], 1e-5, case["layout"])
            self.assertGreater(case["predicted"]["time_s"], 0)
            self.assertGreaterEqual(len(case["trials"]["time_s"]), 2)
            self.assertEqual([len(rank) for rank in case["trials"]["cpu_s"]], 2 * [len(case["trials"]["time_s"])])
            if case["layout"] != "tensor":  # its sums have another order
                self.assertTrue(case["bit_equal"], (case["layout"], case["batch"]))
        with open(self.path("out/layouts.json")) as f:
            self.assertEqual(json.load(f), record)
        with open(self.path("out/layouts.html")) as f:
            page = f.read()
        self.assertNotRegex(page, r"(src|href)=\"http")
        self.assertIn("Where model-parallel pays", page)
        again = run(self.path("out/layouts.json"), "--format", "html", "-o", "-", program=(HAYWATT, "report"))
        self.assertEqual(again[:2], (0, page))

    def test_more_ranks_go_round_a_ring(self):
        record = self.record("--ranks", "3", "--widths", "2", "--batches", "7", "--bandwidth", "memory", "--latency", "0")
        for case in self.cases(record):
            self.assertLess(case["largest_difference"], 1e-5, case["layout"])
            if case["layout"] != "tensor":
                self.assertTrue(case["bit_equal"], case["layout"])

    def test_latency_is_added_to_every_message(self):
        record = self.record("--widths", "1", "--batches", "1", "--bandwidth", "memory", "--latency", "20ms", "--layouts",
                             "single,pipeline,tensor")
        fastest = {c["layout"]: min(c["trials"]["time_s"]) for c in self.cases(record)}
        self.assertGreaterEqual(fastest["pipeline"], 0.04)  # to rank 1 and back
        # The input, then four all-reduces; in every second one a rank's part was under way while it waited for the other's.
        self.assertGreaterEqual(fastest["tensor"], 0.08)

    def test_network_between_namespaces(self):
        probe = f"haywatt-test-{os.getpid()}"
        if os.geteuid() != 0 or subprocess.run(["ip", "netns", "add", probe], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("network namespaces need root")
        subprocess.run(["ip", "netns", "del", probe])
        record = self.record("--widths", "1", "--batches", "64", "--bandwidth", "20Mbit", "--latency", "0", "--layouts",
                             "single,data,tensor")
        network = record["parts"][0]["networks"][0]
        self.assertEqual(network["transport"], "tcp")
        # 20 Mbit/s are 0.4 us a byte; the bucket holds 128 KiB, so only the largest messages show it.
        self.assertGreater(network["one_way"][-1]["beta_s_per_B"], 1e-7)
        left = subprocess.run(["ip", "netns", "list"], stdout=subprocess.PIPE, text=True).stdout
        self.assertNotIn("haywatt-", left.replace(probe, ""))

    def test_mistakes_are_one_line(self):
        out = ["-o", self.path("x")]
        self.assertIn("--ranks 0", self.fails(2, *out, "--ranks", "0"))
        self.assertIn("bandwidth 'fast'", self.fails(2, *out, "--bandwidth", "fast"))
        self.assertIn("--widths '0'", self.fails(2, *out, "--widths", "0"))
        self.assertIn("--batches 'x'", self.fails(2, *out, "--batches", "x"))
        self.assertIn("--latency '-1s'", self.fails(2, *out, "--latency=-1s"))
        self.assertIn("layout 'ring'", self.fails(2, *out, "--layouts", "ring"))
        self.assertIn("does not fit", self.fails(2, *out, "--batches", "4000000000", "--widths", "64"))
        os.mkdir(self.path("x"))
        with open(self.path("x/layouts.json"), "w") as f:
            f.write("mine")
        self.assertIn("--force", self.fails(2, *out))
        bare = dict(ENVIRONMENT, PATH="/nonexistent")
        self.assertIn("openmpi-bin", self.fails(5, "-o", self.path("y"), env=bare))

    def test_a_rank_that_is_killed_ends_all(self):
        process = subprocess.Popen([HAYWATT, "layouts", "-o", self.path("k"), "--widths", "16", "--batches", "256",
                                    "--bandwidth", "memory", "--latency", "0", "--repeats", "1000"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        try:
            ranks, deadline = [], time.monotonic() + 60
            while len(ranks) < 2 and time.monotonic() < deadline:
                time.sleep(0.1)
                ranks = workers_below(process.pid)
            self.assertEqual(len(ranks), 2)
            time.sleep(0.5)
            os.kill(max(ranks), signal.SIGKILL)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
        self.assertEqual((process.returncode, out), (4, ""), err)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertIn("signal 9", err)
        self.assertFalse(os.path.exists(self.path("k/layouts.json")))


class TeamCompress(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="haywatt-team-")
        self.addCleanup(self.folder.cleanup)
        # Four chunks of 65,536 rows, the last one short.
        self.table = os.path.join(self.folder.name, "t.csv")
        with open(self.table, "w") as f:
            f.write("a,b\n")
            for i in range(200_000):
                f.write(f"{i * 7919 % 1000},{(i * 104729 % 65536) / 65536}\n")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def test_the_file_is_that_of_one_process(self):
        for number, options in enumerate((["--method", "zstd"], ["--method", "zfp", "--bound", "range:1e-3"])):
            one, team = self.path(f"one{number}.hay"), self.path(f"team{number}.hay")
            code, _, err = run(self.table, "-o", one, "-q", "--threads", "1", *options, program=(HAYWATT, "compress"))
            self.assertEqual(code, 0, err)
            code, out, err = run("compress", self.table, "-o", team, *options, program=[*MPIRUN, WORKER])
            self.assertEqual(code, 0, err)
            self.assertIn("by 2 ranks", out)
            with open(one, "rb") as a, open(team, "rb") as b:
                self.assertEqual(a.read(), b.read())

    def test_mistakes_are_told_and_end_all(self):
        for name, expected, args in (("exists.hay", 2, []), ("new.hay", 2, ["--bound", "range:x"]), ("new2.hay", 2, ["--method", "nothing"])):
            if name == "exists.hay":
                open(self.path(name), "w").close()
            code, out, err = run("compress", self.table, "-o", self.path(name), *args, program=[*MPIRUN, WORKER])
            self.assertEqual(code, expected, err)
            self.assertEqual(sum(line.startswith("haywatt-mpi: ") for line in err.splitlines()), 1, err)


if __name__ == "__main__":
    if shutil.which("mpirun") is None or not os.path.exists(WORKER):
        print("skipped: mpirun (openmpi-bin) or haywatt-mpi (libopenmpi-dev) is not there")
        sys.exit(77)
    unittest.main()
