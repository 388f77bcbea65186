"""Tier T1: the exact CPU was measured. ln W = (CPU) + a ln sockets + b ln memory, a and b from machines of one CPU."""

from collections import defaultdict

import numpy as np

from .coverage import both_spreads
from .server import LEAST_RATIO, NOVELTY, Predicted, Residuals, stack
from .tables import LOADS


def place(s):
    return np.array([np.log(s.sockets), np.log(s.mem_gb)])


def slopes(servers):
    """[[ln sockets], [ln memory]] x [idle, full], by differences within a CPU; a CPU with n machines weighs sqrt(n)."""
    by = defaultdict(list)
    for s in servers:
        by[s.cpu].append(s)
    x, y, w = [], [], []
    for own in by.values():
        if len(own) < 2:
            continue
        at, ln = np.stack([place(s) for s in own]), np.log(stack(own)[:, [0, -1]])
        x.append(at - at.mean(0))
        y.append(ln - ln.mean(0))
        w += [len(own) ** -0.5] * len(own)
    x, y, w = np.vstack(x), np.vstack(y), np.array(w)[:, None]
    return np.linalg.solve(x.T @ (w * x) + 1e-6 * np.eye(2), x.T @ (w * y))


class KnownCpu:
    """`table`: machines of which idle and full load are known; `curves`: a T2b model."""

    tier = "T1"

    def __init__(self, table, slope, curves):
        self.slope, self.curves = slope, curves
        self.cpu = defaultdict(lambda: [np.zeros(2), 0])
        for s in table:
            entry = self.cpu[s.cpu]
            entry[0] = entry[0] + s.machines * (np.log(s.watts[[0, -1]]) - place(s) @ self.slope)
            entry[1] += s.machines

    def knows(self, server):
        return server.cpu in self.cpu

    def predict(self, servers):
        ln = np.array([self.cpu[s.cpu][0] / self.cpu[s.cpu][1] + place(s) @ self.slope for s in servers])
        curve = np.stack([self.curves.curve.get(s.uarch, self.curves.common) for s in servers])
        return Predicted(ln[:, 0], ln[:, 1], curve)


def idle_of_lines(lines, servers):
    """True idle power over the intercept of a straight line, and full load over the line's, medians over classes of
    (CPU, sockets, memory) that both tables have."""
    ratios = []
    for line in lines:
        own = [s for s in servers if (s.cpu, s.sockets, s.mem_gb) == (line.cpu, line.sockets, line.mem_gb)]
        if own:
            w = stack(own)
            ratios.append([np.exp(np.log(w[:, 0]).mean()) / line.watts[0],
                           np.exp(np.log(w[:, -1]).mean()) / line.watts[-1]])
    return np.median(np.array(ratios), 0), len(ratios)


def corrected(lines, ratio):
    """The lines with the idle power and full load that they imply."""
    for line in lines:
        idle, full = line.watts[0] * ratio[0], line.watts[-1] * ratio[1]
        line.line_watts = np.array(line.watts)
        line.watts = np.array([idle] + [np.nan] * (len(LOADS) - 2) + [max(full, idle * LEAST_RATIO)])
    return lines


def classes(servers):
    """(CPU, sockets, memory) -> geometric means of idle and full load, and how many machines."""
    by = defaultdict(list)
    for s in servers:
        by[(s.cpu, s.sockets, s.mem_gb)].append(s)
    result = []
    for key in sorted(by):
        n = np.array([s.machines for s in by[key]], float)
        ln = np.log(np.stack([s.watts[[0, -1]] for s in by[key]]))
        result.append((*key, *np.exp(n @ ln / n.sum()), int(n.sum())))
    return result


def line_spreads(lines, servers, curves, slope):
    """Spread of machines predicted from the lines of other classes of their CPU; without and with known idle power."""
    tested, predicted = [], []
    for s in servers:
        others = [x for x in lines if x.cpu == s.cpu and (x.sockets, x.mem_gb) != (s.sockets, s.mem_gb)]
        if others:
            tested.append(s)
            predicted.append(KnownCpu(others, slope, curves).predict([s]))
    joined = Predicted(*(np.concatenate([getattr(p, a) for p in predicted]) for a in ("ln_idle", "ln_full", "curve")))
    return both_spreads(Residuals(tested, joined), lambda s: s.cpu, lambda s: s.uarch, NOVELTY["T1"])
