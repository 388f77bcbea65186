#!/usr/bin/env python3
"""Phases of foreign programs with real processes: the C header, the Python module, the shell, through a FIFO of our own
(suite PhaseClients) and through `haywatt meter` (suite PhasesMetered)."""
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HAYWATT = os.environ["HAYWATT_BINARY"]
SOURCE = os.environ["HAYWATT_SOURCE_DIR"]
PHASES = os.path.join(SOURCE, "share", "phases")

C_PROGRAM = r"""
#include "haywatt_phase.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void* in_thread(void* name) {
  haywatt_phase_begin((const char*)name);
  haywatt_phase_end((const char*)name);
  return NULL;
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  if (strcmp(mode, "nested") == 0) {
    haywatt_phase_begin("outer");
    haywatt_phase_begin("in \"quotes\" \\ and\nlines");
    haywatt_phase_end(NULL);
    haywatt_phase_switch("next");
    haywatt_phase_switch(NULL);
#ifdef __cplusplus
    { haywatt::Phase scope("scope"); }
#else
    { HAYWATT_PHASE("scope"); }
#endif
  } else if (strcmp(mode, "threads") == 0) {
    pthread_t a, b;
    pthread_create(&a, NULL, in_thread, (void*)"a");
    pthread_create(&b, NULL, in_thread, (void*)"b");
    pthread_join(a, NULL);
    pthread_join(b, NULL);
  } else if (strcmp(mode, "fork") == 0) {
    haywatt_phase_begin("parent");
    if (fork() == 0) {
      haywatt_phase_begin("child");
      haywatt_phase_end("child");
      _exit(0);
    }
    wait(NULL);
    haywatt_phase_end("parent");
  } else if (strcmp(mode, "die") == 0) {
    haywatt_phase_begin("last");
    abort();
  } else if (strcmp(mode, "flood") == 0) {
    int i;
    errno = 77;
    for (i = 0; i < 200000; ++i) haywatt_phase_begin("x");
    if (errno != 77) return 1;
  } else if (strcmp(mode, "long") == 0) {
    char name[602] = "x";
    int i;
    for (i = 0; i < 300; ++i) strcat(name, "\xc3\xa9");
    haywatt_phase_begin(name);
  } else if (strcmp(mode, "delayed") == 0) {
    const struct timespec nap = {0, 20000000};
    haywatt_phase_begin("other");
    nanosleep(&nap, NULL);
    haywatt_phase_end("other");
    haywatt_phase_begin("slow");
    haywatt_phase_begin("slow");
    nanosleep(&nap, NULL);
    haywatt_phase_end("slow");
    haywatt_phase_end("slow");
  } else if (strcmp(mode, "gone") == 0) {
    int i;
    haywatt_phase_begin("before");
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF) return 1;
    for (i = 0; i < 1000; ++i) haywatt_phase_begin("after");
  }
  puts("end");
  return 0;
}
"""

PYTHON_PROGRAM = r"""
import os, sys, threading
sys.path.insert(0, sys.argv[2])
from haywatt_phase import begin, end, metered, phase, switch

@phase("work")
def work(x):
    "doc"
    return x + 1

def in_thread(name):
    with phase(name):
        pass

def in_process(name):
    with phase(name):
        pass

mode = sys.argv[1]
if mode == "nested":
    with phase("outer"):
        with phase('in "quotes" \\ and\nlines'):
            pass
        assert work(1) == 2 and work.__doc__ == "doc"
    begin("b"); end()
    switch("c"); switch()
    try:
        with phase("raises"):
            raise KeyError
    except KeyError:
        pass
elif mode == "threads":
    threads = [threading.Thread(target=in_thread, args=(n,)) for n in "ab"]
    for t in threads: t.start()
    for t in threads: t.join()
elif mode == "fork":
    with phase("parent"):
        if os.fork() == 0:
            with phase("child"):
                pass
            os._exit(0)
        os.wait()
elif mode == "multiprocessing":
    import multiprocessing
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        if __name__ == "__main__":
            child = context.Process(target=in_process, args=(method,))
            child.start(); child.join()
elif mode == "die":
    begin("last")
    os.abort()
elif mode == "flood":
    for i in range(100000): begin("x")
elif mode == "long":
    begin("x" + "\u00e9" * 300)
elif mode == "delayed":
    import time
    with phase("other"):
        time.sleep(0.02)
    with phase("slow"):
        with phase("slow"):
            time.sleep(0.02)
elif mode == "gone":
    begin("before")
    print("ready", flush=True)
    sys.stdin.readline()
    for i in range(1000): begin("after")
elif mode == "refuse":
    async def coroutine(): pass
    def generator(): yield 1
    for f in (coroutine, generator):
        try:
            phase("x")(f)
        except TypeError:
            continue
        sys.exit("accepted")
if mode != "multiprocessing" or __name__ == "__main__":
    print("end")
"""

