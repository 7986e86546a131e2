// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Which values of a mask are something.
class Foreground {
 public:
  explicit Foreground(const std::vector<double>& ignored) : something_(65'536, true) {
    something_[0] = false;
    for (const double v : ignored) Ignore(static_cast<int>(v));
  }
  void Ignore(int value) {
    if (value >= 0 && value <= 65'535) something_[static_cast<std::size_t>(value)] = false;
  }
  bool operator()(std::uint16_t value) const { return something_[value]; }

 private:
  std::vector<bool> something_;
};

// Calls visit(x, y) for every pixel that is something, row by row, until it returns true.
template <class Visit>
void Walk(const cv::Mat& mask, const Foreground& foreground, Visit visit) {
  const bool wide = mask.depth() == CV_16U;
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      const std::uint16_t value = wide ? mask.at<std::uint16_t>(y, x) : mask.at<std::uint8_t>(y, x);
      if (foreground(value) && visit(x, y)) return;
    }
  }
}

struct CropNonEmptyMask : Outside {
  Size size;
  std::string mask;
  std::vector<double> ignore_values{0};

  static constexpr std::string_view kName = "crop_non_empty_mask";
  static constexpr std::string_view kDoc =
      "Cut out a window of fixed size that holds a random pixel of the mask's foreground; without "
      "any as random_crop.";
  static constexpr std::array<std::string_view, 2> kAliases{"CropNonEmptyMaskIfExists",
                                                            "crop_non_empty_mask_if_exists"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kNeedsMasks = true;
  static constexpr auto Params() {
    using Op = CropNonEmptyMask;
    return std::tuple_cat(
        std::tuple{
            Param("size", &Op::size)
                .In(1, kMaxSide)
                .Unit("px")
                .Required()
                .Primary()
                .Doc("Height and width of the window; a smaller picture is centred in it and "
                     "filled around."),
            Param("mask", &Op::mask)
                .Doc("Name of the semantic mask; empty is the first, and where there is none "
                     "the masks of the objects count."),
            Param("ignore_values", &Op::ignore_values)
                .In(0, 65'535)
                .Unit("class")
                .Doc("Classes that are background; 0 and the mask's ignore index always "
                     "are.")},
        Outside::Table<Op>());
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const std::optional<cv::Point> pixel = Pick(rng, facts);
    const cv::Point at = pixel.value_or(cv::Point(-1, -1));
    const int x = Start(rng, at.x, facts.size.width, size.width);
    const int y = Start(rng, at.y, facts.size.height, size.height);
    rng.Note("pixel_x", at.x);
    rng.Note("pixel_y", at.y);
    rng.Note("x", x);
    rng.Note("y", y);
    return CutWindow(x, y, size, facts.size, Rule());
  }

  Meta Out(const Meta& in) const { return OfSize(in, size); }

 private:
  // A pixel of the picture that is foreground, with equal chance for each of the mask. One draw.
  std::optional<cv::Point> Pick(Rng& rng, const Facts& facts) const {
    const double unit = rng.Unit();
    Foreground foreground(ignore_values);
    cv::Mat pixels;
    if (const SemanticMask* semantic = Semantic(facts)) {
      pixels = semantic->pixels;
      foreground.Ignore(semantic->ignore_index);
    } else {
      pixels = AnyObject(facts);
      foreground = Foreground({});
    }
    std::int64_t count = 0;
    Walk(pixels, foreground, [&](int, int) { return ++count, false; });
    if (count == 0) return std::nullopt;
    auto skip = std::min(static_cast<std::int64_t>(unit * static_cast<double>(count)), count - 1);
    cv::Point found;
    Walk(pixels, foreground, [&](int x, int y) {
      found = {OnPicture(x, pixels.cols, facts.size.width),
               OnPicture(y, pixels.rows, facts.size.height)};
      return skip-- == 0;
    });
    return found;
  }

  // The pixel of the picture below the centre of the mask's, which may be of another size.
  static int OnPicture(int at, int mask_side, int side) {
    return static_cast<int>((2 * std::int64_t{at} + 1) * side / (2 * std::int64_t{mask_side}));
  }

  const SemanticMask* Semantic(const Facts& facts) const {
    if (facts.masks == nullptr || facts.masks->empty()) return nullptr;
    const auto named = mask.empty() ? facts.masks->begin() : facts.masks->find(mask);
    return named == facts.masks->end() ? nullptr : &named->second;
  }

  // Where any object is. The objects' masks have one size.
  static cv::Mat AnyObject(const Facts& facts) {
    cv::Mat all;
    if (facts.instances == nullptr) return all;
    for (const Instance& instance : *facts.instances) {
      if (!instance.HasMask()) continue;
      const cv::Mat one = instance.Bits();
      if (all.empty()) all = cv::Mat::zeros(one.size(), CV_8U);
      if (one.size() == all.size()) cv::bitwise_or(all, one, all);
    }
    return all;
  }

  // Anywhere in the picture where the window holds pixel `held`; -1: none to hold.
  static int Start(Rng& rng, int held, int picture, int window) {
    if (held < 0 || picture <= window) return RandomStart(rng, picture, window);
    return Whole(rng, std::max(0, held - window + 1), std::min(held, picture - window));
  }
};

}  // namespace

void RegisterCropNonEmptyMask(Registry& registry) { registry.AddOperator<CropNonEmptyMask>(); }

}  // namespace pixloom
