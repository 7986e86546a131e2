// SPDX-License-Identifier: Apache-2.0
// Pictures and text on top: what changes, what does not, and which object is added.
#include <array>
#include <cmath>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/run_chain.h"
#include "tests/support/verbs.h"

namespace pixloom::testing {
namespace {

const std::array kTypes{CV_8U, CV_16U, CV_32F};

// A folder with one picture, as PNG.
class OverlayFolder {
 public:
  explicit OverlayFolder(const cv::Mat& picture) {
    const auto bytes = BuiltInCodec().Encode(picture, {});
    REQUIRE(bytes.Ok());
    folder_.Write("one.png", std::string(bytes->begin(), bytes->end()));
  }
  std::string Path() const { return folder_.Path(); }

 private:
  TempFolder folder_;
};

// Levels that tell where they came from, alpha in three steps.
cv::Mat Stamp(int width, int height, int channels) {
  cv::Mat stamp(height, width, CV_8UC(channels));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      auto* p = stamp.ptr<std::uint8_t>(y) + std::ptrdiff_t{channels} * x;
      p[0] = static_cast<std::uint8_t>(40 + 5 * x);
      if (channels > 1) {
        p[1] = static_cast<std::uint8_t>(30 + 9 * y);
        p[2] = static_cast<std::uint8_t>(255 - 3 * x - 2 * y);
      }
      if (channels == 4) p[3] = static_cast<std::uint8_t>(x % 3 == 0 ? 0 : x % 3 == 1 ? 102 : 255);
    }
  }
  return stamp;
}

cv::Mat Flat(Size size, int depth, int channels, double share) {
  const double levels = depth == CV_8U ? 255 : depth == CV_16U ? 65535 : 1;
  const double v = depth == CV_32F ? share : std::floor(share * levels);
  const cv::Mat plane(size.height, size.width, CV_MAKETYPE(depth, 1), cv::Scalar(v));
  cv::Mat picture;
  cv::merge(std::vector<cv::Mat>(static_cast<std::size_t>(channels), plane), picture);
  return picture;
}

double ValueAt(const cv::Mat& m, int y, int i) {
  switch (m.depth()) {
    case CV_8U:
      return m.ptr<std::uint8_t>(y)[i];
    case CV_16U:
      return m.ptr<std::uint16_t>(y)[i];
    default:
      return m.ptr<float>(y)[i];
  }
}

// 255 where any channel differs.
cv::Mat Changed(const cv::Mat& a, const cv::Mat& b) {
  cv::Mat changed = cv::Mat::zeros(a.size(), CV_8U);
  for (int y = 0; y < a.rows; ++y) {
    for (int i = 0; i < a.cols * a.channels(); ++i) {
      if (ValueAt(a, y, i) != ValueAt(b, y, i)) changed.at<std::uint8_t>(y, i / a.channels()) = 255;
    }
  }
  return changed;
}

struct Edges {
  int x0 = 1 << 20, y0 = 1 << 20, x1 = -1, y1 = -1;
  bool Empty() const { return x1 < 0; }
};

Edges EdgesOf(const cv::Mat& bits) {
  Edges e;
  for (int y = 0; y < bits.rows; ++y) {
    for (int x = 0; x < bits.cols; ++x) {
      if (bits.at<std::uint8_t>(y, x) == 0) continue;
      e = {std::min(e.x0, x), std::min(e.y0, y), std::max(e.x1, x + 1), std::max(e.y1, y + 1)};
    }
  }
  return e;
}

Sample RunOn(const std::string& step, const cv::Mat& picture, std::uint32_t branch = 0) {
  return ChainUnderTest("[" + step + "]").Run(PictureSample(picture), branch);
}

// ---- overlay_image ------------------------------------------------------------------------------

double Blended(const std::string& mode, double below, double own) {
  if (mode == "multiply") return below * own;
  if (mode == "screen") return 1 - (1 - below) * (1 - own);
  if (mode == "darken") return std::min(below, own);
  if (mode == "lighten") return std::max(below, own);
  return own;
}

