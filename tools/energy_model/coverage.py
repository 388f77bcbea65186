"""How often the intervals hold the truth on machines that neither the model nor the interval has seen."""

import numpy as np

from .server import NOVELTY, Residuals, Spread, idle_known, left_out

READING_U = 0.05 / 1.96  # a typed idle power is taken to be good to 5 %


class Held:
    """What became of the machines left out: for each, at each load, was the truth inside, and how wide was it."""

    def __init__(self):
        self.servers, self.total, self.dynamic, self.width, self.bias = [], [], [], [], []

    def add(self, residuals, spread):
        u = spread.u_total(residuals.predicted)
        self.servers += residuals.servers
        self.total += list(np.abs(residuals.total) <= 1.96 * u)
        self.dynamic += list(np.abs(residuals.dynamic) <= 1.96 * spread.u_dynamic[None, :])
        self.width += list(np.exp(2 * 1.96 * u))
        self.bias += list(residuals.total)

    def table(self, group):
        """[(name, machines, CPUs, coverage of P, by CPUs, coverage of P - idle, median width, median true/estimate)], the
        pooled line first."""
        names = np.array([group(s) for s in self.servers])
        total, dynamic = np.array(self.total), np.array(self.dynamic)
        width, bias = np.array(self.width), np.array(self.bias)
        lines = []
        for name in ["pooled"] + sorted(set(names)):
            at = np.ones(len(names), bool) if name == "pooled" else names == name
            cpu = np.array([s.cpu for s in self.servers])[at]
            by_cpu = np.mean([total[at][cpu == c].mean() for c in sorted(set(cpu))])
            lines.append((name, int(at.sum()), len(set(cpu)), total[at].mean(), by_cpu, dynamic[at].mean(),
                          np.median(width[at]), np.exp(np.median(bias[at]))))
        return lines


def spreads_of(prepare, servers, inner, by):
    """{False: spread, True: spread where the idle power is known}. prepare(servers) -> fit; fit(servers) -> model."""
    fit = prepare(servers)
    tested, predicted = left_out(fit, servers, inner)
    return both_spreads(Residuals(tested, predicted), inner, by, NOVELTY.get(fit(servers).tier, 1.0))


def both_spreads(residuals, inner, by, novelty=1.0):
    spread = Spread(residuals, inner, by, novelty)
    known = Spread(idle_known(residuals, spread), inner, by, novelty)
    known.beta, known.u_idle, known.correlation = spread.beta, READING_U, np.zeros(len(spread.correlation))
    return {False: spread, True: known}


class Test:
    """A kind of leaving out, without and with known idle power."""

    def __init__(self):
        self.held = {False: Held(), True: Held()}

    def judge(self, model, spreads, servers):
        tested = [s for s in servers if model.knows(s)]
        if tested:
            residuals = Residuals(tested, model.predict(tested))
            self.held[False].add(residuals, spreads[False])
            self.held[True].add(idle_known(residuals, spreads[False]), spreads[True])


def by_groups(prepare, servers, outer, inner, by):
    """Each outer group in turn is unknown to the fit and to the interval."""
    test = Test()
    for g in sorted({outer(s) for s in servers}):
        train = [s for s in servers if outer(s) != g]
        test.judge(prepare(train)(train), spreads_of(prepare, train, inner, by), [s for s in servers if outer(s) == g])
    return test


def by_years(prepare, servers, years, inner, by, tested):
    """For each (last, until): fitted to machines of up to `last`, tested on those after it and up to `until` for which
    tested(server, training machines)."""
    test = Test()
    for last, until in years:
        train = [s for s in servers if s.year <= last]
        later = [s for s in servers if last < s.year <= until and tested(s, train)]
        if later:
            test.judge(prepare(train)(train), spreads_of(prepare, train, inner, by), later)
    return test
