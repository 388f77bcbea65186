#include "codec/baler/pickle/machine.hpp"

#include <bit>

#include "codec/baler/pickle/opcodes.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler::pickle {

/// Runs one program into a Pickle.
class Machine {
 public:
  Machine(Pickle& out, std::span<const Global> allowed, const Limits& limits)
      : out_(out), reader_(out.bytes_, out.what_), allowed_(allowed), limits_(limits) {}

  void run() {
    for (std::uint64_t count = 0;; ++count) {
      if (count >= limits_.opcodes) out_.fail("holds more than " + std::to_string(limits_.opcodes) + " operations");
      const auto opcode = reader_.get<std::uint8_t>();
      if (opcode == op::stop) break;
      step(opcode);
    }
    out_.root_ = pop();
    out_.end_ = out_.bytes_.size() - reader_.remaining();
  }

 private:
  void step(std::uint8_t opcode) {
    switch (opcode) {
      case op::proto:
        if (reader_.get<std::uint8_t>() > 5) out_.fail("is of an unknown pickle protocol");
        return;
      case op::frame:
        static_cast<void>(reader_.get<std::uint64_t>());
        return;
      case op::none:
        return push({});
      case op::new_true:
        return push_integer(Kind::Bool, 1);
      case op::new_false:
        return push_integer(Kind::Bool, 0);
      case op::bin_int:
        return push_integer(Kind::Int, reader_.get<std::int32_t>());
      case op::bin_int1:
        return push_integer(Kind::Int, reader_.get<std::uint8_t>());
      case op::bin_int2:
        return push_integer(Kind::Int, reader_.get<std::uint16_t>());
      case op::long1:
        return push_long(reader_.get<std::uint8_t>());
      case op::bin_float:
        return push_float();
      case op::short_bin_unicode:
        return push_range(Kind::Text, reader_.get<std::uint8_t>());
      case op::bin_unicode:
        return push_range(Kind::Text, reader_.get<std::uint32_t>());
      case op::short_bin_bytes:
        return push_range(Kind::Bytes, reader_.get<std::uint8_t>());
      case op::bin_bytes:
        return push_range(Kind::Bytes, reader_.get<std::uint32_t>());
      case op::empty_tuple:
        return push_tuple(0);
      case op::empty_list:
        return push_list(Kind::List);
      case op::empty_dict:
        return push_list(Kind::Dict);
      default:
        return step_stack(opcode);
    }
  }

  void step_stack(std::uint8_t opcode) {
    switch (opcode) {
      case op::mark:
        if (marks_.size() >= limits_.depth) out_.fail("nests deeper than " + std::to_string(limits_.depth));
        marks_.push_back(stack_.size());
        return;
      case op::pop:
        static_cast<void>(pop());
        return;
      case op::tuple:
        return push_tuple(marked());
      case op::tuple1:
      case op::tuple2:
      case op::tuple3:
        return push_tuple(opcode - op::tuple1 + 1U);
      case op::append:
        return move_to_list(1, Kind::List);
      case op::appends:
        return move_to_list(marked(), Kind::List);
      case op::set_item:
        return set_items(2);
      case op::set_items:
        return set_items(marked());
      default:
        return step_names(opcode);
    }
  }

  void step_names(std::uint8_t opcode) {
    switch (opcode) {
      case op::bin_put:
        return put(reader_.get<std::uint8_t>());
      case op::long_bin_put:
        return put(reader_.get<std::uint32_t>());
      case op::memoize:
        return put(memo_.size());
      case op::bin_get:
        return get(reader_.get<std::uint8_t>());
      case op::long_bin_get:
        return get(reader_.get<std::uint32_t>());
      case op::global: {
        const std::string_view module = line();
        return push_global(module, line());
      }
      case op::stack_global: {
        const Value name = pop(), module = pop();
        if (name.kind != Kind::Text || module.kind != Kind::Text)
          out_.fail("names a global by something else than text");
        return push_global(out_.text(module), out_.text(name));
      }
      case op::reduce:
        return reduce();
      case op::build:
        return build();
      case op::bin_persid: {
        const Value id = pop();
        if (id.kind != Kind::Tuple) out_.fail("refers to something outside by an id that is no tuple");
        return push({Kind::Persistent, 0, id.length, {.index = id.index}});
      }
      case op::inst: {
        const std::string_view module = line();
        refuse(module, line(), "INST");
      }
      default:
        out_.fail("uses the operation " + op::name(opcode) +
                  ", which no table of numbers needs: refused, nothing was run");
    }
  }