TEST_CASE("an overlay of its own size is blended pixel by pixel, on every type") {
  for (const int stamp_channels : {1, 3, 4}) {
    const cv::Mat stamp = Stamp(20, 10, stamp_channels);
    const OverlayFolder folder(stamp);
    for (const int depth : kTypes) {
      for (const int channels : {1, 3, 4, 5}) {
        for (const char* mode : {"normal", "multiply", "screen", "darken", "lighten"}) {
          for (const double opacity : {1.0, 0.35}) {
            CAPTURE(stamp_channels);
            CAPTURE(depth);
            CAPTURE(channels);
            CAPTURE(mode);
            const cv::Mat picture = Flat({80, 40}, depth, channels, 0.3);
            // Half of what fits: 40 x 20 would be half, a quarter is its own size.
            const cv::Mat out = PixelsOf(RunOn(
                fmt::format("{{overlay_image: {{path: {}, size: 0.25, x: 0.1, y: 0.7, opacity: {}, "
                            "blend: {}}}}}",
                            folder.Path(), opacity, mode),
                picture));
            REQUIRE(out.type() == picture.type());
            const double levels = depth == CV_8U ? 255 : depth == CV_16U ? 65535 : 1;
            double worst = 0;
            for (int y = 0; y < out.rows; ++y) {
              for (int i = 0; i < out.cols * channels; ++i) {
                const int u = i / channels - 6, v = y - 21;  // 0.1 * 60, 0.7 * 30
                const int c = i % channels;
                const double before = ValueAt(picture, y, i), now = ValueAt(out, y, i);
                double alpha = 0;
                double own = 0;
                if (u >= 0 && v >= 0 && u < 20 && v < 10) {
                  const auto* p = stamp.ptr<std::uint8_t>(v) + std::ptrdiff_t{stamp_channels} * u;
                  alpha = stamp_channels == 4 ? p[3] / 255.0 : 1;
                  const auto level = [&](int k) { return p[stamp_channels == 1 ? 0 : k] / 255.0; };
                  own = channels == 3 || channels == 4
                            ? level(std::min(c, 2))
                            : 0.299 * level(0) + 0.587 * level(1) + 0.114 * level(2);
                }
                if (alpha == 0 || (channels == 4 && c == 3)) {
                  CHECK(now == before);
                  continue;
                }
                const double share = alpha * opacity;
                const double below = before / levels;
                const double expected =
                    (below + share * (Blended(mode, below, own) - below)) * levels;
                // An opaque overlay of the picture's type is copied.
                if (share == 1 && depth == CV_8U && std::string(mode) == "normal" &&
                    (channels == 3 || stamp_channels == 1)) {
                  CHECK(now == std::floor(own * 255 + 0.5));
                }
                worst = std::max(worst, std::abs(now - expected) / levels);
              }
            }
            CHECK(worst <= (depth == CV_32F ? 0 : 0.5 / levels) + 1e-6);
          }
        }
      }
    }
  }
}

TEST_CASE("opacity 0 changes nothing and adds nothing") {
  const OverlayFolder folder(Stamp(20, 10, 4));
  for (const std::string& step :
       {fmt::format("{{overlay_image: {{path: {}, opacity: 0, label: 1}}}}", folder.Path()),
        std::string("{overlay_text: {opacity: 0, label: 1}}")}) {
    const Sample before = MakeInput("scene", 1);
    const Sample after = ChainUnderTest("[" + step + "]").Run(before.Clone());
    CHECK(PixelDifference(before, after) == "");
    CHECK(LabelDifference(before, after) == "");
  }
}

