// The kernels of dense inference, included once for each instruction set inside a namespace that defines
//   instructions              which set this is
//   multiply_add(x, w, sum)   x * w + sum, x and sum vectors, w one value for all lanes
// and, for the arithmetics that it instantiates (dots.inl has both in terms of multiply_add and integers),
//   bfloat16_dot(x, w, sum)   sum + the two products of a unit's bfloat16 halves
//   bfloat16_pair(low, high)  units of two vectors of floats
//   int8_dot(x, w, sum)       sum + the four products of a unit's unsigned by signed bytes
// under `#pragma GCC target`, so that nothing here is shared between sets.

// Vectors wider than a register are passed only to functions that are always inlined: no ABI to change.
#pragma GCC diagnostic ignored "-Wpsabi"

template <class T, std::size_t Lanes>
struct VectorOf {
  typedef T type __attribute__((vector_size(Lanes * sizeof(T)), may_alias));
};
template <class T, std::size_t Lanes>
struct LooseVectorOf {
  typedef T type __attribute__((vector_size(Lanes * sizeof(T)), may_alias, aligned(sizeof(T))));
};

template <Arithmetic A>
struct Kernel {
  using Real = typename Traits<A>::Real;
  using Unit = typename Traits<A>::Unit;
  static constexpr std::size_t group = Traits<A>::group;
  static constexpr std::size_t block_rows = block_shape<A>(instructions).rows;
  static constexpr std::size_t lanes = block_rows / 2;
  template <class T>
  using Lanes = typename VectorOf<T, lanes>::type;
  using SumValue = std::conditional_t<A == Arithmetic::Int8, std::int32_t, Real>;
  using Sum = Lanes<SumValue>;

  struct Task {
    const Unit* x;       // [step][block_rows]
    const Unit* weight;  // [step][outputs of the tile]
    std::size_t steps;
    const Real* bias;
    const Real* scale;  // of Int8
    SumValue* sums;     // [output][block_rows] of earlier and for later chunks of steps
    bool starts, ends;
    Activation activation;
    Real slope;
    Real* reals;  // where results go as they are, or null: as the next layer's units
    Unit* units;
    Quantisation quantisation;  // of these units
  };

  template <class T>
  [[gnu::always_inline]] static Lanes<T> load(const T* from) {
    return *reinterpret_cast<const Lanes<T>*>(from);
  }
  template <class T>
  [[gnu::always_inline]] static void store(T* to, const Lanes<T>& v) {
    *reinterpret_cast<Lanes<T>*>(to) = v;
  }
  template <class T>
  [[gnu::always_inline]] static Lanes<T> all(T value) {
    using Index = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;
    const Lanes<T> v = {value};
    return __builtin_shuffle(v, Lanes<Index>{});
  }

  [[gnu::always_inline]] static Sum step(const Lanes<Unit>& x, Unit w, const Sum& sum) {
    if constexpr (A == Arithmetic::BFloat16)
      return bfloat16_dot(x, w, sum);
    else if constexpr (A == Arithmetic::Int8)
      return int8_dot(x, w, sum);
    else
      return multiply_add(x, w, sum);
  }

  // `group` vectors of results, of consecutive outputs, as what the next layer multiplies.
  [[gnu::always_inline]] static Lanes<Unit> to_units(const Lanes<Real>* v, const Quantisation& q) {
    if constexpr (A == Arithmetic::BFloat16) {
      return bfloat16_pair(v[0], v[1]);
    } else if constexpr (A == Arithmetic::Int8) {
      Lanes<Unit> unit = {};
      for (std::size_t i = 0; i < group; ++i) {
        Lanes<Real> level = v[i] * q.inverse_step + q.zero;
        level = level > 0.0F ? level : Lanes<Real>{};  // NaN too
        level = level < 255.0F ? level : all(255.0F);
        unit |= reinterpret_cast<Lanes<Unit>>(__builtin_convertvector(level, Lanes<std::int32_t>)) << (8 * i);
      }
      return unit;
    } else {
      return v[0];
    }
  }

