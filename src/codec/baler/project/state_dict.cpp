#include "codec/baler/project/state_dict.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>

#include "codec/baler/pickle/machine.hpp"
#include "codec/baler/scalars.hpp"
#include "data/byte_source.hpp"
#include "data/checked.hpp"
#include "data/inflate.hpp"
#include "data/utf8.hpp"
#include "data/zip_directory.hpp"
#include "haywatt/base/error.hpp"

namespace haywatt::baler {
namespace {

using pickle::Kind;
using pickle::Pickle;
using pickle::Value;

enum TorchGlobal : std::uint8_t { OrderedDict, RebuildTensor, FirstStorage };

constexpr std::array<pickle::Global, 8> allowed = {{{"collections", "OrderedDict", true, true},
                                                    {"torch._utils", "_rebuild_tensor_v2", true, false},
                                                    {"torch", "DoubleStorage"},
                                                    {"torch", "FloatStorage"},
                                                    {"torch", "HalfStorage"},
                                                    {"torch", "BFloat16Storage"},
                                                    {"torch", "LongStorage"},
                                                    {"torch", "IntStorage"}}};

std::uint64_t item_bytes(TensorType type) {
  switch (type) {
    case TensorType::Float64:
    case TensorType::Int64:
      return 8;
    case TensorType::Float32:
    case TensorType::Int32:
      return 4;
    case TensorType::Float16:
    case TensorType::BFloat16:
      break;
  }
  return 2;
}

double value_of(TensorType type, const std::byte* at) {
  switch (type) {
    case TensorType::Float64:
      return load<double>(at);
    case TensorType::Float32:
      return static_cast<double>(load<float>(at));
    case TensorType::Float16:
      return static_cast<double>(half_to_float(load<Half>(at)));
    case TensorType::BFloat16:
      return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(load<std::uint16_t>(at)) << 16));
    case TensorType::Int64:
      return static_cast<double>(load<std::int64_t>(at));
    case TensorType::Int32:
      break;
  }
  return static_cast<double>(load<std::int32_t>(at));
}

struct Storage {
  TensorType type = TensorType::Float32;
  std::uint64_t count = 0;
};

std::uint64_t size_of(const Pickle& p, const Value& v) {
  const std::int64_t size = p.integer(v);
  if (size < 0 || static_cast<std::uint64_t>(size) >= data::size_limit) p.fail("is damaged: a size is absurd");
  return static_cast<std::uint64_t>(size);
}

std::vector<std::uint64_t> sizes_of(const Pickle& p, const Value& v) {
  std::vector<std::uint64_t> sizes;
  for (const Value& item : p.sequence(v, Kind::Tuple)) sizes.push_back(size_of(p, item));
  if (sizes.size() > 8) p.fail("is damaged: a tensor of " + std::to_string(sizes.size()) + " dimensions");
  return sizes;
}

/// ("storage", storage type, key, location, count)
std::pair<std::string, Storage> read_storage(const Pickle& p, const Value& v) {
  const auto id = p.sequence(v, Kind::Persistent);
  if (id.size() != 5 || p.string(id[0]) != "storage")
    p.fail("refers to something outside that is no storage of numbers");
  if (id[1].kind != Kind::Global || id[1].global < FirstStorage) p.fail("holds a storage of an unknown type");
  const std::string key(p.string(id[2]));
  // The key becomes the name of a member of the archive; it is a running number.
  if (key.empty() || key.size() > 10 || key.find_first_not_of("0123456789") != std::string::npos)
    p.fail("refers to the storage " + data::quoted_name(key) + ", which is no number");
  constexpr std::array<TensorType, 6> types = {TensorType::Float64,  TensorType::Float32, TensorType::Float16,
                                               TensorType::BFloat16, TensorType::Int64,   TensorType::Int32};
  return {key, {types[id[1].global - FirstStorage], size_of(p, id[4])}};
}

TensorPlace read_tensor(const Pickle& p, const Value& v, std::map<std::string, Storage>& storages) {
  const auto arguments = p.sequence(p.made_by(v, RebuildTensor).arguments, Kind::Tuple);
  if (arguments.size() < 6) p.fail("is damaged: a tensor lacks its description");
  auto [key, storage] = read_storage(p, arguments[0]);
  const auto [known, added] = storages.emplace(key, storage);
  if (!added && (known->second.type != storage.type || known->second.count != storage.count))
    p.fail("describes the storage " + key + " in two ways");
  TensorPlace t;
  t.type = storage.type;
  t.storage = key;
  t.offset = size_of(p, arguments[1]);
  t.shape = sizes_of(p, arguments[2]);
  t.strides = sizes_of(p, arguments[3]);
  if (t.shape.size() != t.strides.size()) p.fail("is damaged: a tensor has more sizes than strides");
  std::uint64_t last = t.offset;
  bool empty = false;
  for (std::size_t i = 0; i < t.shape.size(); ++i) {
    if (t.shape[i] == 0) {
      empty = true;
      continue;
    }
    const auto reach = data::multiply(t.shape[i] - 1, t.strides[i]);
    if (!reach || *reach >= data::size_limit - last) p.fail("is damaged: a tensor reaches outside its storage");
    last += *reach;
  }
  // Views may repeat values, but what a small file repeats must not fill the memory.
  constexpr std::uint64_t most_repeated = std::uint64_t{1} << 24;
  const auto values = data::padded_bytes(t.shape, 1);
  if (!values || *values > std::max(storage.count, most_repeated) || (!empty && last >= storage.count))
    p.fail("is damaged: a tensor reaches outside its storage");
  return t;
}

}  // namespace

