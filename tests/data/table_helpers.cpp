#include "table_helpers.hpp"

#include <algorithm>
#include <fstream>

#include "data/descr.hpp"
#include "data/npy_header.hpp"

namespace haywatt::test {
namespace {

std::uint64_t below(std::mt19937_64& random, std::uint64_t n) { return random() % n; }

ByteVector random_bytes(std::mt19937_64& random, std::uint64_t n) {
  ByteVector bytes(n);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

ByteVector npy(const std::string& descr, const std::vector<std::uint64_t>& shape, ByteSpan data) {
  ByteWriter w;
  w.put_bytes(as_byte_span(data::make_npy_header(descr, false, shape)));
  w.put_bytes(data);
  return w.take();
}

/// Names of 1 to 5 ASCII letters as '<U5'.
ByteVector names_npy(std::mt19937_64& random, std::vector<std::string>& names) {
  ByteWriter items;
  for (std::string& name : names) {
    name.clear();
    const std::uint64_t length = 1 + below(random, 5);
    for (std::uint64_t i = 0; i < 5; ++i) {
      const auto letter = i < length ? static_cast<std::uint32_t>('a' + below(random, 26)) : 0;
      if (letter != 0) name += static_cast<char>(letter);
      items.put(letter);
    }
  }
  return npy("<U5", {names.size()}, items.view());
}

}  // namespace

void write_bytes(const std::string& path, ByteSpan bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(out.good()) << path;
}

ByteVector read_bytes(const std::string& path) {
  const InputFile file(path);
  return file.read_at(0, file.size());
}

std::vector<DType> all_dtypes() {
  std::vector<DType> types;
  for (const char* name : {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"}) {
    DType t = DType::parse(name);
    types.push_back(t);
    t.big_endian = t.size > 1;
    if (t.big_endian) types.push_back(t);
  }
  return types;
}

RandomTable random_arrays(std::mt19937_64& random) {
  RandomTable t;
  t.schema.format = "npz";
  const std::vector<DType> types = all_dtypes();
  const std::uint64_t arrays = below(random, 5);
  bool has_table = false;
  const auto random_rows = [&random]() { return below(random, 4) == 0 ? below(random, 3) : 1 + below(random, 200); };
  for (std::uint64_t i = 0; i < arrays; ++i) {
    SourceArray a;
    a.key = "array" + std::to_string(i);
    const std::uint64_t kind = below(random, 4);
    if (kind == 3) {
      a.role = ArrayRole::Carried;
      a.descr = below(random, 2) == 0 ? "|S3" : "<f8";
      if (a.descr == "|S3") a.shape = {below(random, 5), 2};
      a.raw = npy(a.descr, a.shape, random_bytes(random, a.descr == "|S3" ? a.shape[0] * 6 : 8));
      t.schema.arrays.push_back(a);
      continue;
    }
    ColumnInfo c;
    c.name = a.key;
    c.dtype = types[below(random, types.size())];
    c.rows = random_rows();
    a.descr = data::make_descr(c.dtype);
    a.shape = {c.rows};
    a.fortran_order = below(random, 2) == 0;
    std::vector<std::string> names(1, a.key);
    std::uint64_t values_in_row = 1;
    c.source_array = static_cast<std::uint32_t>(t.schema.arrays.size());
    if (kind == 2 && !has_table) {
      has_table = true;
      a.role = ArrayRole::Table;
      names.resize(1 + below(random, 9));
      a.shape.push_back(names.size());
      SourceArray n;
      n.key = "names";
      n.role = ArrayRole::Names;
      n.descr = "<U5";
      n.shape = {names.size()};
      n.raw = names_npy(random, names);
      t.schema.arrays.push_back(a);
      t.schema.arrays.push_back(n);
    } else {
      if (kind != 0) {
        a.role = ArrayRole::Field;
        c.layout = Layout::FixedShape;
        for (std::uint64_t axes = 1 + below(random, 3); axes > 0; --axes)
          c.inner_shape.push_back(10 + below(random, 4));
        a.shape.insert(a.shape.end(), c.inner_shape.begin(), c.inner_shape.end());
        values_in_row = c.values_per_row();
      }
      t.schema.arrays.push_back(a);
    }
    for (const std::string& name : names) {
      c.name = name;
      t.schema.columns.push_back(c);
      ++c.source_column;
      ColumnData d;
      d.rows = c.rows;
      d.values = random_bytes(random, c.rows * values_in_row * c.dtype.size);
      t.rows.columns.push_back(std::move(d));
    }
  }
  t.rows.rows = t.schema.rows();
  return t;
}

Chunk slice(const Schema& schema, const Chunk& all, std::uint64_t first, std::uint64_t count) {
  Chunk part;
  part.first_row = first;
  part.rows = std::min(count, all.rows - std::min(all.rows, first));
  for (std::size_t i = 0; i < all.columns.size(); ++i) {
    const std::uint64_t row_bytes = schema.columns[i].values_per_row() * schema.columns[i].dtype.size;
    const std::uint64_t begin = std::min(first, all.columns[i].rows);
    ColumnData c;
    c.rows = std::min(part.rows, all.columns[i].rows - begin);
    const auto from = all.columns[i].values.begin() + static_cast<std::ptrdiff_t>(begin * row_bytes);
    c.values.assign(from, from + static_cast<std::ptrdiff_t>(c.rows * row_bytes));
    part.columns.push_back(std::move(c));
  }
  return part;
}

void write_table(const std::string& path, const Schema& schema, const Chunk& all, std::uint64_t chunk_rows,
                 AtomicFile::Existing existing) {
  const auto writer = create_table(path, schema, existing);
  for (std::uint64_t row = 0; row < all.rows; row += chunk_rows) writer->write(slice(schema, all, row, chunk_rows));
  writer->finish();
}

void expect_same_schema(const Schema& a, const Schema& b) {
  EXPECT_EQ(a.format, b.format);
  EXPECT_EQ(a.csv_header, b.csv_header);
  ASSERT_EQ(a.arrays.size(), b.arrays.size());
  for (std::size_t i = 0; i < a.arrays.size(); ++i) {
    EXPECT_EQ(a.arrays[i].key, b.arrays[i].key);
    EXPECT_EQ(a.arrays[i].role, b.arrays[i].role) << a.arrays[i].key;
    EXPECT_EQ(a.arrays[i].descr, b.arrays[i].descr) << a.arrays[i].key;
    EXPECT_EQ(a.arrays[i].shape, b.arrays[i].shape) << a.arrays[i].key;
    EXPECT_EQ(a.arrays[i].fortran_order, b.arrays[i].fortran_order) << a.arrays[i].key;
    EXPECT_EQ(a.arrays[i].raw, b.arrays[i].raw) << a.arrays[i].key;
  }
  ASSERT_EQ(a.columns.size(), b.columns.size());
  for (std::size_t i = 0; i < a.columns.size(); ++i) {
    EXPECT_EQ(a.columns[i].name, b.columns[i].name);
    EXPECT_EQ(a.columns[i].dtype, b.columns[i].dtype) << a.columns[i].name;
    EXPECT_EQ(a.columns[i].layout, b.columns[i].layout) << a.columns[i].name;
    EXPECT_EQ(a.columns[i].rows, b.columns[i].rows) << a.columns[i].name;
    EXPECT_EQ(a.columns[i].inner_shape, b.columns[i].inner_shape) << a.columns[i].name;
    EXPECT_EQ(a.columns[i].source_array, b.columns[i].source_array) << a.columns[i].name;
    EXPECT_EQ(a.columns[i].source_column, b.columns[i].source_column) << a.columns[i].name;
  }
}

void expect_same_rows(const Chunk& a, const Chunk& b) {
  EXPECT_EQ(a.first_row, b.first_row);
  EXPECT_EQ(a.rows, b.rows);
  ASSERT_EQ(a.columns.size(), b.columns.size());
  for (std::size_t i = 0; i < a.columns.size(); ++i) {
    EXPECT_EQ(a.columns[i].rows, b.columns[i].rows) << "column " << i;
    EXPECT_TRUE(a.columns[i].values == b.columns[i].values) << "values of column " << i << " differ";
  }
}

}  // namespace haywatt::test
