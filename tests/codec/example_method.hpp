/// The example of docs/adding-a-codec.md, word for word.
#pragma once
#include <algorithm>

#include "haywatt/base/error.hpp"
#include "haywatt/codec/column_codec.hpp"

namespace haywatt::example {

class RunLengthCodec : public ColumnCodec {
 public:
  [[nodiscard]] ByteVector encode(const ColumnTask& task, ByteSpan values) const override {
    const std::size_t size = task.type.size;
    ByteWriter out;
    for (std::size_t at = 0; at < values.size();) {
      const ByteSpan value = values.subspan(at, size);
      std::uint64_t run = 0;
      for (; at < values.size() && std::equal(value.begin(), value.end(), values.begin() + at); at += size) ++run;
      out.put_varint(run);
      out.put_bytes(value);
    }
    return out.take();
  }

  [[nodiscard]] ByteVector decode(const ColumnTask& task, ByteSpan stream) const override {
    ByteReader in(stream, "run-length stream");  // every read is checked: Error(BadInput) beyond the end
    ByteVector values;
    for (std::uint64_t left = task.values; left > 0;) {
      const std::uint64_t run = in.get_varint();
      if (run == 0 || run > left) fail_input("damaged run-length stream: a run of " + std::to_string(run));
      const ByteSpan value = in.get_bytes(task.type.size);
      for (std::uint64_t i = 0; i < run; ++i) values.insert(values.end(), value.begin(), value.end());
      left -= run;
    }
    in.expect_end();
    return values;
  }
};

class RunLengthMethod : public ColumnMethod {
 public:
  [[nodiscard]] std::string name() const override { return "run-length"; }
  [[nodiscard]] std::string description() const override { return "run-length coding of equal values"; }
  [[nodiscard]] bool supports(BoundKind kind) const override { return kind == BoundKind::Lossless; }
  [[nodiscard]] std::string version() const override { return "1"; }

 protected:
  [[nodiscard]] std::unique_ptr<ColumnCodec> make_codec(const MethodSpec&) const override {
    return std::make_unique<RunLengthCodec>();
  }
  [[nodiscard]] std::unique_ptr<ColumnCodec> make_decoding_codec() const override {
    return std::make_unique<RunLengthCodec>();
  }
};

}  // namespace haywatt::example
