"""Per hardware thread, for virtual machines: W when idle and the extra W when busy."""

import math
from collections import defaultdict

import numpy as np

from .tables import t975

LINES = ("zen4", "sapphirerapids", "emeraldrapids")
LEVELS = ("micro-architecture", "group", "any")
# (idle, busy): later machines' idle power strayed further than that of those left out had said; the factor of T2c and
# T3, set after seeing that (docs/energy.md).
NOVELTY = np.array([1.15, 1.0])
CLIENT = ("skylake-client", "coffeelake", "rocketlake")  # Xeon E3, E-2100 and the like


def group_of(server):
    if server.vendor == "amd":
        return "AMD server"
    return "Intel workstation" if server.uarch in CLIENT else "Intel server"


def logs(server):
    """ln of idle and of full - idle, W a thread."""
    return np.log(np.array([server.watts[0], server.watts[-1] - server.watts[0]]) / server.threads)


def means(servers, by):
    """Means of CPUs' means."""
    result = {}
    for key in sorted({by(s) for s in servers}):
        own = [s for s in servers if by(s) == key]
        cpus = sorted({s.cpu for s in own})
        result[key] = np.mean([np.mean([logs(s) for s in own if s.cpu == c], 0) for c in cpus], 0)
    return result


def variances(servers):
    """(within, between): variance of CPUs' means within a micro-architecture, and between micro-architectures of a group.
    One-way analysis of variance of unequal sizes, nested in the groups (Searle, Casella, McCulloch, Variance
    Components, 1992, section 3.6). Straight lines, whose idle power is an estimate itself, do not count."""
    cpus = {}
    for s in servers:
        if s.uarch not in LINES:
            cpus.setdefault((group_of(s), s.uarch, s.cpu), []).append(logs(s))
    own = defaultdict(lambda: defaultdict(list))
    for (group, uarch, _), values in cpus.items():
        own[group][uarch].append(np.mean(values, 0))
    within, between = np.zeros(2), np.zeros(2)
    freedom_within = freedom_between = size = 0
    for uarchs in own.values():
        of = [np.array(v) for v in uarchs.values()]
        n = np.array([len(v) for v in of])
        mean = np.concatenate(of).mean(0)
        within += sum(((v - v.mean(0)) ** 2).sum(0) for v in of)
        between += sum(len(v) * (v.mean(0) - mean) ** 2 for v in of)
        freedom_within += n.sum() - len(n)
        freedom_between += len(n) - 1
        size += n.sum() - (n**2).sum() / n.sum()
    within /= freedom_within
    return within, np.maximum(between - freedom_between * within, 0.0) / size


class Threads:
    """level "micro-architecture": its own mean, drawn to its group's as by within/between CPUs (best linear unbiased
    prediction); "group": mean of the group's micro-architectures; "any": mean of the groups."""

    def __init__(self, servers):
        self.within, self.between = variances(servers)
        self.uarch = means(servers, lambda s: s.uarch)
        self.cpus = {u: len({s.cpu for s in servers if s.uarch == u}) for u in self.uarch}
        self.of = {s.uarch: group_of(s) for s in servers}
        self.group = {g: np.mean([v for u, v in self.uarch.items() if self.of[u] == g], 0)
                      for g in sorted(set(self.of.values()))}
        self.any = np.mean(list(self.group.values()), 0)

    def predict(self, level, server):
        if level == "any":
            return self.any
        group = self.group.get(group_of(server), self.any)
        if level == "group" or server.uarch not in self.uarch:
            return group
        n = self.cpus[server.uarch]
        own = n * self.between / (n * self.between + self.within)
        return own * self.uarch[server.uarch] + (1.0 - own) * group


def left_out_by(level):
    return (lambda s: s.cpu) if level == "micro-architecture" else (lambda s: s.uarch)


def residuals(servers, level):
    """ln(true/predicted) of machines whose CPU (or micro-architecture) was left out."""
    out, by = [], left_out_by(level)
    for g in sorted({by(s) for s in servers}):
        model = Threads([s for s in servers if by(s) != g])
        for s in servers:
            if by(s) == g and (level != "micro-architecture" or s.uarch in model.uarch):
                out.append((s, logs(s) - model.predict(level, s)))
    return out


def t_of(out, level):
    """Student's t of as many CPUs or micro-architectures as were left out and the sqrt(1 + 1/n) of a new one, over 1.96."""
    n = len({left_out_by(level)(s) for s, _ in out})
    return t975(n - 1) / 1.96 * math.sqrt(1.0 + 1.0 / n)


def squares(out, by):
    """Mean squares of the residuals (idle, busy), a line for each key."""
    return np.array([np.mean([r * r for s, r in out if by(s) == k], 0) for k in sorted({by(s) for s, _ in out})])


def spread(servers, level):
    """(u idle, u busy) of the logarithm from the residuals of what was left out. "group", "any": root mean square over CPUs
    (over groups). "micro-architecture": how much CPUs differ is a property of their micro-architecture, and the
    interval is to hold in the one at hand, so: what the root mean squares of nine micro-architectures in ten stay
    below."""
    out = residuals(servers, level)
    if level == "micro-architecture":
        own = [squares([x for x in out if x[0].uarch == u], lambda s: s.cpu).mean(0)
               for u in sorted({s.uarch for s, _ in out})]
        return NOVELTY * t_of(out, level) * np.sqrt(np.quantile(own, 0.9, axis=0))
    return t_of(out, level) * np.sqrt(squares(out, group_of if level == "any" else lambda s: s.cpu).mean(0))


