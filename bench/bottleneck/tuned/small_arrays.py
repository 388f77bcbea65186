"""Known answer: dispatch. numpy on vectors of eight numbers: 8 additions a call, and the call costs a hundred times that."""
import numpy

x = numpy.linspace(0.0, 1.0, 8)
step = numpy.full(8, 1e-3)
for _ in range(300_000):
    y = x * 0.999
    x = y + step
    x = numpy.minimum(x, 2.0)
print(float(x.sum()))
