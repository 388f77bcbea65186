"""Per hardware thread, for virtual machines: W when idle and the extra W when busy."""

import math

import numpy as np

from .tables import t975

LINES = ("zen4", "sapphirerapids", "emeraldrapids")
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


class Threads:
    """level "micro-architecture": its own mean, drawn to its group's as by one CPU; "group": mean of the group's
    micro-architectures; "any": mean of the groups."""

    def __init__(self, servers):
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
        return (n * self.uarch[server.uarch] + group) / (n + 1)


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


def spread(servers, level):
    """(u idle, u busy) of the logarithm: root mean square over CPUs (over groups for "any"), times t of as many CPUs or
    micro-architectures as were left out and the sqrt(1 + 1/n) of a new one, over 1.96."""
    out = residuals(servers, level)
    by = group_of if level == "any" else lambda s: s.cpu
    keys = sorted({by(s) for s, _ in out})
    square = np.mean([np.mean([r * r for s, r in out if by(s) == k], 0) for k in keys], 0)
    n = len({left_out_by(level)(s) for s, _ in out})
    return t975(n - 1) / 1.96 * math.sqrt(1.0 + 1.0 / n) * np.sqrt(square)


def uncertainty(servers, level):
    """Knowing the micro-architecture is taken to narrow the idle power only."""
    u = spread(servers, level)
    return np.array([u[0], max(u[1], spread(servers, "group")[1])]) if level == "micro-architecture" else u


def coverage(servers, level):
    """[(micro-architecture, machines, CPUs, coverage of idle, of busy, median widths)], pooled first; the machines' group
    is unknown to the value and to its uncertainty."""
    by, inside = left_out_by(level), []
    for g in sorted({by(s) for s in servers}):
        train = [s for s in servers if by(s) != g]
        model, u = Threads(train), uncertainty(train, level)
        for s in servers:
            if by(s) == g and (level != "micro-architecture" or s.uarch in model.uarch):
                inside.append((s, np.abs(logs(s) - model.predict(level, s)) <= 1.96 * u, np.exp(2 * 1.96 * u)))
    lines = []
    for name in ["pooled"] + sorted({s.uarch for s, _, _ in inside}):
        own = [x for x in inside if name in ("pooled", x[0].uarch)]
        hit = np.mean([x[1] for x in own], 0)
        lines.append((name, len(own), len({x[0].cpu for x in own}), *hit, *np.median([x[2] for x in own], 0)))
    return lines


def rows(servers, lines, from_year):
    """Lines of thread_power.csv. Micro-architectures of which only straight lines are known: mean of their CPUs, with the
    uncertainty of the group's, because the lines' idle power is itself an estimate."""
    own = [s for s in servers if s.year >= from_year]
    newer = [s for s in lines if s.uarch in LINES]
    for s in newer:
        s.threads = 2 * s.cores  # all of them have SMT
    model = Threads(own + newer)
    u = {level: uncertainty(own, level) for level in ("micro-architecture", "group", "any")}
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