SHELL_FUNCTION = r"""haywatt_mark() { [ -p "${HAYWATT_PHASES-}" ] || return 0; printf '%s "%s"\n' "$1" "${2-}" 1<>"$HAYWATT_PHASES"; }
"""


def read_line(line):
    """A line of the protocol as (verb, name, fields); written apart from the meter's reader."""
    verb, rest = line.split(" ", 1)
    assert rest[0] == '"', line
    name, i = "", 1
    while rest[i] != '"':
        i += rest[i] == "\\"
        name += rest[i]
        i += 1
    return verb, name, dict(f.split("=") for f in rest[i + 1:].split())


class Fifo:
    """Stands in for the meter."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "fifo")
        os.mkfifo(self.path, 0o600)
        self.fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def lines(self):
        data = b""
        while select.select([self.fd], [], [], 0)[0]:
            data += os.read(self.fd, 1 << 16)
        return data.decode().splitlines()

    def close(self):
        os.close(self.fd)
        os.unlink(self.path)


class Case(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="haywatt-phases-")
        self.addCleanup(holder.cleanup)
        self.folder = holder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    @classmethod
    def setUpClass(cls):
        """Everything that speaks the protocol, as commands that take a mode."""
        holder = tempfile.TemporaryDirectory(prefix="haywatt-phases-")
        cls.addClassCleanup(holder.cleanup)
        in_folder = lambda name: os.path.join(holder.name, name)
        for name, text in (("program.c", C_PROGRAM), ("program.py", PYTHON_PROGRAM)):
            with open(in_folder(name), "w") as f:
                f.write(text)
        cls.programs = {"Python": lambda mode: [sys.executable, in_folder("program.py"), mode, PHASES]}
        for name, compiler in [("C99", ["gcc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-pedantic"]),
                               ("C++20", ["g++", "-std=c++20", "-xc++", "-pedantic"])]:
            if shutil.which(compiler[0]) is None:
                continue
            subprocess.run([*compiler, "-Wall", "-Wextra", "-Werror", "-I", PHASES, in_folder("program.c"), "-pthread",
                            "-o", in_folder(name)], check=True)
            cls.programs[name] = lambda mode, program=in_folder(name): [program, mode]

    def each_program(self):
        for name, command in self.programs.items():
            with self.subTest(client=name):
                yield name, command


class PhaseClients(Case):
    def setUp(self):
        super().setUp()
        self.fifo = Fifo(self.folder)
        self.addCleanup(lambda: os.path.exists(self.fifo.path) and self.fifo.close())
        self.environment = dict(os.environ, HAYWATT_PHASES=self.fifo.path)

    def marks(self, command, code=0):
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, code)
        return [read_line(line) for line in self.fifo.lines()]

    def test_nested_phases_with_names_that_need_quotes(self):
        odd = 'in "quotes" \\ and?lines'
        for name, command in self.each_program():
            before = time.clock_gettime(time.CLOCK_MONOTONIC) * 1e9
            marks = self.marks(command("nested"))
            after = time.clock_gettime(time.CLOCK_MONOTONIC) * 1e9
            if name == "Python":
                expected = [("begin", "outer"), ("begin", odd), ("end", odd), ("begin", "work"), ("end", "work"), ("end", "outer"),
                            ("begin", "b"), ("end", ""), ("phase", "c"), ("phase", ""), ("begin", "raises"), ("end", "raises")]
            else:
                expected = [("begin", "outer"), ("begin", odd), ("end", ""), ("phase", "next"), ("phase", ""),
                            ("begin", "scope"), ("end", "scope")]
            self.assertEqual([m[:2] for m in marks], expected)
            fields = [m[2] for m in marks]
            self.assertEqual(len({f["pid"] for f in fields}), 1)
            self.assertTrue(all(f["tid"] == f["pid"] for f in fields))
            for key in ("t", "cpu"):
                values = [int(f[key]) for f in fields]
                self.assertEqual(values, sorted(values))
            self.assertTrue(before <= int(fields[0]["t"]) <= int(fields[-1]["t"]) <= after)

    def test_two_threads_are_told_apart(self):
        for _, command in self.each_program():
            marks = self.marks(command("threads"))
            by_name = {n: [m for m in marks if m[1] == n] for n in "ab"}
            threads = {n: {m[2]["tid"] for m in by_name[n]} for n in "ab"}
            self.assertEqual([len(by_name[n]) for n in "ab"], [2, 2])
            self.assertEqual([len(threads[n]) for n in "ab"], [1, 1])
            self.assertNotEqual(threads["a"], threads["b"])
            self.assertEqual(len({m[2]["pid"] for m in marks}), 1)
            self.assertNotIn(marks[0][2]["pid"], threads["a"] | threads["b"])

    def test_forked_children_speak_for_themselves(self):
        for _, command in self.each_program():
            marks = self.marks(command("fork"))
            self.assertEqual([m[:2] for m in marks],
                             [("begin", "parent"), ("begin", "child"), ("end", "child"), ("end", "parent")])
            self.assertEqual(marks[0][2]["tid"], marks[3][2]["tid"])
            self.assertNotEqual(marks[0][2]["pid"], marks[1][2]["pid"])
            self.assertEqual(marks[1][2]["pid"], marks[1][2]["tid"])

    def test_processes_of_multiprocessing(self):
        marks = self.marks(self.programs["Python"]("multiprocessing"))
        self.assertEqual([m[:2] for m in marks], [("begin", "fork"), ("end", "fork"), ("begin", "spawn"), ("end", "spawn")])
        self.assertEqual(len({m[2]["pid"] for m in marks}), 2)

    def test_a_program_that_dies_in_a_phase(self):
        for _, command in self.each_program():
            self.assertEqual([m[:2] for m in self.marks(command("die"), -signal.SIGABRT)], [("begin", "last")])

    def test_a_meter_that_does_not_read_makes_nobody_wait(self):
        for name, command in self.each_program():
            marks = self.marks(command("flood"))  # an errno that changed would end it with 1
            self.assertGreater(len(marks), 100)
            self.assertEqual({m[:2] for m in marks}, {("begin", "x")}, name)

    def test_long_names_are_cut_between_characters(self):
        for _, command in self.each_program():
            (_, name, _), = self.marks(command("long"))
            self.assertEqual(name, "x" + "\u00e9" * 99)

    def test_a_phase_is_made_longer_by_a_share_of_itself(self):
        self.environment["HAYWATT_SPAN_DELAY"] = "slow=4"
        for name, command in self.each_program():
            marks = self.marks(command("delayed"))
            self.assertEqual([m[:2] for m in marks], [("begin", "other"), ("end", "other"), ("begin", "slow"), ("begin", "slow"),
                                                      ("end", "slow"), ("end", "slow")])
            t = [int(m[2]["t"]) * 1e-9 for m in marks]
            # A sleep may last longer, never shorter. Within itself a phase is delayed once.
            self.assertGreaterEqual(t[5] - t[2], 5 * 0.02 - 1e-6, name)
            self.assertLess(t[4] - t[3], t[5] - t[4] + 0.02)
            self.assertLess(t[1] - t[0], t[5] - t[2])

    def test_a_meter_that_goes_away_takes_nobody_along(self):
        for _, command in self.each_program():
            if not os.path.exists(self.fifo.path):
                self.fifo = Fifo(self.folder)
            process = subprocess.Popen(command("gone"), env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       text=True)
            self.assertEqual(process.stdout.readline(), "ready\n")
            self.fifo.close()
            out, _ = process.communicate("go\n", timeout=60)
            self.assertEqual((process.returncode, out), (0, "end\n"))

    def test_without_a_meter_nothing_happens(self):
        for name, command in self.each_program():
            for value in (None, "", "/nowhere/at/all"):
                environment = {k: v for k, v in os.environ.items() if k != "HAYWATT_PHASES"}
                if value is not None:
                    environment["HAYWATT_PHASES"] = value
                for mode in ("nested", "threads", "flood", "fork"):
                    done = subprocess.run(command(mode), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
                    self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"end\n", b""), (name, value, mode))

    def test_the_header_needs_no_feature_macros(self):
        if shutil.which("gcc") is None:
            self.skipTest("no gcc")
        program = self.write("bare.c", '#include "haywatt_phase.h"\nint main(void) { haywatt_phase_switch("a"); return 0; }\n')
        subprocess.run(["gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-I", PHASES, program, "-o", self.path("bare")],
                       check=True)
        self.assertEqual([m[:2] for m in self.marks([self.path("bare")])], [("phase", "a")])

    def test_coroutines_and_generators_are_not_decorated(self):
        self.marks(self.programs["Python"]("refuse"))

    def test_the_shell_function_of_the_readme(self):
        with open(os.path.join(PHASES, "README.md")) as f:
            self.assertIn(SHELL_FUNCTION, f.read())
        for shell in ("sh", "bash", "dash"):
            if shutil.which(shell) is None:
                continue
            script = self.write("script", "set -eu\n" + SHELL_FUNCTION + "haywatt_mark begin 'read data'\nhaywatt_mark phase fit\n"
                                "haywatt_mark end\nunset HAYWATT_PHASES\nhaywatt_mark begin nowhere\n")
            self.assertEqual([m[:2] for m in self.marks([shell, script])], [("begin", "read data"), ("phase", "fit"), ("end", "")])
            self.assertEqual(self.fifo.lines(), [])

    def test_the_one_line_of_the_readme(self):
        line = "echo 'begin train' 1<>\"$HAYWATT_PHASES\""
        with open(os.path.join(PHASES, "README.md")) as f:
            self.assertIn(line, f.read())
        subprocess.run(["sh", "-c", line], env=self.environment, check=True)
        self.assertEqual(self.fifo.lines(), ["begin train"])


METERED_PROGRAM = r"""
import os, subprocess, sys, threading, time
sys.path.insert(0, sys.argv[2])
from haywatt_phase import begin, end, phase