def uncertainties(servers):
    """Of the three levels: who knows less is not surer."""
    u = [spread(servers, level) for level in LEVELS]
    return dict(zip(LEVELS, (u[0], np.maximum(u[0], u[1]), np.maximum.reduce(u))))


def judge(train, level, tested):
    """[(machine, inside, width, ln true/estimate)], each of idle and busy."""
    model, u = Threads(train), uncertainties(train)[level]
    result = []
    for s in tested:
        if level != "micro-architecture" or s.uarch in model.uarch:
            r = logs(s) - model.predict(level, s)
            result.append((s, np.abs(r) <= 1.96 * u, np.exp(2 * 1.96 * u), r))
    return result


def by_groups(servers, level):
    """Each CPU or micro-architecture in turn is unknown to the value and to its uncertainty."""
    by, held = left_out_by(level), []
    for g in sorted({by(s) for s in servers}):
        held += judge([s for s in servers if by(s) != g], level, [s for s in servers if by(s) == g])
    return held


def by_years(servers, level, years):
    """For each (last, until): fitted to machines of up to `last`, tested on those after it and up to `until`, with the
    micro-architecture known on CPUs that are new."""
    held = []
    for last, until in years:
        train = [s for s in servers if s.year <= last]
        cpus = {s.cpu for s in train} if level == "micro-architecture" else ()
        held += judge(train, level, [s for s in servers if last < s.year <= until and s.cpu not in cpus])
    return held


def table(held):
    """[(part, micro-architecture, machines, CPUs, coverage, by CPUs, median width, median true/estimate)], pooled first."""
    lines = []
    for k, part in enumerate(("idle", "busy")):
        for name in ["pooled"] + sorted({s.uarch for s, *_ in held}):
            own = [x for x in held if name in ("pooled", x[0].uarch)]
            cpus = sorted({x[0].cpu for x in own})
            alike = np.mean([np.mean([x[1][k] for x in own if x[0].cpu == c]) for c in cpus])
            lines.append((part, name, len(own), len(cpus), np.mean([x[1][k] for x in own]), alike,
                          np.median([x[2][k] for x in own]), np.exp(np.median([x[3][k] for x in own]))))
    return lines


def coverage_lines(servers):
    """Lines of model_coverage.csv: every test at every level; groups of ten or more machines."""
    lines = []
    for level, known, left in (("micro-architecture", "micro-architecture known", "CPU left out"),
                               ("group", "vendor known", "micro-architecture left out"),
                               ("any", "nothing known", "micro-architecture left out")):
        for what, held in ((left, by_groups(servers, level)),
                           ("each year from 2018 on, fitted to the years before",
                            by_years(servers, level, [(y, y + 1) for y in range(2017, 2022)])),
                           ("fitted to 2018, tested 2019-2022", by_years(servers, level, [(2018, 2022)]))):
            for part, name, machines, cpus, inside, alike, width, bias in table(held):
                if name == "pooled" or machines >= 10:
                    print("VM %-4s %-24s %-50s %-15s %4d machines %3d CPUs  %5.1f %% (CPUs alike %5.1f %%)  width %5.2f  "
                          "true/estimate %.2f" % (part, known, what, name, machines, cpus, 100 * inside, 100 * alike,
                                                  width, bias), flush=True)
                    lines.append((f"VM {part}", f"{known}: {what}", name, machines, cpus, f"{inside:.3f}",
                                  f"{alike:.3f}", f"{inside:.3f}" if part == "busy" else "", f"{width:.2f}",
                                  f"{bias:.2f}"))
    return lines


def rows(servers, lines, from_year):
    """Lines of thread_power.csv. Micro-architectures of which only straight lines are known: mean of their CPUs, with the
    uncertainty of the group's, because the lines' idle power is itself an estimate."""
    own = [s for s in servers if s.year >= from_year]
    newer = [s for s in lines if s.uarch in LINES]
    for s in newer:
        s.threads = 2 * s.cores  # all of them have SMT
    model = Threads(own + newer)
    u = uncertainties(own)
    result = []
    for a in sorted(model.uarch):
        some = next(s for s in own + newer if s.uarch == a)
        level = "group" if a in LINES else "micro-architecture"
        watts = np.exp(model.predict("micro-architecture", some))
        result.append(line(a, a, watts, u[level], model.cpus[a], "straight lines" if a in LINES else "machines"))
    for g, key in (("AMD server", "AuthenticAMD"), ("Intel server", "GenuineIntel")):
        n = sum(model.cpus[a] for a in model.uarch if model.of[a] == g)
        result.append(line(key, g, np.exp(model.group[g]), u["group"], n, "micro-architectures of the group"))
    result.append(line("any", "any server", np.exp(model.any), u["any"], sum(model.cpus.values()), "groups"))
    return result


def line(key, name, watts, u, cpus, origin):
    return (key, name, f"{watts[0]:.3f}", f"{u[0]:.4f}", f"{watts[1]:.3f}", f"{u[1]:.4f}", cpus, origin)
