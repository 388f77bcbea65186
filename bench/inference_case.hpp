/// What the programs of the inference benchmark share: the network and rows that bench/inference.py wrote, and timing.
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

/// LeakyReLU(0.01) after all layers but the last; weights (outputs x inputs) row-major.
struct Case {
  std::vector<std::int32_t> sizes;
  std::vector<std::vector<double>> weight, bias;
  std::vector<float> rows;  ///< row-major, sizes.front() columns

  [[nodiscard]] std::size_t inputs() const { return static_cast<std::size_t>(sizes.front()); }
  [[nodiscard]] std::size_t outputs() const { return static_cast<std::size_t>(sizes.back()); }
  [[nodiscard]] std::size_t row_count() const { return rows.size() / inputs(); }
  [[nodiscard]] double flop_per_row() const {
    double sum = 0;
    for (std::size_t l = 0; l + 1 < sizes.size(); ++l) sum += 2.0 * sizes[l] * sizes[l + 1];
    return sum;
  }
};

/// int32 layers, int32 sizes, then for each layer its weights and biases as f8, then int64 rows and the rows as f4.
inline Case read_case(const char* path) {
  std::ifstream in(path, std::ios::binary);
  const auto take = [&](auto& values) {
    in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof values[0]));
  };
  Case found;
  std::vector<std::int32_t> layers(1);
  take(layers);
  found.sizes.resize(static_cast<std::size_t>(layers[0]) + 1);
  take(found.sizes);
  for (std::size_t l = 0; l + 1 < found.sizes.size(); ++l) {
    found.weight.emplace_back(static_cast<std::size_t>(found.sizes[l]) * static_cast<std::size_t>(found.sizes[l + 1]));
    found.bias.emplace_back(static_cast<std::size_t>(found.sizes[l + 1]));
    take(found.weight.back());
    take(found.bias.back());
  }
  std::vector<std::int64_t> rows(1);
  take(rows);
  found.rows.resize(static_cast<std::size_t>(rows[0]) * found.inputs());
  take(found.rows);
  if (!in) throw std::runtime_error(std::string("cannot read ") + path);
  return found;
}

/// The shortest of several runs, in seconds: the machine's other work only ever adds. At least `least` runs and 0.4 s.
template <class Body>
double best_seconds(int least, const Body& body) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30, total = 0;
  body();  // first touch of the memory, and warm caches
  for (int i = 0; i < least || total < 0.4; ++i) {
    const auto start = Clock::now();
    body();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, seconds);
    total += seconds;
  }
  return best;
}

/// The network in double, for the first `rows` rows.
inline std::vector<double> exact(const Case& c, std::size_t rows) {
  std::vector<double> result;
  for (std::size_t r = 0; r < std::min(rows, c.row_count()); ++r) {
    const float* row = c.rows.data() + r * c.inputs();
    std::vector<double> x(row, row + c.inputs());
    for (std::size_t l = 0; l < c.weight.size(); ++l) {
      std::vector<double> y = c.bias[l];
      for (std::size_t o = 0; o < y.size(); ++o) {
        for (std::size_t i = 0; i < x.size(); ++i) y[o] += c.weight[l][o * x.size() + i] * x[i];
        if (l + 1 < c.weight.size() && y[o] < 0) y[o] *= 0.01;
      }
      x = y;
    }
    result.insert(result.end(), x.begin(), x.end());
  }
  return result;
}

/// Members of print_result: the error of the first 512 rows of `y`, and the spread of the exact values about their
/// column's mean.
template <class T>
std::string errors(const Case& c, const T* y) {
  const std::vector<double> right = exact(c, 512);
  const std::size_t columns = c.outputs(), rows = right.size() / columns;
  double largest = 0, squares = 0, spread = 0;
  for (std::size_t k = 0; k < columns; ++k) {
    double sum = 0, sum_of_squares = 0;
    for (std::size_t i = k; i < right.size(); i += columns) {
      const double difference = static_cast<double>(y[i]) - right[i];
      largest = std::max(largest, std::fabs(difference));
      squares += difference * difference;
      sum += right[i];
      sum_of_squares += right[i] * right[i];
    }
    spread += std::max(0.0, sum_of_squares - sum * sum / static_cast<double>(rows));
  }
  const double count = static_cast<double>(right.size());
  char text[128];
  std::snprintf(text, sizeof text, R"(, "largest_error": %.3g, "rms_error": %.3g, "spread": %.3g)", largest,
                std::sqrt(squares / count), std::sqrt(spread / count));
  return text;
}

/// One line of JSON a measurement; `extra` is more members, each with a comma before it.
inline void print_result(const std::string& who, const std::string& arithmetic, double seconds, double rows,
                         double flop_per_row, const std::string& extra = "") {
  std::printf(R"({"who": "%s", "arithmetic": "%s", "rows_per_s": %.6g, "gflop_per_s": %.6g%s})", who.c_str(),
              arithmetic.c_str(), rows / seconds, rows * flop_per_row / seconds / 1e9, extra.c_str());
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace bench
