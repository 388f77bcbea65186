"""External programs in studies, from the command line: rows of every kind, resuming, and what an interruption leaves."""
import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

HAYWATT = os.environ["HAYWATT_BINARY"]
SOURCE = os.environ["HAYWATT_SOURCE_DIR"]

PLAN = """
data = "t.csv"
threads = 1
repeats = 1
methods = ["zstd"]
bounds = ["lossless", "none"]
[[method]]
name = "xz"
input = "csv"
compress = "xz -c {in} > {out}"
decompress = "xz -dc {in} > {out}"
guarantee = ["lossless"]
version = "xz --version"
[[method]]
name = "script"
compress = "./a script.sh {in} {out}"
decompress = "cp {in} {out}"
[[method]]
name = "missing"
compress = "no-such-program {in}"
decompress = "no-such-program {in}"
[[method]]
name = "liar"
input = "raw-f8"
compress = "cp {in} {out}"
decompress = "sh -c 'head -c 96 /dev/zero > \\"$2\\"; tail -c +97 \\"$1\\" >> \\"$2\\"' sh {in} {out}"
guarantee = ["lossless"]
[[method]]
name = "one-way"
compress = "cp {in} {out}"
one_way = true
"""


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class External(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="haywatt it's ")
        self.folder = self.temporary.name
        self.write("t.csv", "a,b\n" + "".join(f"{i * 0.25},{i % 7 + 0.5}\n" for i in range(300)))
        self.study = os.path.join(self.folder, "a study")

    def tearDown(self):
        self.temporary.cleanup()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o755)
        return path

    def run_study(self, plan):
        path = self.write("plan.toml", plan)
        return subprocess.run([HAYWATT, "study", path, "-o", self.study], capture_output=True, text=True, timeout=120)

    def test_rows_of_every_kind(self):
        self.write("a script.sh", "#!/bin/sh\ncp \"$1\" \"$2\"\necho 'no luck' >&2\nexit 7\n")
        plan = PLAN.replace("./a script.sh", "'./a script.sh'")
        done = self.run_study(plan)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(self.study, "metrics.json")) as f:
            rows = {(r["method"], r["bound"]): r for r in json.load(f)["rows"]}
        xz = rows["external:xz", "lossless"]
        self.assertTrue(xz["method_version"].startswith("xz"), xz)
        self.assertEqual(xz.get("status", "ok"), "ok")
        said = {m: r.get("reason", "") for (m, _), r in rows.items()}
        self.assertEqual(said["external:script"], "compress: exit code 7: no luck")
        self.assertIn("no-such-program was not found: install it", said["external:missing"])
        self.assertIn("outside the bound lossless", said["external:liar"])
        self.assertIn(("external:one-way", "none"), rows)
        with open(os.path.join(self.study, "report.html")) as f:
            self.assertTrue("programs that the plan describes by their command lines" in f.read())
        self.assertEqual(sorted(os.listdir(self.study)), ["metrics.json", "report.html", "report.md", "study.sqlite"])
        again = self.run_study(plan)
        self.assertEqual(again.returncode, 0)
        self.assertEqual(again.stderr.count("failed"), 0, "nothing ran")
        other = self.run_study(plan.replace("xz -c", "xz -9 -c"))
        self.assertEqual(other.returncode, 2, "other commands are another study")
        self.assertIn("--force", other.stderr)

    def test_the_example_script_keeps_its_bound(self):
        try:
            import numpy  # noqa: F401
        except ImportError:
            self.skipTest("no numpy")
        with open(os.path.join(SOURCE, "examples", "external.toml")) as f:
            method = f.read().split("[[method]]\n")
        quantise = next(m for m in method if 'name = "quantise"' in m)
        examples = os.path.join(SOURCE, "examples")
        done = self.run_study(f'data = "{examples}/jets.npz"\nrepeats = 1\nthreads = 1\n[[method]]\nfolder = "{examples}"\n{quantise}')
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(self.study, "metrics.json")) as f:
            rows = json.load(f)["rows"]
        self.assertEqual([(r["method"], r["bound"]) for r in rows],
                         [("external:quantise", "lossless"), ("external:quantise", "range:1e-3")])
        for row in rows:
            self.assertEqual(row["reason"], "")
        with open(os.path.join(self.study, "study.sqlite"), "rb") as f:
            self.assertTrue(b"encode/quantise" in f.read(), "the phases that it marks")

    def test_an_interruption_ends_the_programs(self):
        pids = os.path.join(self.folder, "pids")
        self.write("hang", "#!/bin/sh\nsetsid sleep 300 &\necho $! >> \"$1\"\necho $$ >> \"$1\"\nwait\n")
        self.write("plan.toml", 'data = "t.csv"\n[[method]]\nname = "hang"\ncompress = "./hang {plan}/pids"\ndecompress = "true"\n')
        study = subprocess.Popen([HAYWATT, "study", os.path.join(self.folder, "plan.toml"), "-o", self.study],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

        def started():
            if not os.path.exists(pids):
                return []
            with open(pids) as f:
                return [int(p) for p in f.read().split()]

        until = time.monotonic() + 60
        while len(started()) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        study.send_signal(signal.SIGINT)
        _, errors = study.communicate(timeout=60)
        self.assertEqual(study.returncode, 128 + signal.SIGINT, errors)
        self.assertEqual(len(started()), 2)
        self.assertFalse(any(alive(p) for p in started()))

    def test_a_plan_that_needs_a_shell_says_so(self):
        done = self.run_study('data = "t.csv"\n[[method]]\nname = "p"\ncompress = "cat {in} | xz"\ndecompress = "true"\n')
        self.assertEqual(done.returncode, 2)
        self.assertIn("plan.toml:2: 'compress': '|' is of the shell's language", done.stderr)


if __name__ == "__main__":
    unittest.main()
