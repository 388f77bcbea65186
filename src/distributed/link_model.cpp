#include <algorithm>
#include <cmath>

#include "haywatt/base/error.hpp"
#include "haywatt/distributed/cost_model.hpp"

namespace haywatt::distributed {
namespace {

/// Of an Ethernet frame of 1,514 bytes, 1,448 are the message's.
constexpr double payload_share = 1448.0 / 1514.0;

/// Least squares of (alpha + beta s)/t - 1, with beta and the time of the smallest size not below 0. Beyond a full
/// token bucket alpha is negative: what the bucket lets pass takes no time.
LinkSegment fit_line(const std::vector<std::uint64_t>& bytes, const std::vector<double>& seconds, std::size_t first,
                     std::size_t end) {
  double aa = 0.0, ab = 0.0, bb = 0.0, a1 = 0.0, b1 = 0.0;
  for (std::size_t i = first; i < end; ++i) {
    const double a = 1.0 / seconds[i], b = static_cast<double>(bytes[i]) / seconds[i];
    aa += a * a;
    ab += a * b;
    bb += b * b;
    a1 += a;
    b1 += b;
  }
  LinkSegment s;
  const double determinant = aa * bb - ab * ab;
  if (determinant > 1e-12 * aa * bb) {
    s.alpha_s = (a1 * bb - b1 * ab) / determinant;
    s.beta_s_per_B = (aa * b1 - ab * a1) / determinant;
    const double least_s = first == 0 ? s.alpha_s : s.alpha_s + s.beta_s_per_B * static_cast<double>(bytes[first]);
    if (least_s >= 0.0 && s.beta_s_per_B >= 0.0) return s;
  }
  // The minimum lies on a border: a constant or a line through 0, whichever fits better.
  const double constant = aa > 0.0 ? a1 / aa : 0.0, slope = bb > 0.0 ? b1 / bb : 0.0;
  const double gain_constant = aa * constant * constant, gain_slope = bb * slope * slope;
  return gain_constant >= gain_slope ? LinkSegment{UINT64_MAX, constant, 0.0} : LinkSegment{UINT64_MAX, 0.0, slope};
}

}  // namespace

std::vector<LinkSegment> fit_segments(const std::vector<std::uint64_t>& bytes, const std::vector<double>& seconds,
                                      const std::vector<std::uint64_t>& breaks_B) {
  if (bytes.empty() || bytes.size() != seconds.size()) fail_usage("a link is fitted to at least one measured size");
  std::vector<std::uint64_t> breaks = breaks_B;
  std::sort(breaks.begin(), breaks.end());
  breaks.push_back(UINT64_MAX);
  std::vector<LinkSegment> segments;
  std::size_t first = 0;
  for (const std::uint64_t last : breaks) {
    std::size_t end = first;
    while (end < bytes.size() && bytes[end] <= last) ++end;
    if (end == first) continue;
    // A single size tells no slope: the one before it helps.
    LinkSegment s = fit_line(bytes, seconds, end - first < 2 && first > 0 ? first - 1 : first, end);
    s.up_to_B = last;
    segments.push_back(s);
    first = end;
  }
  segments.back().up_to_B = UINT64_MAX;
  return segments;
}

double seconds_of(const std::vector<LinkSegment>& segments, std::uint64_t bytes) {
  for (const LinkSegment& s : segments)
    if (bytes <= s.up_to_B) return s.alpha_s + s.beta_s_per_B * static_cast<double>(bytes);
  return 0.0;
}

LinkModel LinkModel::fitted(const std::vector<LinkSample>& samples, std::uint64_t eager_limit_B,
                            std::uint64_t burst_B) {
  std::vector<std::uint64_t> bytes;
  std::vector<double> one_way, exchange, send, late;
  for (const LinkSample& s : samples) {
    bytes.push_back(s.bytes);
    one_way.push_back(s.one_way_s);
    exchange.push_back(s.exchange_s);
    send.push_back(s.send_s);
    late.push_back(s.late_receive_s);
  }
  std::vector<std::uint64_t> breaks = {eager_limit_B};
  if (burst_B > eager_limit_B) breaks.push_back(burst_B);
  LinkModel link;
  link.eager_limit_B = eager_limit_B;
  for (const LinkSample& s : samples)
    if (!s.completes_alone && s.bytes <= eager_limit_B) link.alone_limit_B = std::min(link.alone_limit_B, s.bytes - 1);
  link.one_way = fit_segments(bytes, one_way, breaks);
  link.exchange = fit_segments(bytes, exchange, breaks);
  link.send = fit_segments(bytes, send, {eager_limit_B});
  link.late_receive = fit_segments(bytes, late, {eager_limit_B});
  if (const double slope = link.one_way.back().beta_s_per_B; burst_B > 0 && slope > 0.0) {
    link.bucket_B = payload_share * static_cast<double>(burst_B);
    link.rate_B_s = 1.0 / slope;
  }
  return link;
}

LinkModel LinkModel::assumed(double alpha_s, double beta_s_per_B, double overhead_s) {
  LinkModel link;
  link.one_way = {{UINT64_MAX, alpha_s, beta_s_per_B}};
  link.exchange = link.one_way;
  link.send = {{UINT64_MAX, overhead_s, 0.0}};
  link.late_receive = link.send;
  return link;
}

}  // namespace haywatt::distributed