def spin(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass

mode = sys.argv[1]
if mode == "split":
    with phase("a"):
        spin(0.3)
    with phase("b"):
        time.sleep(0.3)
elif mode == "fine":
    truth = {"a": 0.0, "b": 0.0}
    for _ in range(150):
        for name, work in (("a", spin), ("b", time.sleep)):
            before = time.thread_time()
            with phase(name):
                work(0.002)
            truth[name] += time.thread_time() - before
    print(truth["a"], truth["b"])
elif mode == "nested":
    with phase("outer"):
        spin(0.05)
        with phase("outer/inner"):
            spin(0.2)
        spin(0.05)
elif mode == "threads":
    def busy():
        with phase("busy"):
            spin(0.3)
    def idle():
        with phase("idle"):
            time.sleep(0.3)
    threads = [threading.Thread(target=f) for f in (busy, idle)]
    for t in threads: t.start()
    for t in threads: t.join()
elif mode == "fork":
    if os.fork() == 0:
        with phase("child"):
            spin(0.3)
        os._exit(0)
    os.wait()
elif mode == "child":
    with phase("leading"):
        subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)
elif mode == "die":
    begin("last")
    spin(0.1)
    os.abort()
elif mode == "print":
    for name, work in (("read", lambda: time.sleep(0.1)), ("fit", lambda: spin(0.2))):
        print("== %s ==" % name, flush=True)
        work()