TEST_CASE("everything outside of the layer stays, bit by bit, wherever it lies") {
  cv::Mat opaque(30, 50, CV_8UC3, cv::Scalar(250, 10, 200));
  const OverlayFolder folder(opaque);
  for (const int depth : kTypes) {
    for (const char* angle : {"0", "90", "[-180, 180]"}) {
      const cv::Mat picture = Flat({120, 90}, depth, 3, 0.2);
      const std::string step = fmt::format(
          "{{overlay_image: {{path: {}, size: [0.1, 0.8], x: [-0.2, 1.2], y: [-0.2, 1.2], angle: "
          "{}, label: 0}}}}",
          folder.Path(), angle);
      const ChainUnderTest chain("[" + step + "]");
      int seen = 0;
      for (std::uint32_t branch = 0; branch < 12; ++branch) {
        const Sample after = chain.Run(PictureSample(picture), branch);
        const cv::Mat changed = Changed(picture, PixelsOf(after));
        const Edges edges = EdgesOf(changed);
        if (edges.Empty()) {
          CHECK(after.instances.empty());
          continue;
        }
        ++seen;
        REQUIRE(after.instances.size() == 1);
        const Instance& object = after.instances[0];
        const auto box = Bounds(*object.quad);
        CAPTURE(angle);
        CAPTURE(branch);
        // The box is that of its bits, and that of what changed to one pixel.
        const Edges bits = EdgesOf(object.mask);
        CHECK(box ==
              std::array<double, 4>{1.0 * bits.x0, 1.0 * bits.y0, 1.0 * bits.x1, 1.0 * bits.y1});
        CHECK(std::abs(box[0] - edges.x0) <= 1);
        CHECK(std::abs(box[1] - edges.y0) <= 1);
        CHECK(std::abs(box[2] - edges.x1) <= 1);
        CHECK(std::abs(box[3] - edges.y1) <= 1);
        // Bits that are set changed, and nothing changed farther than a pixel from them.
        cv::Mat wrong = object.mask & ~changed;
        CHECK(cv::countNonZero(wrong) == 0);
        int far = 0;
        for (int y = 0; y < changed.rows; ++y) {
          for (int x = 0; x < changed.cols; ++x) {
            if (changed.at<std::uint8_t>(y, x) == 0) continue;
            const cv::Rect near = cv::Rect(x - 1, y - 1, 3, 3) & cv::Rect(0, 0, 120, 90);
            far += cv::countNonZero(object.mask(near)) == 0 ? 1 : 0;
          }
        }
        CHECK(far == 0);
        const double area = cv::countNonZero(object.mask);
        CHECK(object.original_area >= area);
        const bool inside = edges.x0 > 0 && edges.y0 > 0 && edges.x1 < 120 && edges.y1 < 90;
        if (inside) CHECK(object.original_area == area);
      }
      CHECK(seen >= 9);
    }
  }
}

TEST_CASE("size, place and angle are what they are said to be") {
  cv::Mat opaque(10, 40, CV_8UC1, cv::Scalar(255));
  const OverlayFolder folder(opaque);
  const cv::Mat picture = Flat({200, 100}, CV_8U, 1, 0);
  const auto edges = [&](const std::string& args) {
    return EdgesOf(Changed(
        picture,
        PixelsOf(RunOn(fmt::format("{{overlay_image: {{path: {}, {}}}}}", folder.Path(), args),
                       picture))));
  };
  const auto equal = [](const Edges& e, int x0, int y0, int x1, int y1) {
    CHECK(e.x0 == x0);
    CHECK(e.y0 == y0);
    CHECK(e.x1 == x1);
    CHECK(e.y1 == y1);
  };
  equal(edges("size: 1, x: 0.3, y: 0"), 0, 0, 200, 50);
  equal(edges("size: 0.5, x: 0, y: 1"), 0, 75, 100, 100);
  equal(edges("size: 0.5, x: 1, y: 0.5"), 100, 38, 200, 63);
  CHECK(edges("size: 0.5, x: 2, y: 0").Empty());
  CHECK(edges("size: 0.5, x: 0.5, y: -1").Empty());
  equal(edges("size: 0.5, x: 1.5, y: 0"), 150, 0, 200, 25);
  // Turned by a quarter it is made smaller until it fits: 25 x 100.
  equal(edges("size: 1, x: 0, y: 0, angle: 90"), 0, 0, 25, 100);
  // Half of what fits unturned, turned by 30 degrees counter-clockwise: the right end is up.
  const cv::Mat out = PixelsOf(RunOn(fmt::format("{{overlay_image: {{path: {}, size: 0.5, x: 0.5, "
                                                 "y: 0.5, angle: 30, label: 3, box: oriented}}}}",
                                                 folder.Path()),
                                     picture));
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 200; ++x) {
      const double dx = x + 0.5 - 100, dy = y + 0.5 - 50;
      const double u = dx * std::sqrt(0.75) - dy * 0.5, v = dx * 0.5 + dy * std::sqrt(0.75);
      const double inside = std::min(50 - std::abs(u), 12.5 - std::abs(v));
      if (inside > 1.5) CHECK(out.at<std::uint8_t>(y, x) == 255);
      if (inside < -2.5) CHECK(out.at<std::uint8_t>(y, x) == 0);
    }
  }
}

