"""P(u) = idle + (full - idle) s(u): the tiers, their fit, and how far they are off on machines left out."""

import numpy as np

from .tables import TERMS, t975, weights

RIDGE = 2.0  # pulls the effect of a micro-architecture with few machines to 0
SHAPE_PRIOR = 2.0  # CPUs' worth of the common curve in the curve of a micro-architecture
LEAST_RATIO = 1.05  # full over idle
# Later machines strayed further than those left out had said; set after seeing that (docs/energy.md).
NOVELTY = {"T1": 1.25, "T2b": 1.25, "T2c": 1.15, "T3a": 1.15, "T3b": 1.15}


class Predicted:
    def __init__(self, ln_idle, ln_full, curve):
        self.ln_idle, self.ln_full, self.curve = ln_idle, np.maximum(ln_full, ln_idle + np.log(LEAST_RATIO)), curve

    def with_idle(self, ln_idle, beta):
        """The idle power is known; what it says of full load by the joint spread of both."""
        return Predicted(ln_idle, self.ln_full + beta * (ln_idle - self.ln_idle), self.curve)

    def dynamic(self):
        """P(u) - idle at 10, 20, … 100 %."""
        return (np.exp(self.ln_full) - np.exp(self.ln_idle))[:, None] * self.curve[:, 1:]


def stack(servers):
    return np.stack([s.watts for s in servers])


def curves(servers):
    w = stack(servers)
    return (w - w[:, :1]) / (w[:, -1:] - w[:, :1])


def mean_curve(servers):
    w = weights(servers, lambda s: s.cpu, 1.0)
    return (w[:, None] * curves(servers)).sum(0) / w.sum()


class Regression:
    """ln idle and ln full linear in logarithms; least squares, a CPU with n machines weighs sqrt(n)."""

    def __init__(self, tier, servers):
        self.tier = tier
        self.uarchs = sorted({s.uarch for s in servers}) if tier == "T2b" else []
        w = weights(servers, lambda s: s.cpu, 0.5)[:, None]
        x, y = self.terms(servers), np.log(stack(servers)[:, [0, -1]])
        penalty = np.diag([1e-9] * len(self.names()) + [RIDGE] * len(self.uarchs))
        self.b = np.linalg.solve(x.T @ (w * x) + penalty, x.T @ (w * y))
        self.common = mean_curve(servers)
        self.curve = {}
        for u in self.uarchs:
            own = [s for s in servers if s.uarch == u]
            n = len({s.cpu for s in own})
            self.curve[u] = (n * mean_curve(own) + SHAPE_PRIOR * self.common) / (n + SHAPE_PRIOR)

    def names(self):
        return {"T2b": ["const", "ln_sockets_x_tdp_w", "ln_total_cores", "is_amd"],
                "T2c": ["const", "ln_sockets_x_tdp_w", "ln_total_cores", "is_amd"],
                "T3a": ["const", "ln_total_cores", "is_amd"],
                "T3b": ["const", "ln_total_cores"]}[self.tier]

    def terms(self, servers):
        all_terms = np.stack([s.terms for s in servers])[:, [TERMS.index(n) for n in self.names()]]
        return np.hstack([all_terms] + [np.array([[float(s.uarch == u)] for s in servers]) for u in self.uarchs])

    def predict(self, servers):
        ln = self.terms(servers) @ self.b
        return Predicted(ln[:, 0], ln[:, 1], np.stack([self.curve.get(s.uarch, self.common) for s in servers]))

    def knows(self, server):
        return self.tier != "T2b" or server.uarch in self.curve


class Residuals:
    """ln(true/predicted) of idle, of P(u) - idle, of P(u), and of full load, for machines left out."""

    def __init__(self, servers, predicted):
        w = stack(servers)
        self.servers, self.predicted = servers, predicted
        self.idle = np.log(w[:, 0]) - predicted.ln_idle
        self.full = np.log(w[:, -1]) - predicted.ln_full
        self.dynamic = np.log(np.maximum(w[:, 1:] - w[:, :1], 0.1)) - np.log(predicted.dynamic())
        self.total = np.log(w) - np.log(np.exp(predicted.ln_idle)[:, None] +
                                        np.hstack([np.zeros((len(w), 1)), predicted.dynamic()]))


def left_out(fit, servers, group):
    """Every group predicted by a fit to the others. fit(servers) -> model; groups the model cannot know are skipped."""
    tested, parts = [], []
    for g in sorted({group(s) for s in servers}):
        model = fit([s for s in servers if group(s) != g])
        own = [s for s in servers if group(s) == g and model.knows(s)]
        if own:
            tested += own
            parts.append(model.predict(own))
    return tested, Predicted(*(np.concatenate([getattr(p, a) for p in parts]) for a in ("ln_idle", "ln_full", "curve")))


class Spread:
    """How uncertain idle and P(u) - idle are: root mean square of the residuals of groups left out, times Student's t of
    as many groups and the sqrt(1 + 1/G) of a new one, over 1.96. `by` weigh alike."""

    def __init__(self, residuals, group, by, novelty=1.0):
        g = len({group(s) for s in residuals.servers})
        w = weights(residuals.servers, by, 1.0)
        w /= w.sum()
        scale = novelty * t975(g - 1) * np.sqrt(1.0 + 1.0 / g) / 1.96
        square = lambda a, b: (w @ (a * b))
        r_i, r_d = residuals.idle, residuals.dynamic
        self.groups = g
        self.u_idle = scale * np.sqrt(square(r_i, r_i))
        self.u_dynamic = np.array([scale * np.sqrt(square(d, d)) for d in r_d.T])
        self.correlation = np.array([square(r_i, d) / np.sqrt(max(square(r_i, r_i) * square(d, d), 1e-12))
                                     for d in r_d.T])
        self.beta = square(r_i, residuals.full) / max(square(r_i, r_i), 1e-12)

    def u_total(self, predicted):
        """Of ln P(u) at the 11 loads, first order: as src/meter/estimate.cpp does it."""
        idle = np.exp(predicted.ln_idle)[:, None]
        dynamic = predicted.dynamic()
        share = dynamic / (idle + dynamic)
        a, b = (1.0 - share) * self.u_idle, share * self.u_dynamic[None, :]
        u = np.sqrt(np.maximum(a * a + b * b + 2.0 * self.correlation[None, :] * a * b, 0.0))
        return np.hstack([np.full((len(u), 1), self.u_idle), u])


def idle_known(residuals, spread):
    """The same machines predicted with their idle power known."""
    p = residuals.predicted.with_idle(np.log(stack(residuals.servers)[:, 0]), spread.beta)
    return Residuals(residuals.servers, p)


def modes(servers, n):
    """The n principal ways in which CPUs' curves differ from the mean curve, each times its standard deviation."""
    cpus = sorted({s.cpu for s in servers})
    own = np.stack([curves([s for s in servers if s.cpu == c]).mean(0) for c in cpus]) - mean_curve(servers)
    _, size, way = np.linalg.svd(own, full_matrices=False)
    return size[:n, None] / np.sqrt(len(cpus) - 1) * way[:n]
