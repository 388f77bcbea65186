#!/usr/bin/env python3
"""`haywatt profile -- CMD` as a black box: shares that are known, files as other tools read them, programs that misbehave."""
import collections
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HAYWATT = os.environ["HAYWATT_BINARY"]
SHARES = os.environ["HAYWATT_TEST_SHARES"]
STATIC, STRIPPED = SHARES + "_static", SHARES + "_stripped"


def permitted(by):
    return subprocess.run([HAYWATT, "profile", "-q", "--by", by, "--", "true"], capture_output=True, timeout=60,
                          check=False).returncode == 0


SAMPLERS = [by for by in ("perf_event", "ptrace") if permitted(by)]


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="haywatt-profile-")
        self.addCleanup(self.folder.cleanup)
        os.chmod(self.folder.name, 0o777)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def profile(self, *command, by=None, options=(), code=0, **kwargs):
        record = self.path("record.json")
        done = subprocess.run(
            [HAYWATT, "profile", "--force", "-o", record, "--rate", "500", *(["--by", by] if by else []), *options, "--",
             *command], capture_output=True, timeout=120, check=False, text=True, **kwargs)
        self.assertEqual(done.returncode, code, done.stderr)
        self.said = done.stderr
        with open(record, encoding="utf-8") as f:
            return json.load(f)

    def seconds(self, record, inside=None):
        """Seconds by innermost function; of stacks that hold `inside`."""
        stacks = record["stacks"]
        nodes, frames = stacks["nodes"], stacks["frames"]
        sums = collections.Counter()
        for i, self_s in enumerate(nodes["self_s"]):
            path, at = [], i
            while at >= 0:
                path.append(frames[nodes["frame"][at]])
                at = nodes["parent"][at]
            if inside is None or any(f["function"] == inside for f in path):
                sums[path[0]["function"]] += self_s
        return sums

    def is_seven_to_three(self, record, by, inside="main"):
        """Within five standard deviations of a share of 0.7 in as many samples, and 2 % for what the kernel does."""
        sums = self.seconds(record, inside)
        seventy, thirty = sums["seventy_percent"], sums["thirty_percent"]
        samples = record["stacks"]["samples"]
        self.assertGreater(samples, 8, by)
        self.assertAlmostEqual(seventy / (seventy + thirty), 0.7, delta=0.02 + 5 * (0.21 / samples) ** 0.5, msg=by)
        self.assertGreater((seventy + thirty) / sum(self.seconds(record).values()), 0.85, f"{by}: {sums}")


