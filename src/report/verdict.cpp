#include "report/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "haywatt/metrics/pareto.hpp"
#include "haywatt/metrics/payback.hpp"
#include "report/text.hpp"

namespace haywatt::report {
namespace {

using metrics::Order;
using metrics::PaybackKind;
using metrics::plain_bound;
using metrics::Summary;
using metrics::SummaryRow;
using Rows = std::vector<const SummaryRow*>;

constexpr std::size_t names_at_most = 4;

Rows rows_of(const Summary& summary, const std::string& bound) {
  Rows rows;
  for (const SummaryRow& row : summary.rows)
    if (row.decoded() && row.bound == bound) rows.push_back(&row);
  return rows;
}

std::string names(const Rows& rows) {
  std::vector<std::string> words;
  for (const SummaryRow* row : rows) {
    if (words.size() == names_at_most && rows.size() > names_at_most + 1) {
      words.push_back(fmt::format("{} others", rows.size() - names_at_most));
      break;
    }
    words.push_back(row->method);
  }
  return join_words(words);
}

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

bool is_baler(const SummaryRow& row) {
  return row.method == "baler" || row.method.starts_with("baler:") || row.method.starts_with("baler [");
}

std::string smallest_sentence(const Summary& summary, const std::string& bound) {
  const Rows rows = rows_of(summary, bound);
  if (rows.empty()) return fmt::format("{}: no method succeeded.", capital(bound_words(bound)));
  Rows smallest;
  for (const SummaryRow* row : rows)
    if (row->compressed_B == rows.front()->compressed_B) smallest.push_back(row);
  const SummaryRow& best = *rows.front();
  std::string text = fmt::format("{}, {} {}", capital(bound_words(bound)), names(smallest),
                                 smallest.size() > 1 ? "make equally small files" : "makes the smallest file");
  if (best.bytes_per_row.value) text += ": " + quantity(best.bytes_per_row.value->value, "B/row");
  if (best.factor.value) {
    text += best.factor.value->value > 1.0
                ? fmt::format(", {} times smaller than the raw values", digits(best.factor.value->value))
                : ", which is no smaller than the raw values";
  }
  return text + ".";
}

std::string energy_sentence(const Summary& summary, const std::string& bound) {
  Rows rows;
  for (const SummaryRow* row : rows_of(summary, bound))
    if (row->attributed.value) rows.push_back(row);
  if (rows.empty()) return {};
  const SummaryRow& best = **std::min_element(rows.begin(), rows.end(), [](const SummaryRow* a, const SummaryRow* b) {
    return a->attributed.value->value < b->attributed.value->value;
  });
  const std::string spent = with_interval(*best.attributed.value);
  if (rows.size() == 1)
    return fmt::format("{}, {} uses {}; it has no competitor there.", capital(bound_words(bound)), best.method, spent);
  Rows open;
  for (const SummaryRow* row : rows)
    if (row != &best && metrics::compare(*best.attributed.value, *row->attributed.value) != Order::Less)
      open.push_back(row);
  if (open.empty())
    return fmt::format("{}, {} uses the least energy, {}.", capital(bound_words(bound)), best.method, spent);
  if (open.size() + 1 == rows.size() && rows.size() > 2)
    return fmt::format(
        "{}, it cannot be told which method uses the least energy: all {} have joint intervals that "
        "include a ratio of 1 with the lowest, {} at {}.",
        capital(bound_words(bound)), rows.size(), best.method, spent);
  open.insert(open.begin(), &best);
  return fmt::format("{}, it cannot be told which of {} uses the least energy; the lowest value is {} for {}.",
                     capital(bound_words(bound)), names(open), spent, best.method);
}

std::string payback_sentence(const Summary& summary) {
  std::size_t after = 0, never = 0, unknown = 0, at_once = 0;
  const SummaryRow* quickest = nullptr;
  const SummaryRow* slowest = nullptr;
  metrics::Payback first, last;
  for (const SummaryRow& row : summary.rows) {
    if (!row.decoded()) continue;
    const metrics::Payback p = metrics::payback_against_raw(row);
    if (p.kind == PaybackKind::Never) ++never;
    if (p.kind == PaybackKind::Unknown) ++unknown;
    if (p.kind == PaybackKind::AtOnce) ++at_once;
    if (p.kind != PaybackKind::After) continue;
    ++after;
    if (quickest == nullptr || p.years.value < first.years.value) quickest = &row, first = p;
    if (slowest == nullptr || p.years.value > last.years.value) slowest = &row, last = p;
  }
  if (after + at_once + never == 0)
    return unknown > 0 ? "Whether compressing pays back cannot be told: the energy spent is unknown." : std::string{};
  if (after + at_once == 0)
    return "Compressing these data never pays back: no method makes a file smaller than the raw values.";
  if (quickest == nullptr) return "Compressing pays back at once.";
  std::string text = fmt::format("Against keeping the raw values on disk, {} ({}) pays its energy back first, after {}",
                                 quickest->method, quickest->bound, payback_text(first));
  if (slowest != quickest)
    text += fmt::format("; {} ({}) takes longest, {}", slowest->method, slowest->bound, payback_text(last));
  if (never > 0) text += fmt::format("; {} of {} rows never do", never, after + at_once + never);
  return text + ". The assumptions are below.";
}

std::string against(const SummaryRow& row, const SummaryRow& other) {
  std::string text;
  const double size = static_cast<double>(row.compressed_B) / static_cast<double>(other.compressed_B);
  text += fmt::format("{} times the size", digits(size));
  if (row.attributed.value && other.attributed.value) {
    const Figure r = ratio(*row.attributed.value, *other.attributed.value);
    const Order order = metrics::compare(*row.attributed.value, *other.attributed.value);
    text += order == Order::CannotTell
                ? fmt::format(", and whether it uses more or less energy cannot be told (ratio {})", with_interval(r))
                : fmt::format(" and {} times the energy", with_interval(r));
  }
  return text;
}

/// Baler's smallest row of one bound against the smallest other method there; without a bound, against the baseline.
std::string baler_sentence(const Summary& summary, const std::string& bound) {
  const SummaryRow* baler = nullptr;
  const SummaryRow* other = nullptr;
  const SummaryRow* failed = nullptr;
  for (const SummaryRow& row : summary.rows) {
    if (row.bound != bound) continue;
    if (is_baler(row) && !row.ok()) failed = &row;
    const SummaryRow*& place = is_baler(row) ? baler : other;
    if (row.ok() && place == nullptr) place = &row;
  }
  if (baler == nullptr) {
    if (failed == nullptr) return {};
    return fmt::format("{}, {} failed: {}.", capital(bound_words(bound)), failed->method, failed->reason);
  }
  std::string text = fmt::format("{}, {} makes {}", capital(bound_words(bound)), baler->method,
                                 baler->bytes_per_row.value ? quantity(baler->bytes_per_row.value->value, "B/row")
                                                            : quantity(static_cast<double>(baler->compressed_B), "B"));
  if (plain_bound(bound) == "none" && baler->error_over_range)
    text += fmt::format(", with errors of up to {} % of a column’s range", digits(*baler->error_over_range * 100.0));
  if (other != nullptr)
    text += fmt::format(": {} of {}, the smallest other method", against(*baler, *other), other->method);
  else if (const SummaryRow* base = summary.baseline_row(); base != nullptr && !is_baler(*base))
    text += fmt::format(": {} of the baseline, {} ({})", against(*baler, *base), base->method, base->bound);
  return text + ".";
}

bool only_baler(const Summary& summary, const std::string& bound) {
  return std::all_of(summary.rows.begin(), summary.rows.end(),
                     [&](const SummaryRow& r) { return r.bound != bound || is_baler(r); });
}

}  // namespace

std::string bound_words(const std::string& bound) {
  const std::string plain = plain_bound(bound);
  const std::string table = bound.substr(plain.size());  // " [u.npz]" or nothing
  if (plain == "lossless") return bound;
  if (plain == "none") return "with no bound" + table;
  return "within " + bound;
}

std::vector<std::string> Verdict::paragraphs() const {
  std::vector<std::string> all;
  const auto join = [](const std::vector<std::string>& sentences) {
    std::string text;
    for (const std::string& s : sentences) text += (text.empty() || s.empty() ? "" : " ") + s;
    return text;
  };
  for (const std::string& paragraph : {join(smallest), join(energy), payback, join(baler)})
    if (!paragraph.empty()) all.push_back(paragraph);
  return all;
}

Verdict make_verdict(const Summary& summary) {
  Verdict verdict;
  if (std::none_of(summary.rows.begin(), summary.rows.end(), [](const SummaryRow& r) { return r.ok(); })) {
    verdict.smallest = {"No run succeeded, so nothing can be said; the failures are listed below."};
    return verdict;
  }
  for (const std::string& bound : summary.bounds()) {
    const std::string baler = baler_sentence(summary, bound);
    if (!baler.empty()) verdict.baler.push_back(baler);
    // Without a guarantee Baler has no competitor; its own paragraph says what it does.
    if (plain_bound(bound) == "none" && only_baler(summary, bound) && summary.bounds().size() > 1) continue;
    verdict.smallest.push_back(smallest_sentence(summary, bound));
    const std::string energy = energy_sentence(summary, bound);
    if (!energy.empty()) verdict.energy.push_back(energy);
  }
  if (verdict.energy.empty()) {
    verdict.energy = {"Which method uses the least energy cannot be told: energy is unknown here" +
                      (summary.basis.note.empty() ? std::string() : " (" + summary.basis.note + ")") + "."};
  }
  if (summary.basis.estimated) verdict.energy.emplace_back("This is an estimate from CPU time, not a measurement.");
  verdict.payback = payback_sentence(summary);
  return verdict;
}

}  // namespace haywatt::report