TEST_CASE("an oriented box lies on the edges of what was turned") {
  const OverlayFolder folder(cv::Mat(12, 40, CV_8UC1, cv::Scalar(255)));
  const cv::Mat picture = Flat({160, 120}, CV_8U, 1, 0);
  const ChainUnderTest chain(fmt::format(
      "[{{overlay_image: {{path: {}, size: [0.3, 0.7], angle: [-180, 180], label: 1, box: "
      "oriented}}}}]",
      folder.Path()));
  for (std::uint32_t branch = 0; branch < 12; ++branch) {
    const Sample after = chain.Run(PictureSample(picture), branch);
    REQUIRE(after.instances.size() == 1);
    const Instance& object = after.instances[0];
    CHECK(object.oriented);
    const Quad& q = *object.quad;
    const double angle = DrawnIn(after, 0, "angle") * 3.14159265358979 / 180;
    const Point along(std::cos(angle), -std::sin(angle));
    const Point top = q[1] - q[0];
    CHECK(std::abs(top.dot(along) - std::sqrt(top.dot(top))) < 1e-6);
    // Along both sides of the box, what changed reaches as far as the box does.
    const Point across(-along.y, along.x);
    for (const Point& u : {along, across}) {
      double lo = 1e9, hi = -1e9;
      for (int y = 0; y < 120; ++y) {
        for (int x = 0; x < 160; ++x) {
          if (object.mask.at<std::uint8_t>(y, x) == 0) continue;
          const double at = Point(x + 0.5, y + 0.5).dot(u);
          lo = std::min(lo, at), hi = std::max(hi, at);
        }
      }
      const double a = std::min(q[0].dot(u), q[2].dot(u)), b = std::max(q[0].dot(u), q[2].dot(u));
      CHECK(std::abs(lo - a) < 1);
      CHECK(std::abs(hi - b) < 1);
    }
  }
}

// Two boxes: the overlay hides the first and half of the second, and a keypoint.
Sample TwoObjects() {
  Sample sample = PictureSample(Flat({80, 40}, CV_8U, 3, 0.3));
  Instance hidden;
  hidden.id = 4, hidden.label = 0;
  hidden.quad = BoxQuad(2, 2, 10, 10);
  Instance half;
  half.id = 9, half.label = 1;
  half.quad = BoxQuad(10, 5, 30, 10);
  half.keypoints = {{{12, 6}}, {{28, 6}}};
  half.mask = cv::Mat::zeros(40, 80, CV_8U);
  half.mask(cv::Rect(10, 5, 20, 5)).setTo(255);
  sample.instances.push_back(hidden);
  sample.instances.push_back(half);
  sample.masks["ground"] = {cv::Mat(40, 80, CV_8U, cv::Scalar(3)), 255};
  auto names = std::make_shared<LabelNames>();
  names->classes = {"cat", "dog", "sticker"};
  sample.names = std::move(names);
  return sample;
}