  [[noreturn]] void refuse(std::string_view module, std::string_view name, std::string_view how) const {
    out_.fail("asks for " + data::quoted_name(std::string(module) + " " + std::string(name)) + " (" + std::string(how) +
              "), which is code: refused, nothing was run");
  }

  // -- values
  void push(const Value& v) { stack_.push_back(v); }
  void push_integer(Kind kind, std::int64_t v) { push({kind, 0, 0, {.integer = v}}); }
  void push_long(std::uint8_t bytes) {
    if (bytes > 8) out_.fail("holds an integer of more than 64 bits");
    const ByteSpan raw = reader_.get_bytes(bytes);
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) v |= std::to_integer<std::uint64_t>(raw[i]) << (8 * i);
    const bool negative = bytes > 0 && (raw.back() & std::byte{0x80}) != std::byte{0};
    if (negative && bytes < 8) v |= ~std::uint64_t{0} << (8 * bytes);
    push_integer(Kind::Int, static_cast<std::int64_t>(v));
  }
  void push_float() {
    const ByteSpan raw = reader_.get_bytes(8);  // big-endian
    std::uint64_t bits = 0;
    for (const std::byte b : raw) bits = (bits << 8) | std::to_integer<std::uint64_t>(b);
    push({Kind::Float, 0, 0, {.real = std::bit_cast<double>(bits)}});
  }
  void push_range(Kind kind, std::uint32_t length) {
    const std::uint64_t offset = out_.bytes_.size() - reader_.remaining();
    static_cast<void>(reader_.get_bytes(length));
    push({kind, 0, length, {.index = offset}});
  }
  /// Makes a tuple of the last `count` values.
  void push_tuple(std::size_t count) {
    if (stack_.size() - bottom() < count) out_.fail("takes a value from an empty stack");
    const std::uint64_t first = out_.tuples_.size();
    out_.tuples_.insert(out_.tuples_.end(), stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    push({Kind::Tuple, 0, static_cast<std::uint32_t>(count), {.index = first}});
  }
  void push_list(Kind kind) {
    out_.lists_.emplace_back();
    push({kind, 0, 0, {.index = out_.lists_.size() - 1}});
  }
  Value pop() {
    if (stack_.size() <= bottom()) out_.fail("takes a value from an empty stack");
    const Value v = stack_.back();
    stack_.pop_back();
    return v;
  }
  [[nodiscard]] std::size_t bottom() const { return marks_.empty() ? 0 : marks_.back(); }
  const Value& top() {
    if (stack_.size() <= bottom()) out_.fail("takes a value from an empty stack");
    return stack_.back();
  }
  /// How many values lie above the last mark, which goes away.
  std::size_t marked() {
    if (marks_.empty()) out_.fail("ends a list that it never began");
    const std::size_t count = stack_.size() - marks_.back();
    marks_.pop_back();
    return count;
  }
  std::vector<Value>& list_below(std::size_t count, Kind kind) {
    if (stack_.size() - bottom() <= count) out_.fail("takes a value from an empty stack");
    const Value& target = stack_[stack_.size() - count - 1];
    if (target.kind == kind) return out_.lists_[target.index];
    if (kind != Kind::Dict || target.kind != Kind::Object) out_.fail("adds to a value that is no list");
    std::uint64_t& items = out_.objects_[target.index].items;
    if (items == Object::without_items) {
      items = out_.lists_.size();
      out_.lists_.emplace_back();
    }
    return out_.lists_[items];
  }
  void move_to_list(std::size_t count, Kind kind) {
    std::vector<Value>& to = list_below(count, kind);
    to.insert(to.end(), stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
  }
  void set_items(std::size_t count) {
    if (count % 2 != 0) out_.fail("sets a key without a value");
    move_to_list(count, Kind::Dict);
  }

  // -- memo
  void put(std::uint64_t at) {
    // A pickle names its memos in order; a gap would be an attempt to make us allocate.
    if (at > memo_.size()) out_.fail("remembers values out of order");
    const Value v = top();
    if (at == memo_.size()) {
      memo_.push_back(v);
    } else {
      memo_[at] = v;
    }
  }
  void get(std::uint64_t at) {
    if (at >= memo_.size()) out_.fail("recalls a value that it never remembered");
    push(memo_[at]);
  }

  // -- names
  std::string_view line() {
    const std::size_t begin = out_.bytes_.size() - reader_.remaining();
    const std::string_view rest = as_text(out_.bytes_.subspan(begin));
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) out_.fail("is truncated in a name");
    static_cast<void>(reader_.get_bytes(end + 1));
    return rest.substr(0, end);
  }
  void push_global(std::string_view module, std::string_view name) {
    for (std::size_t i = 0; i < allowed_.size(); ++i)
      if (allowed_[i].module == module && allowed_[i].name == name)
        return push({Kind::Global, static_cast<std::uint8_t>(i), 0, {.index = 0}});
    refuse(module, name, "GLOBAL");
  }
  void reduce() {
    const Value arguments = pop(), callee = pop();
    if (callee.kind != Kind::Global || arguments.kind != Kind::Tuple)
      out_.fail("calls something that is not a known name: refused, nothing was run");
    const Global& global = allowed_[callee.global];
    if (!global.callable) refuse(global.module, global.name, "REDUCE");
    out_.objects_.push_back({callee.global, arguments, {}});
    push({Kind::Object, callee.global, 0, {.index = out_.objects_.size() - 1}});
  }
  void build() {
    const Value state = pop();
    const Value& target = top();
    if (target.kind != Kind::Object) out_.fail("gives a state to a value that has none: refused, nothing was run");
    Object& object = out_.objects_[target.index];
    const Global& global = allowed_[object.global];
    if (!global.buildable) refuse(global.module, global.name, "BUILD");
    object.state = state;
  }

  Pickle& out_;
  ByteReader reader_;
  std::span<const Global> allowed_;
  Limits limits_;
  std::vector<Value> stack_, memo_;
  std::vector<std::size_t> marks_;
};