elif mode == "garbage":
    fd = os.open(os.environ["HAYWATT_PHASES"], os.O_WRONLY)
    os.write(fd, b"begin spoilt t=99999999999999999 cpu=88888888888888888 pid=1 tid=1\n")
    os.write(fd, os.urandom(1 << 20) + b"\n")
    os.write(fd, b"end never begun\nend nothing\nend\n" * 1000)
    for i in range(3000):
        os.write(fd, b"begin n%d\n" % i)
    os.write(fd, b"begin half a line")
"""


class PhasesMetered(Case):
    def record(self, mode, *options, code=0):
        program, output = self.write("metered.py", METERED_PROGRAM), self.path("record.json")
        done = subprocess.run([HAYWATT, "meter", "-o", output, *options, "--", sys.executable, program, mode, PHASES],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stderr)
        with open(output) as f:
            record = json.load(f)
        self.adds_up(record)
        self.printed = done.stdout
        return record, {p["name"]: p for p in record["phases"]}

    def adds_up(self, record):
        for key in ("wall_s", "cpu_s"):
            self.assertAlmostEqual(sum(p[key] for p in record["phases"]), record[key], delta=1e-6 + 1e-6 * record[key])
        for p in record["phases"]:
            self.assertGreaterEqual(p["wall_s"], 0)
            self.assertGreaterEqual(p["cpu_s"], 0)
        compared = 0
        for whole in record["energy"]:
            if whole["share"] != "process-tree" or not whole.get("known", True):
                continue
            kind = [whole[k] for k in ("sensor", "boundary", "rule", "tier")]
            parts = [f["value_J"] for p in record["phases"] for f in p["energy"] if [f[k] for k in ("sensor", "boundary", "rule", "tier")] == kind]
            self.assertAlmostEqual(sum(parts), whole["value_J"], delta=1e-6 + 1e-6 * whole["value_J"])
            compared += 1
        self.assertGreater(compared, 0, "no energy figure to compare")

    def marginal_J(self, phase):
        return next(f["value_J"] for f in phase["energy"] if f["rule"] == "marginal")

    def test_a_known_split_is_seen(self):
        _, phases = self.record("split")
        self.assertGreater(phases["a"]["cpu_s"], 0.25)
        self.assertLess(phases["a"]["cpu_s"], 0.40)
        self.assertLess(phases["b"]["cpu_s"], 0.05)
        self.assertGreater(phases["b"]["wall_s"], 0.29)
        self.assertGreater(self.marginal_J(phases["a"]), 5 * self.marginal_J(phases["b"]))

    def test_phases_of_milliseconds_are_told_apart(self):
        _, phases = self.record("fine")
        for name, truth in zip("ab", map(float, self.printed.split())):
            self.assertAlmostEqual(phases[name]["cpu_s"], truth, delta=0.06)  # far less than the 0.15 of an even share

    def test_the_innermost_phase_counts(self):
        _, phases = self.record("nested")
        self.assertGreater(phases["outer/inner"]["cpu_s"], 0.16)
        self.assertLess(phases["outer/inner"]["cpu_s"], 0.28)
        self.assertGreater(phases["outer"]["cpu_s"], 0.06)

    def test_threads_in_two_phases_share_by_their_cpu_time(self):
        _, phases = self.record("threads")
        self.assertGreater(phases["busy"]["cpu_s"], 0.25)
        self.assertLess(phases["idle"]["cpu_s"], 0.05)

    def test_forked_children_have_phases(self):
        _, phases = self.record("fork")
        self.assertGreater(phases["child"]["cpu_s"], 0.25)

    def test_what_child_processes_use_counts_for_the_phase_that_waits(self):
        _, phases = self.record("child")
        self.assertGreater(phases["leading"]["cpu_s"], 0.25)

    def test_a_program_that_dies_in_a_phase_is_recorded(self):
        record, phases = self.record("die", code=128 + signal.SIGABRT)
        self.assertGreater(phases["last"]["cpu_s"], 0.05)
        self.assertEqual(record["tree"]["signal"], signal.SIGABRT)

    def test_phases_from_the_output(self):
        _, phases = self.record("print", "--phases-from", "^== (.*) ==$")
        self.assertGreater(phases["read"]["wall_s"], 0.09)
        self.assertGreater(phases["fit"]["cpu_s"], 0.15)

    def test_an_expression_that_is_none_is_a_mistake_of_usage(self):
        done = subprocess.run([HAYWATT, "meter", "--phases-from", "(", "--", "true"], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_garbage_is_counted_and_harms_nothing(self):
        record, phases = self.record("garbage")
        self.assertIn("spoilt", phases)
        self.assertLessEqual(len(phases), 1003)
        self.assertTrue(any("phase" in w for w in record["warnings"]), record["warnings"])


if __name__ == "__main__":
    unittest.main()
