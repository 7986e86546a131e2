// SPDX-License-Identifier: Apache-2.0
// What erasing does to labels, against counts on a raster four times as fine as the picture. Holes
// are read off the picture that the operator made.
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "tests/ops/erase_support.h"

namespace pixloom::testing {
namespace {

constexpr Size kPicture{61, 47};
constexpr int kFine = 4;

struct Rules {
  double min_area = 0;
  double min_visibility = 0;
  bool drop = true;
  bool shrink = false;
  bool remove_keypoints = false;

  std::string Text() const {
    return fmt::format(
        "min_area: {}, min_visibility: {}, drop: {}, shrink: {}, remove_keypoints: {}", min_area,
        min_visibility, drop, shrink, remove_keypoints);
  }
};

bool InRing(const std::vector<Point>& ring, Point p) {
  bool inside = false;
  for (std::size_t i = 0, j = ring.size() - 1; i < ring.size(); j = i++) {
    const Point& a = ring[i];
    const Point& b = ring[j];
    if ((a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x) {
      inside = !inside;
    }
  }
  return inside;
}

bool Covers(const Polygon& polygon, Point p) {
  for (std::size_t i = 0; i < polygon.rings.size(); ++i) {
    if (InRing(polygon.rings[i], p) != (i == 0)) return false;
  }
  return true;
}

// Counted on the fine raster, inside the picture.
struct Counted {
  double seen = 0;
  bool touched = false;
  std::array<double, 4> before{1e9, 1e9, -1e9, -1e9};
  std::array<double, 4> after = before;
};

template <class CoversAt>
Counted Count(const cv::Mat& holes, CoversAt covers) {
  Counted counted;
  const auto include = [](std::array<double, 4>& box, double x, double y) {
    box = {std::min(box[0], x), std::min(box[1], y), std::max(box[2], x + 1.0 / kFine),
           std::max(box[3], y + 1.0 / kFine)};
  };
  for (int v = 0; v < holes.rows * kFine; ++v) {
    for (int u = 0; u < holes.cols * kFine; ++u) {
      if (!covers(Point((u + 0.5) / kFine, (v + 0.5) / kFine))) continue;
      const double x = 1.0 * u / kFine;
      const double y = 1.0 * v / kFine;
      include(counted.before, x, y);
      if (holes.at<std::uint8_t>(v / kFine, u / kFine) != 0) {
        counted.touched = true;
      } else {
        counted.seen += 1.0 / (kFine * kFine);
        include(counted.after, x, y);
      }
    }
  }
  return counted;
}

// Quarters of pixels, so that the fine raster counts boxes exactly.
Instance RandomBox(Numbers& numbers) {
  const auto quarter = [&](double lo, double hi) {
    return std::floor(numbers.Between(lo, hi) * kFine) / kFine;
  };
  const double x = quarter(-15, kPicture.width);
  const double y = quarter(-15, kPicture.height);
  Instance box;
  box.quad = BoxQuad(x, y, x + quarter(0.25, 30), y + quarter(0.25, 30));
  if (numbers.Below(3) == 0) box.original_area = numbers.Between(1, 900);
  return box;
}

std::array<std::string, 6> Operators(const Rules& rules) {
  const std::string r = rules.Text();
  return {
      fmt::format("coarse_dropout|{{holes: [1, 6], hole_height: [0.05, 0.7], hole_width: "
                  "[0.05, 0.7], {}}}",
                  r),
      fmt::format("erasing|{{scale: [0.02, 0.9], {}}}", r),
      fmt::format("grid_dropout|{{tile: [0.1, 0.9], ratio: [0.2, 1], {}}}", r),
      fmt::format("grid_dropout|{{tile: [0.1, 0.9], ratio: [0.4, 0.9], angle: [-90, 90], {}}}", r),
      fmt::format("xy_masking|{{count_x: [0, 4], count_y: [0, 3], length_x: [0, 0.3], length_y: "
                  "[0, 0.3], {}}}",
                  r),
      fmt::format("constrained_dropout|{{hole_height: [0.1, 1], hole_width: [0.1, 1], {}}}", r)};
}

struct Round {
  cv::Mat holes;
  Sample before;
  Sample after;
  const Instance* Kept(std::int64_t id) const {
    for (const Instance& instance : after.instances) {
      if (instance.id == id) return &instance;
    }
    return nullptr;
  }
};

Round Play(const std::string& text, Sample sample, std::uint64_t id) {
  const std::size_t bar = text.find('|');
  const auto op = Bind(text.substr(0, bar), text.substr(bar + 1));
  for (std::size_t i = 0; i < sample.instances.size(); ++i) {
    sample.instances[i].id = static_cast<std::int64_t>(i);
  }
  Round round;
  round.before = sample.Clone();
  const Drawn drawn = DrawFor(*op, sample, kPicture, id);
  round.holes = ZeroPixels(Erased(drawn, NoZeros(kPicture, CV_8UC1)));
  EraseIn(drawn, sample);
  round.after = std::move(sample);
  return round;
}

// Whether the object must go; empty where rounding could decide.
std::optional<bool> Goes(const Rules& rules, const Counted& counted, double original,
                         double uncertain) {
  if (!counted.touched) return false;
  if (counted.seen <= 0) return uncertain > 0 ? std::nullopt : std::optional(true);
  std::optional<bool> goes = false;
  for (const double limit : {rules.min_area, rules.min_visibility * original}) {
    if (std::abs(counted.seen - limit) <= std::max(uncertain, 1e-5 * limit) && limit > 0) {
      goes = std::nullopt;
    } else if (counted.seen < limit) {
      return true;
    }
  }
  return goes;
}

TEST_CASE("boxes stay, shrink or go by what is visible of them") {
  int dropped = 0, untouched = 0, shrunk = 0, kept = 0;
  for (std::uint64_t id = 0; id < 300; ++id) {
    Numbers numbers(id + 100);
    Rules rules;
    if (numbers.Below(2) == 0) rules.min_area = numbers.Between(0, 150);
    if (numbers.Below(2) == 0) rules.min_visibility = numbers.Unit();
    rules.drop = numbers.Below(4) > 0;
    rules.shrink = numbers.Below(2) == 0;
    Sample sample;
    for (int i = 0; i < 8; ++i) sample.instances.push_back(RandomBox(numbers));
    const auto operators = Operators(rules);
    const std::string& text = operators[id % operators.size()];
    CAPTURE(text);
    CAPTURE(id);
    const Round round = Play(text, std::move(sample), id);
    for (const Instance& old : round.before.instances) {
      const auto b = Bounds(*old.quad);
      const Counted counted = Count(round.holes, [&](Point p) {
        return p.x > b[0] && p.x < b[2] && p.y > b[1] && p.y < b[3];
      });
      const double area = (b[2] - b[0]) * (b[3] - b[1]);
      const auto goes = Goes(rules, counted, old.original_area > 0 ? old.original_area : area, 0);
      if (!goes) continue;
      const Instance* now = round.Kept(old.id);
      CAPTURE(old.id);
      REQUIRE((now == nullptr) == (*goes && rules.drop));
      if (now == nullptr) {
        ++dropped;
        continue;
      }
      CHECK(now->original_area == old.original_area);
      std::array<double, 4> expected = b;
      if (counted.touched && !*goes && rules.shrink) {
        for (std::size_t i = 0; i < 4; ++i) {
          if (counted.after[i] != counted.before[i]) expected[i] = counted.after[i];
        }
      }
      CHECK(Bounds(*now->quad) == expected);
      if (!counted.touched) ++untouched;
      if (expected != b) ++shrunk;
      ++kept;
    }
  }
  CHECK(dropped > 200);
  CHECK(untouched > 200);
  CHECK(shrunk > 50);
  CHECK(kept > 800);
}

TEST_CASE("polygons and oriented boxes are judged by the area that stays visible") {
  int decided = 0, dropped = 0, lost = 0;
  for (std::uint64_t id = 0; id < 600; ++id) {
    Numbers numbers(id + 900);
    Rules rules;
    rules.min_visibility = numbers.Between(0.1, 0.9);
    rules.shrink = numbers.Below(2) == 0;
    Sample sample;
    const auto point = [&] { return Point(numbers.Between(-9, 70), numbers.Between(-9, 56)); };
    for (int i = 0; i < 4; ++i) {
      Instance object;
      if (i % 2 == 0) {  // a turned rectangle
        const Point centre = point();
        const Point a(numbers.Between(3, 15), numbers.Between(-8, 8));
        const Point across = Point(-a.y, a.x) * numbers.Between(0.3, 1.5);
        object.quad = Quad{centre - a - across, centre + a - across, centre + a + across,
                           centre - a + across};
        object.oriented = true;
      } else {  // a triangle with a triangular hole, and a second triangle
        const std::array corners{point(), point(), point()};
        const Point middle = (corners[0] + corners[1] + corners[2]) / 3;
        Polygon polygon{{{corners.begin(), corners.end()}, {}}};
        for (const Point& p : corners) polygon.rings[1].push_back(middle + (p - middle) * 0.4);
        object.polygons = {polygon, {{{point(), point(), point()}}}};
        object.quad = BoxQuad(-20, -20, 80, 70);
      }
      sample.instances.push_back(object);
    }
    const auto operators = Operators(rules);
    const std::string& text = operators[id % 5];
    CAPTURE(text);
    CAPTURE(id);
    const Round round = Play(text, std::move(sample), id);
    for (const Instance& old : round.before.instances) {
      std::vector<Polygon> outlines = old.polygons;
      if (outlines.empty()) outlines = {{{{old.quad->begin(), old.quad->end()}}}};
      Counted all;
      double original = 0, rim = 0;
      std::vector<Counted> parts;
      for (const Polygon& outline : outlines) {
        const Counted part =
            parts.emplace_back(Count(round.holes, [&](Point p) { return Covers(outline, p); }));
        all.seen += part.seen;
        all.touched = all.touched || part.touched;
        original += outline.Area();
        for (const auto& ring : outline.rings) {
          for (std::size_t i = 0; i < ring.size(); ++i)
            rim += cv::norm(ring[i] - ring[(i + 1) % ring.size()]);
        }
      }
      // Each fine cell that the rim crosses may be wrong by half; most errors cancel.
      const double uncertain = 0.03 * rim + 0.2;
      if (!all.touched) continue;  // on the fine raster: a sliver may still be
      const auto goes = Goes(rules, all, original, uncertain);
      if (!goes) continue;
      ++decided;
      const Instance* now = round.Kept(old.id);
      CAPTURE(old.id);
      REQUIRE((now == nullptr) == *goes);
      if (now == nullptr) {
        ++dropped;
        continue;
      }
      if (old.oriented) CHECK(*now->quad == *old.quad);
      // Polygons are outlines until they are wholly erased.
      std::size_t next = 0;
      for (std::size_t i = 0; i < old.polygons.size(); ++i) {
        const bool clear = parts[i].seen > 1;
        const bool here =
            next < now->polygons.size() && now->polygons[next].rings == old.polygons[i].rings;
        if (clear) REQUIRE(here);
        if (here) ++next;
        if (!here) {
          CHECK(parts[i].seen < 1);
          ++lost;
        }
      }
      CHECK(next == now->polygons.size());
    }
  }
  CHECK(decided > 400);
  CHECK(dropped > 100);
  CHECK(lost > 3);
}

TEST_CASE("masks lose exactly the erased pixels, keypoints in holes are hidden, nothing else") {
  int hidden = 0, gone = 0;
  for (std::uint64_t id = 0; id < 120; ++id) {
    Numbers numbers(id + 5000);
    Rules rules;
    rules.min_visibility = id % 3 == 0 ? 0.6 : 0;
    rules.remove_keypoints = id % 4 == 0;
    Sample sample;
    for (int i = 0; i < 4; ++i) {
      Instance object;
      // Every second mask is twice as fine as the picture.
      const int scale = i % 2 + 1;
      object.mask = cv::Mat::zeros(kPicture.height * scale, kPicture.width * scale, CV_8U);
      const cv::Rect blob(numbers.Below(40) * scale, numbers.Below(30) * scale,
                          (1 + numbers.Below(20)) * scale, (1 + numbers.Below(16)) * scale);
      object.mask(blob).setTo(255);
      object.mask(cv::Rect(blob.x, blob.y, 1, 1)).setTo(0);
      if (i == 3) {
        object.rle = EncodeRle(object.mask);
        object.mask = cv::Mat();
      }
      for (int k = 0; k < 5; ++k) {
        object.keypoints.push_back(
            {{numbers.Between(-5, 66), numbers.Between(-5, 52)}, k % 3, 0.3, 2});
      }
      sample.instances.push_back(object);
    }
    Instance dots;  // of keypoints alone
    dots.keypoints = {{{20.5, 20.5}, 2, 0, 1}, {{40.5, 10.5}, 1, 0, 1}, {{1, 1}, 0, 0, 1}};
    sample.instances.push_back(dots);
    sample.masks["classes"] = {cv::Mat(kPicture.height, kPicture.width, CV_16U, cv::Scalar(7)),
                               300};
    sample.masks["fine"] = {cv::Mat(3 * kPicture.height, 3 * kPicture.width, CV_8U, cv::Scalar(7)),
                            255};
    sample.labels.label = 3;
    sample.scalars["score"] = 2;
    const int mode = static_cast<int>(id % 3);
    std::string text = Operators(rules)[id % 6];
    text.insert(text.find('{') + 1, mode == 0   ? ""
                                    : mode == 1 ? "erase_masks: true, "
                                                : "erase_masks: true, mask_fill: 9, ");
    CAPTURE(text);
    const Round round = Play(text, std::move(sample), id);
    const auto hole_at = [&](int x, int y, const cv::Mat& mask) {  // below a mask's pixel
      return round.holes.at<std::uint8_t>((2 * y + 1) * kPicture.height / (2 * mask.rows),
                                          (2 * x + 1) * kPicture.width / (2 * mask.cols)) != 0;
    };
    for (const auto& [name, mask] : round.before.masks) {
      cv::Mat expected = mask.pixels.clone();
      for (int y = 0; y < expected.rows; ++y) {
        for (int x = 0; x < expected.cols; ++x) {
          if (mode == 0 || !hole_at(x, y, expected)) continue;
          const int fill = mode == 1 ? mask.ignore_index : 9;
          if (expected.depth() == CV_16U) {
            expected.at<std::uint16_t>(y, x) = static_cast<std::uint16_t>(fill);
          } else {
            expected.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(fill);
          }
        }
      }
      CHECK(Same(round.after.masks.at(name).pixels, expected));
    }
    CHECK(round.after.labels.label == 3);
    CHECK(round.after.scalars == round.before.scalars);
    std::uint64_t counted = 0;
    for (const auto& [what, n] : round.after.counts) {
      if (what.starts_with("objects dropped")) counted += n;
    }
    CHECK(counted == round.before.instances.size() - round.after.instances.size());
    for (const Instance& old : round.before.instances) {
      const Instance* now = round.Kept(old.id);
      std::vector<Keypoint> points;
      bool labelled = false, newly = false;
      for (Keypoint k : old.keypoints) {
        const bool inside =
            k.at.x >= 0 && k.at.y >= 0 && k.at.x < kPicture.width && k.at.y < kPicture.height;
        const bool hole = inside && round.holes.at<std::uint8_t>(static_cast<int>(k.at.y),
                                                                 static_cast<int>(k.at.x)) != 0;
        newly = newly || (hole && k.visibility > 0);
        if (hole) k.visibility = 0;
        labelled = labelled || k.visibility > 0;
        if (!hole || !rules.remove_keypoints) points.push_back(k);
      }
      if (!old.HasMask()) {
        CHECK((now == nullptr) == (newly && !labelled));
        if (now == nullptr) ++gone;
      } else {
        cv::Mat bits = old.Bits().clone();
        const double all = cv::countNonZero(bits);
        for (int y = 0; y < bits.rows; ++y) {
          for (int x = 0; x < bits.cols; ++x) {
            if (hole_at(x, y, bits)) bits.at<std::uint8_t>(y, x) = 0;
          }
        }
        const double left = cv::countNonZero(bits);
        const bool goes =
            left < all && (left == 0 || left < rules.min_visibility * all * (1 - 1e-6));
        REQUIRE((now == nullptr) == goes);
        if (now == nullptr) {
          ++gone;
          continue;
        }
        CHECK(Same(now->Bits(), bits));
        CHECK(now->rle.has_value() == old.rle.has_value());
      }
      if (now == nullptr) continue;
      REQUIRE(now->keypoints.size() == points.size());
      for (std::size_t k = 0; k < points.size(); ++k) {
        CHECK(now->keypoints[k].at == points[k].at);
        CHECK(now->keypoints[k].visibility == points[k].visibility);
        if (old.keypoints.size() == points.size() &&
            points[k].visibility != old.keypoints[k].visibility) {
          ++hidden;
        }
      }
    }
  }
  CHECK(hidden > 50);
  CHECK(gone > 50);
}

}  // namespace
}  // namespace pixloom::testing
