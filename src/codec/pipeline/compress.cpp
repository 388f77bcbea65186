#include <algorithm>
#include <set>

#include "codec/pipeline/chunk_work.hpp"
#include "codec/pipeline/chunking.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/base/span.hpp"
#include "haywatt/codec/corrections.hpp"
#include "haywatt/codec/hay_file.hpp"
#include "haywatt/codec/pipeline.hpp"
#include "haywatt/exec/pool.hpp"
#include "haywatt_version.hpp"

namespace haywatt {
namespace {

const char* kind_name(BoundKind kind) {
  switch (kind) {
    case BoundKind::Lossless:
      return "lossless";
    case BoundKind::Abs:
      return "abs";
    case BoundKind::Range:
      return "range";
    case BoundKind::Rel:
      return "rel";
    case BoundKind::Bits:
      return "bits";
    case BoundKind::None:
      break;
  }
  return "none";
}

void check_supported(const Method& method, const std::vector<BoundRule>& rules) {
  for (const BoundRule& rule : rules) {
    if (rule.bound.kind == BoundKind::None && method.name() != "baler")
      fail_usage("bound 'none' is only for method baler: " + method.name() + " always keeps a bound");
    if (!method.supports(rule.bound.kind))
      fail_usage("method " + method.name() + " cannot do bound '" + rule.bound.text + "' (" +
                 kind_name(rule.bound.kind) + "): see 'haywatt methods'");
  }
}

std::vector<BoundRule> rules_or_default(const CompressOptions& options) {
  std::vector<BoundRule> rules = options.bounds;
  const bool covers_all = std::any_of(rules.begin(), rules.end(), [](const BoundRule& r) { return r.glob == "*"; });
  if (!covers_all)
    rules.insert(rules.begin(), BoundRule{"*", parse_bound(options.method.name == "baler" ? "none" : "lossless")});
  return rules;
}

class Compressor {
 public:
  Compressor(const Encoder& encoder, const Decoder& decoder, const HayHeader& header)
      : encoder_(encoder), decoder_(decoder), header_(header) {}

  ChunkWork run(const TableReader& reader, std::uint64_t k) const {
    Chunk chunk;
    {
      const ScopedSpan span("read");
      chunk = reader.read(k * header_.chunk_rows, header_.chunk_rows);
    }
    ChunkWork work;
    {
      const ScopedSpan span("encode");
      work.streams = encoder_.encode(chunk);
    }
    const ScopedSpan span("verify");
    verify(chunk, k, work);
    return work;
  }

 private:
  /// Decodes what was just encoded, stores what misses its bound, and makes sure of the result.
  void verify(const Chunk& chunk, std::uint64_t k, ChunkWork& work) const {
    const std::size_t columns = header_.schema.columns.size();
    EncodedChunkView view;
    view.rows = chunk.rows;
    for (std::size_t c = 0; c < columns; ++c) {
      view.column_rows.push_back(header_.column_rows(k, c));
      view.columns.emplace_back(work.streams.columns.at(c));
    }
    for (const ByteVector& s : work.streams.shared) view.shared.emplace_back(s);
    Chunk decoded = decoder_.decode(view, std::vector<bool>(columns, true));
    for (std::size_t c = 0; c < columns; ++c) {
      const DType& type = header_.schema.columns[c].dtype;
      const ByteVector& original = chunk.columns[c].values;
      ByteVector& values = decoded.columns[c].values;
      const ResolvedBound& bound = header_.bounds[c];
      if (decoded.columns[c].offsets != chunk.columns[c].offsets)
        fail_check("method " + header_.method.name + " lost the list lengths of column '" +
                   header_.schema.columns[c].name + "'");
      const auto missed = find_violations(type, original, values, bound, encoder_margin);
      work.corrections.push_back(encode_corrections(missed, original, type.size));
      work.correction_counts.push_back(apply_corrections(work.corrections.back(), values, type.size));
      if (!missed.empty() && !find_violations(type, original, values, bound, 1.0).empty())
        fail_check("column '" + header_.schema.columns[c].name +
                   "' is outside its bound after correction: this is a bug");
      ErrorStatistics errors;
      accumulate_errors(errors, type, original, values);
      work.errors.push_back(errors);
    }
  }

