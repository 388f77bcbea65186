// Power iteration with a banded sparse matrix in compressed rows: 28 entries a row near the diagonal, two threads.
#include <barrier>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <utility>
#include <vector>

namespace {
constexpr std::size_t kRows = 750'000, kPerRow = 28;
constexpr int kIterations = 80;

struct Matrix {
  std::vector<std::uint32_t> start, column;
  std::vector<double> value;
};

Matrix banded() {
  Matrix m;
  std::uint32_t state = 5;
  m.start.reserve(kRows + 1);
  m.column.reserve(kRows * kPerRow);
  m.value.reserve(kRows * kPerRow);
  m.start.push_back(0);
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t k = 0; k < kPerRow; ++k) {
      state = state * 1664525u + 1013904223u;
      m.column.push_back(static_cast<std::uint32_t>((row + (state >> 22)) % kRows));
      m.value.push_back(static_cast<double>(state >> 8 & 0xff) / 4096.0);
    }
    m.start.push_back(static_cast<std::uint32_t>(m.column.size()));
  }
  return m;
}

void multiply(const Matrix& m, const double* x, double* y, std::size_t first, std::size_t last) {
  for (std::size_t row = first; row < last; ++row) {
    double a = 0, b = 0, c = 0, d = 0;
    std::size_t k = m.start[row];
    const std::size_t end = m.start[row + 1];
    for (; k + 3 < end; k += 4) {
      a += m.value[k] * x[m.column[k]];
      b += m.value[k + 1] * x[m.column[k + 1]];
      c += m.value[k + 2] * x[m.column[k + 2]];
      d += m.value[k + 3] * x[m.column[k + 3]];
    }
    for (; k < end; ++k) a += m.value[k] * x[m.column[k]];
    y[row] = 0.15 + 0.85 * (a + b + c + d);
  }
}
}  // namespace

int main() {
  const Matrix m = banded();
  std::vector<double> x(kRows, 1.0), y(kRows);
  std::barrier turn(2);
  auto work = [&](std::size_t first, std::size_t last) {
    double* from = x.data();
    double* to = y.data();
    for (int i = 0; i < kIterations; ++i) {
      multiply(m, from, to, first, last);
      std::swap(from, to);
      turn.arrive_and_wait();
    }
  };
  std::thread upper(work, 0, kRows / 2);
  work(kRows / 2, kRows);
  upper.join();
  double norm = 0;
  for (const double v : x) norm += v * v;
  std::printf("%.9e\n", std::sqrt(norm));
}