TEST_CASE("objects below lose what is covered, by the rules of erasing") {
  const OverlayFolder folder(cv::Mat(10, 20, CV_8UC3, cv::Scalar(1, 2, 3)));
  const auto run = [&](const std::string& more) {
    return ChainUnderTest(fmt::format("[{{overlay_image: {{path: {}, size: 0.25, x: 0, y: 0{}}}}}]",
                                      folder.Path(), more))
        .Run(TwoObjects());
  };
  const Sample plain = run("");  // covers [0, 20] x [0, 10]
  REQUIRE(plain.instances.size() == 1);
  CHECK(plain.instances[0].id == 9);
  CHECK(cv::countNonZero(plain.instances[0].mask) == 50);
  CHECK(plain.instances[0].keypoints[0].visibility == 0);
  CHECK(plain.instances[0].keypoints[1].visibility == 2);
  CHECK(*plain.instances[0].quad == BoxQuad(10, 5, 30, 10));
  CHECK(cv::countNonZero(plain.masks.at("ground").pixels == 3) == 3200);
  CHECK(plain.counts.at("objects dropped (erased)") == 1);

  const Sample shrunk = run(", shrink: true, erase_masks: true, mask_fill: 7");
  CHECK(*shrunk.instances[0].quad == BoxQuad(20, 5, 30, 10));
  CHECK(cv::countNonZero(shrunk.masks.at("ground").pixels == 7) == 200);
  CHECK(run(", min_visibility: 0.6").instances.empty());
  CHECK(run(", min_area: 50").instances.size() == 1);
  CHECK(run(", min_area: 51").instances.empty());
  for (const char* open : {", occlude: false", ", blend: screen", ", opacity: 0.4"}) {
    CAPTURE(open);
    CHECK(LabelDifference(run(open), TwoObjects()) == "");
  }
  CHECK(run(", opacity: 0.5").instances.size() == 1);

  // The object that is added is on top: nothing takes from it.
  const Sample added = run(", label: sticker");
  REQUIRE(added.instances.size() == 2);
  CHECK(added.instances[1].id == 10);
  CHECK(added.instances[1].label == 2);
  CHECK(*added.instances[1].quad == BoxQuad(0, 0, 20, 10));
  CHECK(added.instances[1].original_area == 200);
  CHECK(run(", label: 0, occlude: false").instances.size() == 3);
}

TEST_CASE("a folder may hold what cannot be read, a label what is no class") {
  const TempFolder broken;
  broken.Write("a.png", "no picture at all");
  const auto reason = [](const std::string& step) {
    const Outcome outcome = RunYaml(fmt::format(
        "version: 1\nnodes:\n  src: {{canvas: 1}}\n  look: [{}]\n  out: {{collect: out}}\n", step));
    CHECK(outcome.errors == "");
    return outcome.quarantine.size() == 1 ? outcome.quarantine[0] : "";
  };
  CHECK(reason(fmt::format("{{overlay_image: {}}}", broken.Path())).find("OP-REFERENCE") !=
        std::string::npos);
  CHECK(reason("{overlay_text: {text: hi, label: sahpe}}").find("did you mean 'shape'") !=
        std::string::npos);
  const auto errors = [](const std::string& step) {
    const auto found = ErrorsOf(fmt::format(
        "version: 1\nnodes:\n  src: {{canvas: 1}}\n  look: [{}]\n  out: {{collect: out}}\n", step));
    return fmt::format("{}", fmt::join(found, "\n"));
  };
  const TempFolder empty;
  CHECK(errors(fmt::format("{{overlay_image: {}}}", empty.Path())).find("no pictures in") !=
        std::string::npos);
  CHECK(errors("overlay_image").find("'path' is required") != std::string::npos);
  CHECK(errors("{overlay_text: {text: [gr\u00fcn]}}").find("printable ASCII") != std::string::npos);
  CHECK(errors("{overlay_text: {text: ['  ']}}").find("empty") != std::string::npos);
  CHECK(errors("{overlay_text: {letters: ''}}").find("letters") != std::string::npos);
  CHECK(errors("{overlay_text: {level: [1, 2]}}").find("one level or three") != std::string::npos);
  CHECK(errors("{overlay_text: {length: [2.2, 2.8]}}").find("length") != std::string::npos);
}

