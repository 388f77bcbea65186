"""A Kalman filter track by track: numpy on arrays of two and four values."""
import numpy

rng = numpy.random.default_rng(5)
transport = numpy.array([[1.0, 0.1], [0.0, 1.0]])
noise = 1e-4 * numpy.eye(2)
project = numpy.array([[1.0, 0.0]])
resolution = numpy.array([[0.01]])
chi2 = 0.0
for measured in rng.normal(0, 0.1, (2500, 20)):
    state, covariance = numpy.zeros(2), numpy.eye(2)
    for value in measured:
        state = transport @ state
        covariance = transport @ covariance @ transport.T + noise
        innovation = value - project @ state
        spread = project @ covariance @ project.T + resolution
        gain = covariance @ project.T / spread
        state = state + gain @ innovation
        covariance = covariance - gain @ project @ covariance
        chi2 += float(innovation @ innovation / spread[0, 0])
print(f"{chi2:.6f}")