  const Encoder& encoder_;
  const Decoder& decoder_;
  const HayHeader& header_;
};

nlohmann::json notes_of(const CompressOutcome& outcome) {
  nlohmann::json columns = nlohmann::json::array();
  for (const ColumnOutcome& c : outcome.columns)
    columns.push_back({{"name", c.name},
                       {"values", c.statistics.values},
                       {"finite", c.statistics.finite},
                       {"minimum", c.statistics.minimum},
                       {"maximum", c.statistics.maximum},
                       {"max_abs_error", c.error.max_abs},
                       {"max_rel_error", c.error.max_rel},
                       {"exact", c.error.exact},
                       {"corrections", c.corrections}});
  return {{"raw_bytes", outcome.raw_bytes}, {"columns", std::move(columns)}, {"counts", outcome.counts}};
}

std::uint64_t sum_sizes(const std::vector<ByteVector>& streams) {
  std::uint64_t bytes = 0;
  for (const ByteVector& s : streams) bytes += s.size();
  return bytes;
}

}  // namespace

CompressOutcome compress_table(const TableReader& reader, const std::string& output, const CompressOptions& options) {
  if (options.team != nullptr && options.threads != 1)
    fail_usage("a team of processes compresses with one thread each");
  const Schema& schema = reader.schema();
  const Method& method = find_method(options.method.name);
  check_options(method, options.method);
  const std::vector<BoundRule> rules = rules_or_default(options);
  check_supported(method, rules);
  if (const std::string why = method.inapplicable_reason(schema); !why.empty())
    fail_usage("method " + method.name() + " cannot code this table: " + why);
  const std::unique_ptr<Encoder> encoder = method.make_encoder(options.method);

  HayHeader header;
  header.writer = std::string("haywatt ") + version;
  header.method = options.method;
  header.method_version = method.version();
  header.schema = schema;
  header.chunk_rows =
      options.chunk_rows != 0 ? options.chunk_rows : choose_chunk_rows(schema, options.threads, options.memory_bytes);

  const std::vector<ColumnStatistics> statistics = scan_statistics(reader, header.chunk_rows);
  header.bounds = resolve_bounds(rules, schema, statistics);
  const TableContext context{&schema, &header.bounds};
  ByteVector model;
  {
    const ScopedSpan span("prepare");
    model = encoder->prepare(reader, context, statistics, options.threads);
  }
  if (options.progress) options.progress(0.1);
  const std::unique_ptr<Decoder> decoder = method.make_decoder(context, model);

  CompressOutcome outcome;
  outcome.rows = schema.rows();
  outcome.raw_bytes = schema.raw_bytes();
  outcome.model_bytes = model.size();
  outcome.chunks = header.chunks();
  for (std::size_t c = 0; c < schema.columns.size(); ++c)
    outcome.columns.push_back({schema.columns[c].name, header.bounds[c], statistics[c], {}, 0, 0});

  const Compressor compressor(*encoder, *decoder, header);
  ChunkTeam* team = options.team;
  if (team != nullptr) {
    if (!team->agree(xxh3(model)))
      fail_system("method " + header.method.name + " did not prepare the same model in every process");
    if (team->member() > 0) {
      for (std::uint64_t k = 0; k < outcome.chunks; ++k)
        if (team->owns(k)) team->send_to_first(to_message(compressor.run(reader, k)));
      return outcome;
    }
  }
  // How many streams the columns share is known from the first chunk; an empty table has none.
  std::vector<ChunkWork> work(outcome.chunks);
  if (outcome.chunks > 0) {
    work[0] = compressor.run(reader, 0);
    header.shared_streams = static_cast<std::uint32_t>(work[0].streams.shared.size());
  }
  HayWriter writer(output, options.existing, header, model);
  const auto produce = [&](std::uint64_t k) {
    if (k == 0) return;
    const bool here = team == nullptr || team->owns(k);
    work[k] =
        here ? compressor.run(reader, k)
             : work_from_message(team->receive_from(static_cast<int>(k % static_cast<std::uint64_t>(team->members()))));
  };
  const auto consume = [&](std::uint64_t k) {
    {
      const ScopedSpan span("write");
      writer.write_chunk(k, work[k].streams, work[k].corrections);
    }
    for (std::size_t c = 0; c < outcome.columns.size(); ++c) {
      ColumnOutcome& column = outcome.columns[c];
      column.error.merge(work[k].errors[c]);
      column.corrections += work[k].correction_counts[c];
      column.compressed_bytes += work[k].streams.columns[c].size() + work[k].corrections[c].size();
    }
    outcome.shared_bytes += sum_sizes(work[k].streams.shared);
    work[k] = {};
    if (options.progress)
      options.progress(0.1 + 0.9 * static_cast<double>(k + 1) / static_cast<double>(outcome.chunks));
  };
  exec::ordered_pipeline(outcome.chunks, options.threads, static_cast<std::uint64_t>(options.threads) + 1, produce,
                         consume);
  outcome.counts = encoder->counts();
  const ScopedSpan span("write");
  outcome.file_bytes = writer.finish(notes_of(outcome));
  return outcome;
}

}  // namespace haywatt