TEST_CASE("every frame of a clip, and every field, at its own size") {
  const OverlayFolder folder(Stamp(20, 10, 3));
  const std::string chain =
      fmt::format("[{{overlay_image: {{path: {}, size: 0.5, x: 0.2, y: 0.6}}}}]", folder.Path());
  const Sample clip = MakeInput("clip", 1);
  const Sample after = ChainUnderTest(chain).Run(clip.Clone());
  const Edges first = EdgesOf(
      Changed(clip.images[0].second.frames[0].pixels, after.images[0].second.frames[0].pixels));
  for (std::size_t f = 1; f < 3; ++f) {
    const Edges e = EdgesOf(
        Changed(clip.images[0].second.frames[f].pixels, after.images[0].second.frames[f].pixels));
    CHECK(std::abs(e.x0 - first.x0) <= 1);
    CHECK(std::abs(e.y1 - first.y1) <= 1);
  }
  const Sample pair = MakeInput("pair", 1);  // the target is twice as large
  const Sample both = ChainUnderTest(chain).Run(pair.Clone());
  const Edges small = EdgesOf(Changed(PixelsOf(pair), PixelsOf(both)));
  const Edges large = EdgesOf(
      Changed(pair.Image("target")->frames[0].pixels, both.Image("target")->frames[0].pixels));
  CHECK(std::abs(large.x0 - 2 * small.x0) <= 2);
  CHECK(std::abs(large.y1 - 2 * small.y1) <= 2);
  CHECK(std::abs((large.x1 - large.x0) - 2 * (small.x1 - small.x0)) <= 2);
}

// ---- overlay_text -------------------------------------------------------------------------------

TEST_CASE("the box of a text is that of its ink") {
  const cv::Mat picture = Flat({240, 120}, CV_8U, 3, 0.5);
  for (const char* font : {"sans", "sans_bold", "serif", "serif_bold", "script"}) {
    const ChainUnderTest chain(
        fmt::format("[{{overlay_text: {{text: [Hamburg, 'gyp 17', 'x', '!?#'], font: {}, size: "
                    "[0.05, 0.5], ink: "
                    "level, level: 255, label: 1}}}}]",
                    font));
    std::set<std::string> texts;
    for (std::uint32_t branch = 0; branch < 12; ++branch) {
      const Sample after = chain.Run(PictureSample(picture), branch);
      const cv::Mat changed = Changed(picture, PixelsOf(after));
      REQUIRE(after.instances.size() == 1);
      const Instance& object = after.instances[0];
      CAPTURE(font);
      CAPTURE(object.attributes.at("text"));
      texts.insert(object.attributes.at("text"));
      const Edges edges = EdgesOf(changed);
      const auto box = Bounds(*object.quad);
      CHECK(object.oriented);
      CHECK(std::abs(box[0] - edges.x0) <= 1);
      CHECK(std::abs(box[1] - edges.y0) <= 1);
      CHECK(std::abs(box[2] - edges.x1) <= 1);
      CHECK(std::abs(box[3] - edges.y1) <= 1);
      // Whole inside of the picture.
      CHECK(box[0] >= 0);
      CHECK(box[3] <= 120);
      cv::Mat wrong = object.mask & ~changed;
      CHECK(cv::countNonZero(wrong) == 0);
      CHECK(cv::countNonZero(object.mask) > 0);
    }
    CHECK(texts.size() >= 3);
  }
}

TEST_CASE("capitals are as high as they are said to be") {
  for (const double size : {0.1, 0.25, 0.6}) {
    for (const int height : {60, 200}) {
      const cv::Mat picture = Flat({900, height}, CV_8U, 1, 0);
      const Edges edges = EdgesOf(Changed(
          picture, PixelsOf(RunOn(fmt::format("{{overlay_text: {{text: H, size: {}, stroke: "
                                              "0.05}}}}",
                                              size),
                                  picture))));
      // The stroke reaches half its width beyond on both ends.
      const double expected = size * height * 1.05;
      CHECK(std::abs((edges.y1 - edges.y0) - expected) <= 0.08 * expected + 1.5);
    }
  }
}

