"""A cut flow over events, written as a physicist's first script: one Python object an event, plain loops."""
import random

random.seed(3)


class Jet:
    def __init__(self, pt, eta, phi):
        self.pt, self.eta, self.phi = pt, eta, phi


def delta_phi(a, b):
    d = abs(a.phi - b.phi)
    return d if d < 3.14159265 else 6.2831853 - d


events = [[Jet(random.expovariate(0.02), random.uniform(-4, 4), random.uniform(-3.14, 3.14)) for _ in range(4)]
          for _ in range(5000)]
passed = {"central": 0, "two jets": 0, "back to back": 0}
mass = 0.0
for _ in range(130):
    for jets in events:
        central = [j for j in jets if abs(j.eta) < 2.5]
        if not central:
            continue
        passed["central"] += 1
        central.sort(key=lambda j: -j.pt)
        if len(central) < 2 or central[1].pt < 20:
            continue
        passed["two jets"] += 1
        for a in central:
            for b in central:
                if a is not b and delta_phi(a, b) > 2.5:
                    passed["back to back"] += 1
                    mass += a.pt * b.pt
print(passed, f"{mass:.3f}")