class ProfileShares(Case):
    def test_known_shares_at_depth_thirty(self):
        for by in SAMPLERS:
            record = self.profile(SHARES, "split", "300", by=by, code=7)
            self.is_seven_to_three(record, by)
            self.assertEqual(record["by"], "sampling")
            self.assertEqual(record["run"]["tree"]["exit_code"], 7)
            # What was sampled is what was used, but for the start and the end.
            used, sampled = record["run"]["cpu_s"], sum(record["stacks"]["nodes"]["self_s"])
            self.assertAlmostEqual(sampled / used, 1.0, delta=0.15, msg=by)
            folded = self.path("folded")
            self.profile(SHARES, "split", "100", by=by, code=7, options=["--folded", folded])
            with open(folded, encoding="utf-8") as f:
                deep = [line for line in f if line.count(";deeper") == 31]
            self.assertTrue(deep, by)

    def test_static_programs(self):
        for by in SAMPLERS:
            self.is_seven_to_three(self.profile(STATIC, "split", "200", by=by, code=7), by)

    def test_stripped_programs_are_followed_too(self):
        for by in SAMPLERS:
            record = self.profile(STRIPPED, "split", "150", by=by, code=7)
            frames, nodes = record["stacks"]["frames"], record["stacks"]["nodes"]
            own = [f for f in frames if f["module"] == os.path.basename(STRIPPED)]
            self.assertTrue(own)
            self.assertEqual({f["function"] for f in own} - {"[unknown]", "_start", "main"}, set())
            depth = []
            for i in range(len(nodes["parent"])):
                depth.append(1 + (depth[nodes["parent"][i]] if nodes["parent"][i] >= 0 else 0))
            self.assertGreater(max(depth), 33, by)

    def test_threads_and_forks(self):
        for by in SAMPLERS:
            self.is_seven_to_three(self.profile(SHARES, "threads", "120", by=by), by, inside="work(void*)")
            self.is_seven_to_three(self.profile(SHARES, "fork", "200", by=by), by)

    def test_thousand_children(self):
        for by in SAMPLERS:
            record = self.profile(SHARES, "children", "1000", by=by)
            used, sampled = record["run"]["cpu_s"], sum(record["stacks"]["nodes"]["self_s"])
            self.assertGreater(sampled, 0.5 * used, by)
            self.assertLess(sampled, 1.2 * used, by)

    def test_an_ordinary_user(self):
        if os.getuid() != 0:
            self.skipTest("is one")

        def as_nobody():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

        os.chmod(self.folder.name, 0o777)
        program = self.path("shares")
        shutil.copy(SHARES, program)
        for by in SAMPLERS:
            probe = subprocess.run([HAYWATT, "profile", "-q", "--by", by, "--", "true"], capture_output=True, timeout=60,
                                   check=False, preexec_fn=as_nobody)
            if probe.returncode == 5:
                self.assertEqual(len(probe.stderr.decode().splitlines()), 1)
                continue
            os.system(f"rm -f {self.path('record.json')}")
            self.is_seven_to_three(self.profile(program, "split", "200", by=by, code=7, preexec_fn=as_nobody), by)


class ProfilePython(Case):
    WORK = "def loop():\n    s = 0\n    for i in range(4_000_000): s += i * i\nfor _ in range(5): loop()\n"
    # Waits for the interpreter's end as py-spy does, then writes what it would.
    SPY = """#!/bin/sh
while [ $# -gt 0 ]; do case "$1" in --output) out="$2"; shift;; --pid) pid="$2"; shift;; esac; shift; done
while kill -0 "$pid" 2>/dev/null && [ "$(cut -d' ' -f3 /proc/$pid/stat)" != Z ]; do sleep 0.02; done
printf '%s\\n' '<module> (/w.py:4);loop (/w.py:1) 3' '<module> (/w.py:4) 1' > "$out"
"""

    def environment(self, script):
        spy = self.path("py-spy")
        with open(spy, "w", encoding="utf-8") as f:
            f.write(script)
        os.chmod(spy, 0o755)
        return {**os.environ, "PATH": self.folder.name + ":/usr/bin:/bin"}

    def test_functions_of_python(self):
        for by in SAMPLERS:
            record = self.profile("/usr/bin/python3", "-c", self.WORK, by=by, env=self.environment(self.SPY))
            self.assertIn("py-spy", record["stacks"]["by"])
            sums = self.seconds(record)
            self.assertAlmostEqual(sums["loop"] / sum(sums.values()), 0.75, delta=0.01, msg=by)
            loop = next(f for f in record["stacks"]["frames"] if f["function"] == "loop")
            self.assertEqual((loop["module"], loop["file"], loop["line"]), ("python", "/w.py", 1))

    def test_without_it_the_interpreter_is_shown(self):
        record = self.profile("/usr/bin/python3", "-c", self.WORK,
                              env=self.environment("#!/bin/sh\necho 'Error: Permission denied' >&2\nexit 1\n"))
        self.assertTrue(any("Permission denied" in note for note in record["notes"]), record["notes"])
        self.assertIn("_PyEval_EvalFrameDefault", self.seconds(record))
        self.assertFalse(any("\n" in f["function"] for f in record["stacks"]["frames"]))


