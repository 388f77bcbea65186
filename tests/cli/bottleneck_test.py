#!/usr/bin/env python3
"""`haywatt bottleneck` as a black box: exit codes, records, reports, interruption, and that nothing outlives it."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HAYWATT = os.environ["HAYWATT_BINARY"]
SOURCE = os.environ["HAYWATT_SOURCE_DIR"]
LOOP = ["sh", "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"]  # about 0.1 s
FILES = ["sh", "-c", "dd if=/dev/zero of=f bs=4k count=300 oflag=dsync 2>/dev/null; rm f"]


def run(*args, **kwargs):
    done = subprocess.run([HAYWATT, "bottleneck", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=120, **kwargs)
    return done.returncode, done.stdout, done.stderr


def neighbours():
    """Processes of haywatt that are alive now."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
            with open(f"/proc/{pid}/stat") as f:
                state = f.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state != "Z" and words[0] == HAYWATT.encode() and b"bottleneck" in words and b"mark-of-this-test" in words:
            found.add(int(pid))
    return found


class Bottleneck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="haywatt-bottleneck-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def fails(self, expected, *args):
        code, out, err = run(*args)
        self.assertEqual((code, out), (expected, ""), err)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertTrue(err.startswith("haywatt: "), err)
        return err

    def test_mistakes_are_one_line(self):
        self.assertIn("too short to measure", self.fails(2, "--", "true"))
        self.assertIn("not found", self.fails(2, "--", "no-such-program-here"))
        self.assertIn("exit code 7: why", self.fails(3, "--", "sh", "-c", "sleep 0.1; echo why >&2; exit 7"))
        self.assertIn("did not end within", self.fails(3, "--timeout", "300ms", "--", "sleep", "30"))
        self.assertIn("--budget", self.fails(2, "--budget", "soon", "--", *LOOP))
        self.assertIn("{batch}", self.fails(2, "--batch", "1,2", "--", *LOOP))
        self.assertIn("METHOD and DATA", self.fails(2, "zstd"))
        # The terminal is not given on: a program that wants one reads nothing and fails, or goes on.
        self.assertIn("exit code 1", self.fails(3, "--", "sh", "-c", "sleep 0.1; read x"))

    def test_record_and_reports(self):
        file = self.path("r.json")
        code, out, err = run("--budget", "4s", "--threads", "1,2", "-o", file, "--json", "--", *LOOP)
        self.assertEqual(code, 0, err)
        record = json.loads(out)
        with open(file) as f:
            self.assertEqual(json.load(f), record)
        self.assertEqual(record["schema"], "haywatt-bottleneck/1")
        self.assertGreaterEqual(record["blocks"], 1)
        self.assertEqual({r["block"] for r in record["runs"]}, set(range(record["blocks"])))
        self.assertEqual(record["knobs"][0]["values"], ["1", "2"])
        known = [s for s in record["sensitivities"] if s["known"]]
        self.assertTrue(known)
        for s in known:
            self.assertLessEqual(s["time"]["low"] or 0, s["time"]["value"])
        self.fails(2, "-o", file, "--", *LOOP)
        for form, piece in (("html", "<svg"), ("md", "| treatment / control |")):
            done = subprocess.run([HAYWATT, "report", file, "--format", form, "-o", "-"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(piece, done.stdout)
            self.assertNotIn("{{", done.stdout)

    def test_a_method_in_other_sizes_and_types(self):
        jets = os.path.join(SOURCE, "examples", "jets.npz")
        self.assertIn("has no batches", self.fails(2, "--batch", "64,512", "zstd", jets))
        self.assertIn("f4 or f8", self.fails(2, "--dtype", "f8,f16", "zstd", jets))
        self.assertIn("a number of rows", self.fails(2, "--rows", "1000,all", "zstd", jets))
        self.assertIn("no-such.npz", self.fails(4, "--rows", "10,20", "zstd", self.path("no-such.npz")))
        code, out, err = run("--budget", "1s", "--json", "--rows", "4000,24000", "--dtype", "f64,f32", "--batch",
                             "512,2048", "baler:config=cms,epochs=1", jets, "--bound", "range:1e-2")
        if "exit code 5" in err:
            self.skipTest("no method here has batches")
        self.assertEqual(code, 0, err)
        record = json.loads(out)
        self.assertEqual({k["name"]: k["values"] for k in record["knobs"]},
                         {"batch": ["512", "2048"], "rows": ["4000", "24000"], "dtype": ["f8", "f4"]})
        cpu = {r["treatment"]: r["cpu_s"] for r in record["runs"]}
        self.assertGreater(cpu["rows 24000"], 1.5 * cpu["plain"])
        self.assertIn("dtype f4", cpu)
        self.assertIn("batch 2048", cpu)

    def test_storage(self):
        code, out, err = run("--budget", "6s", "--json", "--", *FILES, cwd=self.folder)
        if code == 2 and "too short" in err:
            self.skipTest("synchronous writes cost nothing here")
        self.assertEqual(code, 0, err)
        watched = [r for r in json.loads(out)["runs"] if r["treatment"] == "storage slowed"]
        self.assertGreaterEqual(watched[0]["seen"]["storage_calls"], 300)
        self.assertGreaterEqual(watched[0]["seen"]["storage_B"], 300 * 4096)

    def test_python_and_phases(self):
        program = self.path("p.py")
        with open(program, "w") as f:
            f.write("import sys\nsys.path.insert(0, %r)\nfrom haywatt_phase import phase\n"
                    "def work(n):\n    x = 0\n    for i in range(n):\n        x += i & 7\n    return x\n"
                    "with phase('first'):\n    work(8000000)\nwith phase('second'):\n    work(2000000)\n"
                    % os.path.join(SOURCE, "share", "phases"))
        code, out, err = run("--budget", "6s", "--json", "--", sys.executable, program)
        self.assertEqual(code, 0, err)
        record = json.loads(out)
        self.assertGreater(self.bytecode_share(record), 0.8)
        spans = {s["resource"]: s for s in record["sensitivities"] if s["resource"].startswith("phase ")}
        self.assertEqual(set(spans), {"phase first", "phase second"})

        def first_over_second(treatment):  # within one run: other programs slow both
            seen = [r["seen"] for r in record["runs"] if r["treatment"] == treatment][0]
            return seen["span first"] / seen["span second"]

        self.assertGreater(first_over_second("span first"), 1.05 * first_over_second("span second"))  # 2.25 times on a quiet machine

    def bytecode_share(self, record):
        return max(r["seen"].get("bytecode_share", 0.0) for r in record["runs"] if r["treatment"] == "bytecodes watched")

    def test_native_calls_are_not_bytecodes(self):
        program = "import hashlib\nfor i in range(4):\n    hashlib.sha512(bytes(30_000_000))"
        code, out, err = run("--budget", "4s", "--json", "--", sys.executable, "-c", program)
        self.assertEqual(code, 0, err)
        self.assertLess(self.bytecode_share(json.loads(out)), 0.5)

    def test_interrupted_reports_what_is_known(self):
        p = subprocess.Popen([HAYWATT, "bottleneck", "--json", "--budget", "60s", "--", "sleep", "1"],
                             stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, start_new_session=True)
        time.sleep(6)
        os.killpg(p.pid, signal.SIGINT)
        out, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 130, err)
        self.assertEqual(json.loads(out)["stopped_by"], "interrupted")

    def killed(self, whom):
        """Starts a search, kills one of its processes, and sees that all others go."""
        command = [HAYWATT, "bottleneck", "--budget", "60s", "--", "sh", "-c", "sleep 0.3; : mark", "mark-of-this-test"]
        p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        for _ in range(100):
            time.sleep(0.1)
            if len(neighbours()) >= 3:  # the two of the command, and a neighbour
                break
        self.assertGreaterEqual(len(neighbours()), 3)
        os.kill(whom(p.pid), signal.SIGKILL)
        for _ in range(100):
            time.sleep(0.1)
            if not neighbours():
                break
        self.assertEqual(neighbours(), set())

    def test_nothing_outlives_a_killed_parent(self):
        self.killed(lambda pid: pid)

    def test_nothing_outlives_a_killed_worker(self):
        def worker(pid):
            with open(f"/proc/{pid}/task/{pid}/children") as f:
                return min(map(int, f.read().split()))  # the first child; neighbours came later
        self.killed(worker)


if __name__ == "__main__":
    unittest.main()