TEST_CASE("ink stands out, or is of the colour that was asked for") {
  for (const int depth : kTypes) {
    for (const int channels : {1, 3, 4, 5}) {
      const double levels = depth == CV_8U ? 255 : depth == CV_16U ? 65535 : 1;
      for (const double below : {0.2, 0.8}) {
        const cv::Mat picture = Flat({90, 60}, depth, channels, below);
        const cv::Mat out = PixelsOf(RunOn("{overlay_text: {text: HELLO, size: 0.3}}", picture));
        double extreme = 0.5;
        for (int y = 0; y < out.rows; ++y) {
          for (int i = 0; i < out.cols * channels; ++i) {
            const double v = ValueAt(out, y, i) / levels;
            if (channels == 4 && i % 4 == 3) CHECK(v == ValueAt(picture, y, i) / levels);
            extreme = below < 0.5 ? std::max(extreme, v) : std::min(extreme, v);
          }
        }
        CHECK(extreme == doctest::Approx(below < 0.5 ? 1 : 0));
      }
    }
  }
  const cv::Mat picture = Flat({90, 60}, CV_8U, 3, 0.2);
  const cv::Mat out = PixelsOf(RunOn(
      "{overlay_text: {text: '###', size: 0.4, stroke: 0.3, ink: level, level: [10, 200, 90], "
      "paper: level, paper_level: 250, padding: 0.4, x: 0.5, y: 0.5}}",
      picture));
  std::map<std::array<int, 3>, int> colours;
  for (int y = 0; y < out.rows; ++y) {
    for (int x = 0; x < out.cols; ++x) {
      const auto p = out.at<cv::Vec3b>(y, x);
      ++colours[{p[0], p[1], p[2]}];
    }
  }
  CHECK((colours[{10, 200, 90}]) > 30);
  CHECK((colours[{250, 250, 250}]) > 200);
  // The box is a whole rectangle.
  const cv::Mat changed = Changed(picture, out);
  const Edges edges = EdgesOf(changed);
  CHECK(cv::countNonZero(changed) == (edges.x1 - edges.x0) * (edges.y1 - edges.y0));
}

TEST_CASE("random texts are made of the letters, of every length, and follow the seed") {
  const ChainUnderTest chain(
      "[{overlay_text: {letters: ABC7, length: [2, 5], font: random, ink: random, paper: random, "
      "label: 0}}]");
  const cv::Mat picture = Flat({120, 60}, CV_8U, 3, 0.4);
  std::set<std::size_t> lengths;
  std::set<char> letters;
  std::set<std::string> texts;
  for (std::uint32_t branch = 0; branch < 40; ++branch) {
    const Sample one = chain.Run(PictureSample(picture), branch);
    const Sample again = chain.Run(PictureSample(picture), branch);
    CHECK(SampleDifference(one, again) == "");
    CHECK(one.recipe.ToJson() == again.recipe.ToJson());
    const std::string text = one.instances.at(0).attributes.at("text");
    lengths.insert(text.size());
    letters.insert(text.begin(), text.end());
    texts.insert(text);
    std::string recorded;
    for (const auto& [name, value] : one.recipe.entries.at(0).draws) {
      if (name == "letter") recorded += static_cast<char>(value);
    }
    CHECK(recorded == text);
  }
  CHECK(lengths == std::set<std::size_t>{2, 3, 4, 5});
  CHECK(letters == std::set<char>{'A', 'B', 'C', '7'});
  CHECK(texts.size() > 25);
}

TEST_CASE("overlays give the same for any number of threads, and as written out") {
  const std::string yaml = R"(version: 1
seed: 3
nodes:
  src: {canvas: {count: 6, size: [70, 90]}}
  many: {copies: 4}
  look:
    - {overlay_image: {path: tests/support/references, angle: [-40, 40], opacity: [0.3, 1], label: third}, p: 0.7}
    - {overlay_text: {angle: [-30, 30], ink: random, label: 1, min_visibility: 0.2}}
    - {rotate: [-20, 20]}
    - sanitize
  out: {collect: out}
)";
  const Outcome first = RunYaml(yaml);
  REQUIRE(first.errors == "");
  REQUIRE(first.samples.size() == 24);
  const auto same = [&](const Outcome& other) {
    REQUIRE(other.samples.size() == 24);
    for (std::size_t i = 0; i < 24; ++i) {
      CHECK(SampleDifference(first[i], other[i]) == "");
      CHECK(first[i].recipe.ToJson() == other[i].recipe.ToJson());
    }
  };
  for (const int threads : {2, 4, 8}) same(RunYaml(yaml, threads));
  same(RunYaml(Pipeline::Parse(yaml, "t.yaml", TestOptions()).ToYaml()));
  int added = 0;
  for (const Collected& c : first.samples) {
    for (const Instance& object : c.sample.instances) added += object.id > 2 ? 1 : 0;
  }
  CHECK(added >= 24);
}

}  // namespace
}  // namespace pixloom::testing