class ProfileFiles(Case):
    def test_forms_of_other_tools(self):
        files = {name: self.path(name) for name in ("folded", "speedscope", "chrome", "csv")}
        options = [word for name, path in files.items() for word in ("--" + name, path)]
        record = self.profile(SHARES, "split", "150", options=options, code=7)
        all_s = sum(record["stacks"]["nodes"]["self_s"])

        # As flamegraph.pl reads it: stack, blank, number.
        with open(files["folded"], encoding="utf-8") as f:
            lines = [re.fullmatch(r"(.+) (\d+)", line.rstrip("\n")) for line in f]
        self.assertTrue(all(lines))
        period_s = record["stacks"]["period_s"]
        self.assertAlmostEqual(sum(int(m[2]) for m in lines) * period_s, all_s, delta=0.1 * all_s)

        # www.speedscope.app/file-format-schema.json, FileFormat.File and SampledProfile
        with open(files["speedscope"], encoding="utf-8") as f:
            scope = json.load(f)
        self.assertEqual(scope["$schema"], "https://www.speedscope.app/file-format-schema.json")
        self.assertLessEqual(set(scope), {"$schema", "shared", "profiles", "name", "activeProfileIndex", "exporter"})
        for frame in scope["shared"]["frames"]:
            self.assertIsInstance(frame["name"], str)
            self.assertLessEqual(set(frame), {"name", "file", "line", "col"})
        (profile,) = scope["profiles"]
        self.assertEqual(set(profile), {"type", "name", "unit", "startValue", "endValue", "samples", "weights"})
        self.assertEqual((profile["type"], profile["unit"]), ("sampled", "seconds"))
        self.assertEqual(len(profile["samples"]), len(profile["weights"]))
        self.assertAlmostEqual(sum(profile["weights"]), profile["endValue"] - profile["startValue"], places=6)
        self.assertAlmostEqual(profile["endValue"], all_s, places=6)
        for stack in profile["samples"]:
            self.assertTrue(all(0 <= f < len(scope["shared"]["frames"]) for f in stack))

        # Trace Event Format: complete events that nest.
        with open(files["chrome"], encoding="utf-8") as f:
            events = [e for e in json.load(f)["traceEvents"] if e["ph"] == "X"]
        self.assertAlmostEqual(max(e["ts"] + e["dur"] for e in events), 1e6 * all_s, delta=1.0)
        open_until = []
        for e in sorted(events, key=lambda e: (e["ts"], -e["dur"])):
            while open_until and open_until[-1] <= e["ts"] + 1e-3:
                open_until.pop()
            if open_until:
                self.assertLessEqual(e["ts"] + e["dur"], open_until[-1] + 1e-2)
            open_until.append(e["ts"] + e["dur"])

        with open(files["csv"], newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        self.assertAlmostEqual(sum(float(r["self_s"]) for r in rows), all_s, delta=1e-3 * all_s)
        seventy = next(r for r in rows if r["function"] == "seventy_percent")
        self.assertEqual(rows[0], seventy)
        self.assertGreater(float(seventy["self_share"]), 0.5)
        for name in files:
            self.assertIn("written: " + files[name], self.said)

    def test_files_that_exist_are_kept(self):
        path = self.path("here")
        with open(path, "w", encoding="utf-8") as f:
            f.write("mine")
        mark = self.path("ran")
        done = subprocess.run([HAYWATT, "profile", "--folded", path, "--", "touch", mark], capture_output=True,
                              timeout=60, check=False, text=True)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertFalse(os.path.exists(mark))


class ProfileMisfortunes(Case):
    def test_streams_are_the_programs(self):
        done = subprocess.run([HAYWATT, "profile", "-q", "--", "sh", "-c", "cat; echo to-error >&2; exit 5"], input=b"in",
                              capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (5, b"in", b"to-error\n"))

    def test_crashes_give_what_was_seen(self):
        for by in SAMPLERS:
            record = self.profile(SHARES, "crash", "400", by=by, code=128 + signal.SIGSEGV)
            self.is_seven_to_three(record, by)
            record = self.profile("sh", "-c", f"{SHARES} split 400; kill -9 $$", by=by, code=128 + signal.SIGKILL)
            self.is_seven_to_three(record, by)

    def test_an_interrupt_gives_what_was_seen(self):
        for by in SAMPLERS:
            record = self.path("record.json")
            process = subprocess.Popen([HAYWATT, "profile", "--force", "-o", record, "--rate", "500", "--by", by, "--",
                                        SHARES, "split", "1000000"], stderr=subprocess.PIPE)
            time.sleep(1.0)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 128 + signal.SIGTERM)
            with open(record, encoding="utf-8") as f:
                self.is_seven_to_three(json.load(f), by)

    def test_commands_that_are_not_there(self):
        for command, code in (("/nowhere/at/all", 127), ("/etc/passwd", 126)):
            done = subprocess.run([HAYWATT, "profile", "--", command], capture_output=True, timeout=60, check=False,
                                  text=True)
            self.assertEqual(done.returncode, code)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_hundreds_of_threads(self):
        for by in SAMPLERS:
            record = self.profile(SHARES, "threads", "2", "400", by=by)
            used, sampled = record["run"]["cpu_s"], sum(record["stacks"]["nodes"]["self_s"])
            self.assertGreater(sampled, 0.5 * used, by)
            self.assertLess(sampled, 1.2 * used, by)
            if by == "perf_event":  # the other sees threads where their turns end
                self.is_seven_to_three(record, by, inside="work(void*)")

    def test_containers(self):
        """Namespaces of its own for users, processes and mounts, and a root folder where nothing is but the program."""
        container = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
        if subprocess.run([*container, "true"], capture_output=True, check=False, timeout=60).returncode != 0:
            self.skipTest("no namespaces may be made here")
        root = self.path("root")
        os.makedirs(os.path.join(root, "proc"))
        shutil.copy(STATIC, os.path.join(root, "inside"))
        for by in SAMPLERS:  # from outside
            record = self.profile(*container[:-1], "--root", root, "/inside", "split", "250", by=by, code=7)
            self.is_seven_to_three(record, by)
        done = subprocess.run([*container, HAYWATT, "profile", "-q", "-o", self.path("in.json"), "--rate", "500", "--", SHARES,
                               "split", "250"], capture_output=True, check=False, timeout=60, text=True)
        if done.returncode == 5:
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            return
        self.assertEqual(done.returncode, 7, done.stderr)
        with open(self.path("in.json"), encoding="utf-8") as f:
            self.is_seven_to_three(json.load(f), "within")

    def test_chains_of_exec(self):
        for by in SAMPLERS:
            chain = ["sh", "-c", 'exec env -i sh -c "exec \\"$0\\" split 150" "$0"', SHARES]
            self.is_seven_to_three(self.profile(*chain, by=by, code=7), by)

    def test_programs_that_were_deleted_or_are_damaged(self):
        gone = self.path("gone")
        shutil.copy(SHARES, gone)
        for by in SAMPLERS:
            shutil.copy(SHARES, gone)
            record = self.profile("sh", "-c", f'"{gone}" split 250 & sleep 0.05; rm "{gone}"; wait', by=by)
            self.assertGreater(record["stacks"]["samples"], 5)
        # Section headers and symbols of a running program are of no interest to the kernel, but to us.
        with open(SHARES, "rb") as f:
            whole = bytearray(f.read())
        sections = int.from_bytes(whole[40:48], "little")
        for seed in range(6):
            broken = bytearray(whole)
            for i in range(sections, len(broken), 7 + seed):
                broken[i] = (i * 97 + seed * 31) & 0xff
            path = self.path(f"broken{seed}")
            with open(path, "wb") as f:
                f.write(broken)
            os.chmod(path, 0o755)
            record = self.profile(path, "split", "100", code=7)
            self.assertGreater(record["stacks"]["samples"], 5)


if __name__ == "__main__":
    if not SAMPLERS:
        print("neither perf_event_open nor ptrace is permitted here: skipped")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + ["-v"] + sys.argv[1:])
