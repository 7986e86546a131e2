// SPDX-License-Identifier: Apache-2.0
// Labels and pixels agree: the part of the contract that looks at pictures of places.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tests/ops/contract_checks.h"
#include "tests/ops/contract_report.h"
#include "tests/support/verbs.h"

namespace pixloom::testing {

namespace {

struct Agreement {
  int compared = 0;
  double worst = 0;
  int masks_compared = 0;
  int masks_wrong = 0;
};

// The picture holds the source's places, so its pixels say where they came from.
void Compare(const Sample& before, const Sample& after, Agreement& result) {
  const cv::Mat& pixels = after.Image()->frames[0].pixels;
  constexpr int kMargin = 4;  // resampling repeats the last pixels of a window
  const auto valid = [&](int x, int y) {
    return std::abs(pixels.at<cv::Vec3f>(y, x)[2] - 1) < 1e-4;
  };
  const auto& from = before.instances.at(0).keypoints;
  const auto& to = after.instances.at(0).keypoints;
  PIXLOOM_CHECK(from.size() == to.size(), "keypoints got lost");
  for (std::size_t k = 0; k < from.size(); ++k) {
    const double u = to[k].at.x - 0.5;
    const double v = to[k].at.y - 0.5;
    const double x0 = std::floor(u);
    const double y0 = std::floor(v);
    if (!(x0 >= kMargin && y0 >= kMargin && x0 + 1 < pixels.cols - kMargin &&
          y0 + 1 < pixels.rows - kMargin)) {
      continue;
    }
    const int x = static_cast<int>(x0);
    const int y = static_cast<int>(y0);
    if (!valid(x, y) || !valid(x + 1, y) || !valid(x, y + 1) || !valid(x + 1, y + 1)) continue;
    Point stored;
    for (const auto& [dx, dy] : {std::pair{0, 0}, {1, 0}, {0, 1}, {1, 1}}) {
      const double share = (dx == 1 ? u - x0 : 1 - (u - x0)) * (dy == 1 ? v - y0 : 1 - (v - y0));
      const auto place = pixels.at<cv::Vec3f>(y + dy, x + dx);
      stored += Point(share * place[0], share * place[1]);
    }
    ++result.compared;
    result.worst = std::max(
        {result.worst, std::abs(stored.x - from[k].at.x), std::abs(stored.y - from[k].at.y)});
  }
  const cv::Mat& source_mask = before.masks.at("classes").pixels;
  const cv::Mat& mask = after.masks.at("classes").pixels;
  const auto near_edge = [](double v) { return std::abs(v - std::round(v)) < 0.02; };
  for (int y = kMargin; y < pixels.rows - kMargin; ++y) {
    for (int x = kMargin; x < pixels.cols - kMargin; ++x) {
      const auto place = pixels.at<cv::Vec3f>(y, x);
      if (!valid(x, y) || near_edge(place[0]) || near_edge(place[1])) continue;
      ++result.masks_compared;
      const int expected =
          source_mask.at<std::uint8_t>(static_cast<int>(place[1]), static_cast<int>(place[0]));
      if (mask.at<std::uint8_t>(y, x) != expected) ++result.masks_wrong;
    }
  }
}

}  // namespace

Violations CheckLabels(const OpInfo& op, const Registry& registry) {
  Report report(op);
  const std::string args = ArgumentsFor(op, report.Found());
  if (!report.Found().empty()) return report.Found();
  const LoadOptions options = OptionsFor(registry);
  const bool geometric = op.IsGeometric();
  const std::string canvas = geometric ? "count: 8, size: [99, 101], depth: f32, content: places"
                             : op.support.u8 ? "size: [33, 30]"
                                             : "size: [33, 30], depth: f32";
  const Outcome before = RunYaml(
      fmt::format("version: 1\nseed: 1\nnodes:\n  src: {{canvas: {{{}}}}}\n  out: {{collect: "
                  "out}}\n",
                  canvas),
      1, options);
  const Outcome after = RunYaml(OneOp(op, args, canvas), 1, options);
  if (before.samples.size() != after.samples.size() || before.samples.empty()) {
    report.Add("does not run: {}{}", before.errors, after.errors);
    return report.Found();
  }
  const bool whole_sample =
      std::find(op.classes.begin(), op.classes.end(), "sample") != op.classes.end();
  if (whole_sample) return report.Found();
  if (!geometric) {
    for (std::size_t i = 0; i < before.samples.size(); ++i) {
      const std::string what = LabelDifference(before[i], after[i]);
      if (!what.empty()) return report.Add("changes labels: {}", what), report.Found();
      if (!(before[i].Image()->frames[0].size() == after[i].Image()->frames[0].size())) {
        report.Add("changes the size without moving labels");
      }
    }
    return report.Found();
  }
  Agreement agreement;
  for (std::size_t i = 0; i < before.samples.size(); ++i) {
    if (before[i].instances.size() != after[i].instances.size()) {
      return report.Add("drops instances"), report.Found();
    }
    Compare(before[i], after[i], agreement);
  }
  // Folding is not invertible and a smooth field is followed to half a pixel.
  const bool field = std::find(op.classes.begin(), op.classes.end(), "field") != op.classes.end();
  const double tolerance = field ? 0.5 : 0.05;
  if (agreement.compared < 100) report.Add("only {} keypoints compared", agreement.compared);
  if (!(agreement.worst <= tolerance)) {
    report.Add("keypoints are up to {:.3f} px away from their pixels", agreement.worst);
  }
  if (agreement.masks_compared < 1000) report.Add("the mask is not compared");
  if (agreement.masks_wrong > 0) {
    report.Add("{} of {} mask pixels belong elsewhere", agreement.masks_wrong,
               agreement.masks_compared);
  }
  return report.Found();
}

}  // namespace pixloom::testing