  template <std::size_t Outputs>
  static void tile(const Task& t) {
    Sum s[Outputs][2];
    if (!t.starts) {
#pragma GCC unroll 16
      for (std::size_t o = 0; o < Outputs; ++o)
        for (std::size_t half = 0; half < 2; ++half) s[o][half] = load(t.sums + o * block_rows + half * lanes);
    } else if constexpr (A == Arithmetic::Int8) {
#pragma GCC unroll 16
      for (std::size_t o = 0; o < Outputs; ++o) s[o][0] = s[o][1] = Sum{};
    } else {
#pragma GCC unroll 16
      for (std::size_t o = 0; o < Outputs; ++o) s[o][0] = s[o][1] = all(t.bias[o]);
    }
    const Unit* x = t.x;
    const Unit* w = t.weight;
    for (std::size_t i = 0; i < t.steps; ++i, x += block_rows, w += Outputs) {
      const Lanes<Unit> x0 = load(x), x1 = load(x + lanes);
#pragma GCC unroll 16
      for (std::size_t o = 0; o < Outputs; ++o) {
        s[o][0] = step(x0, w[o], s[o][0]);
        s[o][1] = step(x1, w[o], s[o][1]);
      }
    }
    if (!t.ends) {
#pragma GCC unroll 16
      for (std::size_t o = 0; o < Outputs; ++o)
        for (std::size_t half = 0; half < 2; ++half) store(t.sums + o * block_rows + half * lanes, s[o][half]);
      return;
    }
    Lanes<Real> y[Outputs][2];
#pragma GCC unroll 16
    for (std::size_t o = 0; o < Outputs; ++o) {
      for (std::size_t half = 0; half < 2; ++half) {
        if constexpr (A == Arithmetic::Int8)
          y[o][half] = __builtin_convertvector(s[o][half], Lanes<Real>) * t.scale[o] + t.bias[o];
        else
          y[o][half] = s[o][half];
      }
    }
    if (t.activation == Activation::LeakyRelu) {
      const Lanes<Real> slope = all(t.slope);
#pragma GCC unroll 16
      for (std::size_t o = 0; o < Outputs; ++o)
        for (Lanes<Real>& v : y[o]) v = v > Lanes<Real>{} ? v : v * slope;
    } else if (t.activation == Activation::Relu) {
#pragma GCC unroll 16
      for (std::size_t o = 0; o < Outputs; ++o)
        for (Lanes<Real>& v : y[o]) v = v < Lanes<Real>{} ? Lanes<Real>{} : v;
    }
    if (t.reals) {
#pragma GCC unroll 16
      for (std::size_t o = 0; o < Outputs; ++o)
        for (std::size_t half = 0; half < 2; ++half) store(t.reals + o * block_rows + half * lanes, y[o][half]);
      return;
    }
#pragma GCC unroll 16
    for (std::size_t o = 0; o < Outputs; o += group) {
      for (std::size_t half = 0; half < 2; ++half) {
        Lanes<Real> v[group];
        for (std::size_t i = 0; i < group; ++i) v[i] = y[o + i][half];
        store(t.units + o / group * block_rows + half * lanes, to_units(v, t.quantisation));
      }
    }
  }