struct StateDict::Parts {
  std::string path;
  std::shared_ptr<const data::ByteSource> file;
  std::map<std::string, data::ZipMember> storages;
  std::vector<TensorPlace> tensors;
  std::map<std::string, std::size_t> by_name;

  [[nodiscard]] ByteVector bytes(const data::ZipMember& m) const { return file->read(m.data_offset, m.packed_bytes); }

  /// The member's bytes, its checksum verified.
  [[nodiscard]] ByteVector checked(const data::ZipMember& m) const {
    ByteVector b = bytes(m);
    if (data::crc32_update(0, b) != m.crc)
      fail_input(path + ": member " + data::quoted_name(m.name) + " is damaged: its checksum is wrong");
    return b;
  }

  void open() {
    if (file->size() >= 2 && as_text(file->read(0, 2)) != "PK")
      fail_input(path +
                 " is not a model that torch 1.6 or later saved (no ZIP archive): save it again with torch.save");
    const auto members = data::read_zip_directory(*file, path);
    if (members.empty()) fail_input(path + " is an empty archive");
    const std::string prefix = members[0].name.substr(0, members[0].name.find('/') + 1);
    const data::ZipMember* program = nullptr;
    std::map<std::string, data::ZipMember> data_members;
    for (const data::ZipMember& m : members) {
      if (!m.name.starts_with(prefix)) continue;
      const std::string name = m.name.substr(prefix.size());
      if (m.deflated)
        fail_input(path + ": member " + data::quoted_name(m.name) +
                   " is deflated: torch stores its members as they are");
      if (name == "data.pkl") program = &m;
      if (name == "byteorder" && (m.packed_bytes > 16 || as_text(bytes(m)) != "little"))
        fail_input(path + " holds big-endian numbers: save it on a little-endian machine");
      if (name.starts_with("data/")) data_members.emplace(name.substr(5), m);
    }
    if (program == nullptr) fail_input(path + " holds no " + prefix + "data.pkl: it is no model saved by torch");
    constexpr std::uint64_t longest_program = std::uint64_t{64} << 20;
    if (program->packed_bytes > longest_program) fail_input(path + ": data.pkl is absurdly large");
    const ByteVector bytes_of_program = checked(*program);
    read_program(Pickle(bytes_of_program, allowed, path + ": data.pkl"), data_members);
  }

  void read_program(const Pickle& p, std::map<std::string, data::ZipMember>& data_members) {
    const auto& root = p.root();
    if (root.kind != Kind::Dict) static_cast<void>(p.made_by(root, OrderedDict));
    std::map<std::string, Storage> described;
    const auto items = p.items(root);
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      TensorPlace t = read_tensor(p, items[i + 1], described);
      t.name = std::string(p.string(items[i]));
      if (!by_name.emplace(t.name, tensors.size()).second)
        p.fail("names the tensor " + data::quoted_name(t.name) + " twice");
      tensors.push_back(std::move(t));
    }
    if (tensors.empty()) p.fail("holds no tensors: it is no state_dict");
    for (const auto& [key, storage] : described) {
      const auto at = data_members.find(key);
      if (at == data_members.end()) fail_input(path + " is damaged: the storage data/" + key + " is missing");
      const auto wanted = data::multiply(storage.count, item_bytes(storage.type));
      if (!wanted || at->second.packed_bytes != *wanted)
        fail_input(path + " is damaged: the storage data/" + key + " has " + std::to_string(at->second.packed_bytes) +
                   " bytes instead of " + (wanted ? std::to_string(*wanted) : "an absurd number"));
      storages.emplace(key, std::move(at->second));
    }
  }
};

StateDict::StateDict(const std::string& path)
    : StateDict(std::make_shared<const data::FileRange>(std::make_shared<const InputFile>(path)), path) {}

StateDict::StateDict(std::shared_ptr<const data::ByteSource> bytes, const std::string& name) {
  auto parts = std::make_unique<Parts>();
  parts->path = name;
  parts->file = std::move(bytes);
  parts->open();
  parts_ = std::move(parts);
}
StateDict::~StateDict() = default;
StateDict::StateDict(StateDict&&) noexcept = default;

const std::string& StateDict::path() const { return parts_->path; }
const std::vector<TensorPlace>& StateDict::tensors() const { return parts_->tensors; }

const TensorPlace* StateDict::find(const std::string& name) const {
  const auto at = parts_->by_name.find(name);
  return at == parts_->by_name.end() ? nullptr : &parts_->tensors[at->second];
}

std::vector<double> StateDict::values(const TensorPlace& t) const {
  const data::ZipMember& m = parts_->storages.at(t.storage);
  const ByteVector raw = parts_->checked(m);
  const std::uint64_t item = item_bytes(t.type);
  const std::uint64_t count = data::product(t.shape);
  std::vector<double> out;
  out.reserve(static_cast<std::size_t>(count));
  std::vector<std::uint64_t> at(t.shape.size(), 0);
  std::uint64_t position = t.offset;
  for (std::uint64_t i = 0; i < count; ++i) {
    out.push_back(value_of(t.type, raw.data() + position * item));
    // The next position in C order: the last index runs fastest.
    for (std::size_t d = t.shape.size(); d-- > 0;) {
      position += t.strides[d];
      if (++at[d] < t.shape[d]) break;
      position -= t.strides[d] * t.shape[d];
      at[d] = 0;
    }
  }
  return out;
}

}  // namespace haywatt::baler