Pickle::Pickle(ByteSpan bytes, std::span<const Global> allowed, const std::string& what, const Limits& limits)
    : bytes_(bytes), what_(what) {
  Machine(*this, allowed, limits).run();
}

void Pickle::fail(const std::string& why) const { fail_input(what_ + " " + why); }

std::string_view Pickle::text(const Value& v) const {
  return as_text(bytes_.subspan(static_cast<std::size_t>(v.index), v.length));
}

std::span<const Value> Pickle::items(const Value& v) const {
  if (v.kind == Kind::Tuple || v.kind == Kind::Persistent)
    return std::span(tuples_).subspan(static_cast<std::size_t>(v.index), v.length);
  const std::uint64_t list = v.kind == Kind::Object ? objects_[v.index].items : v.index;
  if (list == Object::without_items) return {};
  return lists_[list];
}

const Object& Pickle::object(const Value& v) const { return objects_[v.index]; }

std::int64_t Pickle::integer(const Value& v) const {
  if (v.kind != Kind::Int && v.kind != Kind::Bool) fail("is damaged: a number is missing");
  return v.integer;
}

std::string_view Pickle::string(const Value& v) const {
  if (v.kind != Kind::Text) fail("is damaged: a text is missing");
  return text(v);
}

std::span<const Value> Pickle::sequence(const Value& v, Kind kind) const {
  if (v.kind != kind) fail("is damaged: it holds something else than what is expected there");
  return items(v);
}

const Object& Pickle::made_by(const Value& v, std::size_t global) const {
  if (v.kind != Kind::Object || v.global != global)
    fail("is damaged: it holds something else than what is expected there");
  return object(v);
}

}  // namespace haywatt::baler::pickle
