#include "record/series_json.hpp"

#include "record/json_fields.hpp"

namespace haywatt::record {
namespace {

using nlohmann::json;

const json& column(const json& series, const char* name, std::size_t rows) {
  const json& array = array_member(series, name);
  if (array.size() != rows) fail_input(std::string("record: series \"") + name + "\" has another length than the rest");
  return array;
}

template <class T>
T item(const json& array, std::size_t i, const char* name) {
  T value{};
  read_value(array[i], name, value);
  return value;
}

/// A column that older records do not have: empty there.
void read_late_column(const json& series, const char* name, std::vector<SampleRecord>& rows,
                      std::uint64_t SampleRecord::*member) {
  if (!series.contains(name)) return;
  const json& array = column(series, name, rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].*member = item<std::uint64_t>(array, i, name);
}

}  // namespace

json spans_json(const std::vector<SpanRecord>& spans) {
  json phase = json::array(), thread = json::array(), start = json::array(), end = json::array();
  for (const SpanRecord& s : spans) {
    phase.push_back(utf8(s.phase));
    thread.push_back(s.thread);
    start.push_back(number(s.start_s));
    end.push_back(number(s.end_s));
  }
  return {{"phase", phase}, {"thread", thread}, {"start_s", start}, {"end_s", end}};
}

json samples_json(const std::vector<SampleRecord>& samples) {
  json t = json::array(), rss = json::array(), cpu = json::array(), read = json::array(), written = json::array(),
       processes = json::array(), threads = json::array();
  for (const SampleRecord& s : samples) {
    t.push_back(number(s.t_s));
    rss.push_back(s.rss_B);
    cpu.push_back(number(s.cpu_s));
    read.push_back(s.read_B);
    written.push_back(s.written_B);
    processes.push_back(s.processes);
    threads.push_back(s.threads);
  }
  return {{"t_s", t},          {"rss_B", rss},         {"cpu_s", cpu},
          {"read_B", read},    {"written_B", written}, {"processes", processes},
          {"threads", threads}};
}

json power_json(const std::vector<PowerSeries>& power) {
  json list = json::array();
  for (const PowerSeries& p : power)
    list.push_back({{"sensor", utf8(p.sensor)},
                    {"boundary", utf8(p.boundary)},
                    {"tier", utf8(p.tier)},
                    {"share", utf8(p.share)},
                    {"rule", utf8(p.rule)},
                    {"t_s", numbers_json(p.t_s)},
                    {"W", numbers_json(p.watts)}});
  return list;
}

void read_spans(const json& parent, std::vector<SpanRecord>& spans) {
  const json& j = object_member(parent, "spans");
  const std::size_t n = array_member(j, "phase").size();
  const json &phase = column(j, "phase", n), &thread = column(j, "thread", n), &start = column(j, "start_s", n),
             &end = column(j, "end_s", n);
  spans.clear();
  for (std::size_t i = 0; i < n; ++i)
    spans.push_back({item<std::string>(phase, i, "phase"), item<std::uint64_t>(thread, i, "thread"),
                     item<double>(start, i, "start_s"), item<double>(end, i, "end_s")});
}

void read_samples(const json& parent, std::vector<SampleRecord>& samples) {
  const json& j = object_member(parent, "samples");
  const std::size_t n = array_member(j, "t_s").size();
  const json &t = column(j, "t_s", n), &rss = column(j, "rss_B", n), &cpu = column(j, "cpu_s", n),
             &read = column(j, "read_B", n), &written = column(j, "written_B", n);
  samples.clear();
  for (std::size_t i = 0; i < n; ++i) {
    SampleRecord& s = samples.emplace_back();
    s.t_s = item<double>(t, i, "t_s");
    s.rss_B = item<std::uint64_t>(rss, i, "rss_B");
    s.cpu_s = item<double>(cpu, i, "cpu_s");
    s.read_B = item<std::uint64_t>(read, i, "read_B");
    s.written_B = item<std::uint64_t>(written, i, "written_B");
  }
  read_late_column(j, "processes", samples, &SampleRecord::processes);
  read_late_column(j, "threads", samples, &SampleRecord::threads);
}

void read_power(const json& parent, std::vector<PowerSeries>& power) {
  power.clear();
  for (const json& j : array_member(parent, "power")) {
    expect_object(j, "power");
    PowerSeries& p = power.emplace_back();
    read_member(j, "sensor", p.sensor);
    read_member(j, "boundary", p.boundary);
    read_member(j, "tier", p.tier);
    read_member(j, "share", p.share);
    read_member(j, "rule", p.rule);
    p.t_s = numbers(array_member(j, "t_s"), "t_s");
    p.watts = numbers(array_member(j, "W"), "W");
    if (p.t_s.size() != p.watts.size() + 1 && !(p.t_s.empty() && p.watts.empty()))
      fail_input("record: a power series needs one time more than it has values");
  }
}

json texts_json(const std::vector<std::string>& texts) {
  json list = json::array();
  for (const auto& t : texts) list.push_back(utf8(t));
  return list;
}

void read_texts(const json& parent, const char* name, std::vector<std::string>& texts) {
  texts.clear();
  for (const json& t : array_member(parent, name)) read_value(t, name, texts.emplace_back());
}

}  // namespace haywatt::record