  static void run_tile(std::size_t outputs, const Task& task) {
    using Function = void (*)(const Task&);
    static constexpr auto table = []<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<Function, sizeof...(I)>{&tile<(I + 1) * group>...};
    }
    (std::make_index_sequence<block_shape<A>(instructions).outputs / group>{});
    table[outputs / group - 1](task);
  }

  // From rows [row][column] to [column][block_rows], by squares of the widest kind that one instruction interleaves.
  template <class S>
  static void turn_in(const S* x, std::size_t stride, std::size_t rows, std::size_t columns, S* to) {
    constexpr std::size_t side = 16 / sizeof(S);
    using Square = typename LooseVectorOf<S, side>::type;
    std::size_t c = 0;
    if (rows == block_rows) {
      for (; c + side <= columns; c += side) {
        for (std::size_t r = 0; r < block_rows; r += side) {
          Square v[side];
#pragma GCC unroll 4
          for (std::size_t i = 0; i < side; ++i) v[i] = *reinterpret_cast<const Square*>(x + (r + i) * stride + c);
          turn(v);
#pragma GCC unroll 4
          for (std::size_t i = 0; i < side; ++i) *reinterpret_cast<Square*>(to + (c + i) * block_rows + r) = v[i];
        }
      }
    }
    for (; c < columns; ++c) {
      for (std::size_t r = 0; r < rows; ++r) to[c * block_rows + r] = x[r * stride + c];
      for (std::size_t r = rows; r < block_rows; ++r) to[c * block_rows + r] = S{0};
    }
  }
  template <class D>
  static void turn_out(const D* from, std::size_t columns, D* y, std::size_t stride, std::size_t rows) {
    constexpr std::size_t side = 16 / sizeof(D);
    using Square = typename LooseVectorOf<D, side>::type;
    std::size_t c = 0;
    if (rows == block_rows) {
      for (; c + side <= columns; c += side) {
        for (std::size_t r = 0; r < block_rows; r += side) {
          Square v[side];
#pragma GCC unroll 4
          for (std::size_t i = 0; i < side; ++i)
            v[i] = *reinterpret_cast<const Square*>(from + (c + i) * block_rows + r);
          turn(v);
#pragma GCC unroll 4
          for (std::size_t i = 0; i < side; ++i) *reinterpret_cast<Square*>(y + (r + i) * stride + c) = v[i];
        }
      }
    }
    for (; c < columns; ++c)
      for (std::size_t r = 0; r < rows; ++r) y[r * stride + c] = from[c * block_rows + r];
  }
  template <class Square>
  [[gnu::always_inline]] static void turn(Square (&v)[2]) {
    const Square a = __builtin_shufflevector(v[0], v[1], 0, 2), b = __builtin_shufflevector(v[0], v[1], 1, 3);
    v[0] = a;
    v[1] = b;
  }
  template <class Square>
  [[gnu::always_inline]] static void turn(Square (&v)[4]) {
    const Square a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5),
                 b = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
    const Square c = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5),
                 d = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
    v[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    v[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    v[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    v[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
  }

  // Columns [first, first + columns) of a block of rows, normalised, as units.
  template <class S>
  static void read_in(const PackedNetwork<A>& net, const PackedScaling<S>& scaling, const S* x, std::size_t stride,
                      std::size_t rows, std::size_t first, std::size_t columns, S* raw, Unit* units) {
    turn_in(x + first, stride, rows, columns, raw);
    const Quantisation& quantisation = net.layers.front().quantisation;
    for (std::size_t c = 0; c < columns; c += group) {
      for (std::size_t r = 0; r < block_rows; r += lanes) {
        Lanes<Real> values[group] = {};
        for (std::size_t i = 0; i < std::min(group, columns - c); ++i) {
          Lanes<S> v = load(raw + (c + i) * block_rows + r);
          if (scaling.any()) {
            v -= scaling.low.data()[first + c + i];
            const S factor = scaling.factor.data()[first + c + i];
            v = net.divide ? v / factor : v * factor;
          }
          values[i] = __builtin_convertvector(v, Lanes<Real>);
        }
        store(units + c / group * block_rows + r, to_units(values, quantisation));
      }
    }
  }

  // Columns [first, first + columns) of the results, un-normalised, into their rows.
  template <class W, class D>
  static void write_out(const PackedNetwork<A>& net, const PackedScaling<W>& scaling, const Real* reals, D* written,
                        std::size_t first, std::size_t columns, D* y, std::size_t stride, std::size_t rows) {
    for (std::size_t c = 0; c < columns; ++c) {
      const Rounding rounding = net.rounding.empty() ? Rounding::None : net.rounding[first + c];
      for (std::size_t r = 0; r < block_rows; r += lanes) {
        Lanes<W> v = __builtin_convertvector(load(reals + c * block_rows + r), Lanes<W>);
        if (scaling.any()) {
          v = v * scaling.factor.data()[first + c];
          v = v + scaling.low.data()[first + c];
        }
        if (rounding == Rounding::Nearest)
          for (std::size_t i = 0; i < lanes; ++i) v[i] = std::rint(v[i]);
        if (rounding == Rounding::Truncate)
          for (std::size_t i = 0; i < lanes; ++i) v[i] = std::trunc(v[i]);
        store(written + c * block_rows + r, __builtin_convertvector(v, Lanes<D>));
      }
    }
    turn_out(written, columns, y + first, stride, rows);
  }

  struct Parts {
    std::byte* start;
    ScratchLayout<A> layout;
    template <class T>
    T* at(std::size_t offset) const {
      return reinterpret_cast<T*>(start + offset);
    }
  };

  template <class S, class W, class D>
  static void block(const PackedNetwork<A>& net, const PackedScaling<S>& in, const PackedScaling<W>& out, const S* x,
                    std::size_t x_stride, D* y, std::size_t y_stride, std::size_t rows, const Parts& parts,
                    StepTimes* times) {
    if (times != nullptr) times->start();
    Unit* from = nullptr;
    for (std::size_t l = 0; l < net.layers.size(); ++l) {
      const PackedLayer<A>& layer = net.layers[l];
      const bool last = l + 1 == net.layers.size();
      const std::size_t chunk = l == 0 ? input_chunk : layer.inputs;
      Unit* to = parts.template at<Unit>(l % 2 == 0 ? parts.layout.a : parts.layout.b);
      std::size_t collected = 0;
      for (std::size_t first = 0; first < layer.inputs; first += chunk) {
        const std::size_t columns = std::min(chunk, layer.inputs - first);
        if (l == 0) {
          from = parts.template at<Unit>(parts.layout.units);
          read_in(net, in, x, x_stride, rows, first, columns, parts.template at<S>(parts.layout.raw), from);
        }
        Task task;
        task.x = from;
        task.steps = (columns + group - 1) / group;
        task.starts = first == 0;
        task.ends = first + columns == layer.inputs;
        task.activation = layer.activation;
        task.slope = layer.slope;
        if (!last) task.quantisation = net.layers[l + 1].quantisation;
        const Unit* weight = layer.weight.data();
        for (const Tile& t : layer.tiles) {
          Real* reals = parts.template at<Real>(parts.layout.reals);
          task.weight = weight + first / group * t.outputs;
          task.bias = layer.bias.data() + t.first;
          task.scale = A == Arithmetic::Int8 ? layer.scale.data() + t.first : nullptr;
          task.sums = parts.template at<SumValue>(parts.layout.sums) + t.first * block_rows;
          task.reals = last ? reals + (t.first - collected) * block_rows : nullptr;
          task.units = to + t.first / group * block_rows;
          run_tile(t.outputs, task);
          weight += layer.steps * t.outputs;
          const std::size_t done = std::min<std::size_t>(t.first + t.outputs, layer.outputs);
          if (last && task.ends && (done - collected >= output_chunk || done == layer.outputs)) {
            write_out(net, out, reals, parts.template at<D>(parts.layout.written), collected, done - collected, y,
                      y_stride, rows);
            collected = done;
          }
        }
      }
      from = to;
      if (times != nullptr) times->lap(l);
    }
  }

  template <class S, class W, class D>
  static void blocks(const PackedNetwork<A>& net, const PackedScaling<S>& in, const PackedScaling<W>& out, const S* x,
                     std::size_t x_stride, D* y, std::size_t y_stride, std::size_t rows, std::byte* scratch,
                     StepTimes* times) {
    const Parts parts{scratch, ScratchLayout<A>(net, instructions)};
    for (std::size_t row = 0; row < rows; row += block_rows)
      block(net, in, out, x + row * x_stride, x_stride, y + row * y_stride, y_stride, std::min(block_rows, rows - row),
            parts, times);
  }
};

template <Arithmetic A>
void run_rows(const PackedNetwork<A>& net, const ConstRows& x, const MutableRows& y, std::byte* scratch,
              StepTimes* times) {
  const auto from = [&](const auto& in, const auto* values) {
    if (y.f8)
      Kernel<A>::blocks(net, in, net.out_f8, values, x.stride, y.f8, y.stride, x.rows, scratch, times);
    else if constexpr (sizeof(typename Traits<A>::Real) == 8)
      Kernel<A>::blocks(net, in, net.out_f8, values, x.stride, y.f4, y.stride, x.rows, scratch, times);
    else
      Kernel<A>::blocks(net, in, net.out_f4, values, x.stride, y.f4, y.stride, x.rows, scratch, times);
  };
  if (x.f8)
    from(net.in_f8, x.f8);
  else
    from(net.in_f4, x.f4);
}
