// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <fmt/format.h>

#include <opencv2/imgproc.hpp>

#include "ops/geometry/field_grid.h"
#include "ops/kernels/unit_image.h"
#include "ops/overlay/layer.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// The stroke fonts that OpenCV carries, all of printable ASCII.
enum class TextFont { kSans, kSansBold, kSerif, kSerifBold, kScript, kRandom };
enum class InkKind { kContrast, kRandom, kLevel };
enum class PaperKind { kNone, kRandom, kLevel };

}  // namespace

template <>
struct EnumNames<TextFont> {
  static constexpr std::array kAll{
      std::pair{TextFont::kSans, "sans"},     std::pair{TextFont::kSansBold, "sans_bold"},
      std::pair{TextFont::kSerif, "serif"},   std::pair{TextFont::kSerifBold, "serif_bold"},
      std::pair{TextFont::kScript, "script"}, std::pair{TextFont::kRandom, "random"}};
};
template <>
struct EnumNames<InkKind> {
  static constexpr std::array kAll{std::pair{InkKind::kContrast, "contrast"},
                                   std::pair{InkKind::kRandom, "random"},
                                   std::pair{InkKind::kLevel, "level"}};
};
template <>
struct EnumNames<PaperKind> {
  static constexpr std::array kAll{std::pair{PaperKind::kNone, "none"},
                                   std::pair{PaperKind::kRandom, "random"},
                                   std::pair{PaperKind::kLevel, "level"}};
};

namespace {

using Colour = std::array<float, 3>;

constexpr std::array kFonts{cv::FONT_HERSHEY_SIMPLEX, cv::FONT_HERSHEY_DUPLEX,
                            cv::FONT_HERSHEY_COMPLEX, cv::FONT_HERSHEY_TRIPLEX,
                            cv::FONT_HERSHEY_SCRIPT_COMPLEX};
// A capital letter at scale 1, in pixels.
constexpr double kCapital = 21;

bool IsPrintable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool HasInk(const std::string& text) { return text.find_first_not_of(' ') != std::string::npos; }

// CV_8U: how much ink each pixel takes, cut to where there is some. Drawn by integer arithmetic;
// capitals are `capital` pixels high.
cv::Mat Ink(const std::string& text, int font, int capital, int stroke) {
  const double scale = capital / kCapital;
  int baseline = 0;
  const cv::Size size = cv::getTextSize(text, font, scale, stroke, &baseline);
  // Some letters reach farther than is told.
  const int margin = capital + 2 * stroke;
  cv::Mat ink = cv::Mat::zeros(size.height + baseline + 2 * margin, size.width + 2 * margin, CV_8U);
  cv::putText(ink, text, {margin, margin + size.height}, font, scale, cv::Scalar(255), stroke,
              cv::LINE_AA);
  const cv::Rect used = cv::boundingRect(ink);
  return used.empty() ? cv::Mat() : ink(used).clone();
}

// Strokes of one colour in the middle of a sheet; without paper the sheet is clear.
void Paint(const cv::Mat& strokes, const Colour& own, const Colour& paper, bool opaque,
           cv::Mat& rgba) {
  const int margin_x = (rgba.cols - strokes.cols) / 2;
  const int margin_y = (rgba.rows - strokes.rows) / 2;
  for (int y = 0; y < rgba.rows; ++y) {
    float* out = rgba.ptr<float>(y);
    const int row = y - margin_y;
    const auto* ink_row = row >= 0 && row < strokes.rows ? strokes.ptr<std::uint8_t>(row) : nullptr;
    for (int x = 0; x < rgba.cols; ++x, out += 4) {
      const int column = x - margin_x;
      const bool on = ink_row != nullptr && column >= 0 && column < strokes.cols;
      const float amount = on ? static_cast<float>(ink_row[column]) / 255.0F : 0.0F;
      for (std::size_t c = 0; c < 3; ++c) {
        out[c] = opaque ? paper[c] + amount * (own[c] - paper[c]) : own[c];
      }
      out[3] = opaque ? 1.0F : amount;
    }
  }
}

struct OverlayText : Overlays {
  std::vector<std::string> text;
  std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  Range length{3, 10};
  TextFont font = TextFont::kSans;
  Range size{0.06, 0.15};
  Range stroke{0.08, 0.16};
  InkKind ink = InkKind::kContrast;
  std::vector<double> level{0};
  PaperKind paper = PaperKind::kNone;
  std::vector<double> paper_level{255};
  double padding = 0.3;

  OverlayText() { box = OverlayBox::kOriented; }

  static constexpr std::string_view kName = "overlay_text";
  static constexpr std::string_view kDoc = "Write words or random letters over the picture.";
  static constexpr std::array<std::string_view, 1> kAliases{"OverlayText"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  // To write in a colour that stands out.
  static constexpr bool kNeedsPixels = true;
  static constexpr auto Params() {
    using Op = OverlayText;
    return std::tuple_cat(
        std::tuple{
            Param("text", &Op::text)
                .Primary()
                .Doc("Texts of printable ASCII, one of which is drawn; none: random letters."),
            Param("letters", &Op::letters).Doc("What random texts are made of."),
            Param("length", &Op::length)
                .In(1, 100)
                .Unit("letters")
                .Doc("Of random texts; whole numbers, with equal chance."),
            Param("font", &Op::font).Doc("Stroke font, or any of them."),
            Param("size", &Op::size)
                .In(0.001, 1)
                .Unit("heights")
                .Alias("font_size")
                .Doc("Height of capital letters; a text that would not fit into the picture is "
                     "made smaller."),
            Param("stroke", &Op::stroke)
                .In(0, 0.5)
                .Unit("capitals")
                .Doc("Width of strokes, as a share of the height of capitals."),
            Param("ink", &Op::ink)
                .Doc("contrast: black or white, whichever stands out from what is below; random: "
                     "any colour; level: level."),
            Param("level", &Op::level)
                .In(kMinLevel, kMaxLevel)
                .Unit("levels")
                .Doc("Colour of the text, one level or three."),
            Param("paper", &Op::paper)
                .Alias("background")
                .Doc("A box below the text: none, of any colour, or of paper_level."),
            Param("paper_level", &Op::paper_level)
                .In(kMinLevel, kMaxLevel)
                .Unit("levels")
                .Doc("Colour of the box, one level or three."),
            Param("padding", &Op::padding)
                .In(0, 10)
                .Unit("capitals")
                .Doc("How far the box reaches beyond the text.")},
        Overlays::Table<Op>());
  }

  std::string Check() const {
    for (const std::string& one : text) {
      if (!IsPrintable(one)) {
        return fmt::format("text: the fonts have no letters for '{}' beyond printable ASCII", one);
      }
      if (!HasInk(one)) return "text: one of the texts is empty";
    }
    if (!IsPrintable(letters)) return "letters: the fonts have printable ASCII only";
    if (!HasInk(letters)) return "letters: name at least one that can be seen";
    for (const auto* levels : {&level, &paper_level}) {
      if (levels->size() != 1 && levels->size() != 3) {
        return fmt::format("{}: takes one level or three, got {}",
                           levels == &level ? "level" : "paper_level", levels->size());
      }
    }
    return CheckWhole("length", length);
  }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts& facts) const {
    const std::string written = DrawText(rng);
    const auto any = static_cast<std::size_t>(rng.Below("font", kFonts.size()));
    const std::size_t face = font == TextFont::kRandom ? any : static_cast<std::size_t>(font);
    const double height = rng.Draw("size", size) * facts.size.height;
    const double width = rng.Draw("stroke", stroke);
    const Drawn drawn = DrawPlace(rng);
    const Colour ink_drawn = DrawColour(rng, "ink");
    const Colour paper_drawn = DrawColour(rng, "paper");
    if (!HasInk(written)) return {};

    // Twice as large as it will be: shrinking smooths what strokes of whole pixels leave rough.
    const int capital = std::clamp(static_cast<int>(std::ceil(2 * height)), 24, 400);
    const int thick = std::max(1, static_cast<int>(std::floor(width * capital + 0.5)));
    const cv::Mat strokes = Ink(written, kFonts[face], capital, thick);
    if (strokes.empty()) return {};
    Placement place = drawn.At(height / capital);
    cv::Mat rgba = Sheet(strokes, capital);
    const Colour below = paper == PaperKind::kRandom  ? paper_drawn
                         : paper == PaperKind::kLevel ? UnitColour(paper_level, facts)
                                                      : MeanBelow(rgba, place, facts);
    Colour own = ink_drawn;
    if (ink == InkKind::kLevel) own = UnitColour(level, facts);
    if (ink == InkKind::kContrast) {
      const bool dark = 0.299F * below[0] + 0.587F * below[1] + 0.114F * below[2] < 0.5F;
      own = dark ? Colour{1, 1, 1} : Colour{0, 0, 0};
    }
    Paint(strokes, own, below, paper != PaperKind::kNone, rgba);
    const double share = height / capital / facts.size.height;
    const auto make = [rgba, drawn, share](Size picture) -> Result<Layer> {
      return PlaceLayer(rgba, drawn.At(share * picture.height), picture);
    };
    return Lay(make, drawn, kName, {{"text", written}});
  }

 private:
  // Letters of random texts are keyed by their place, so that length shifts no other draw.
  std::string DrawText(Rng& rng) const {
    const auto count = static_cast<std::uint32_t>(std::max<std::size_t>(text.size(), 1));
    const std::uint32_t index = rng.Below("text", count);
    const int letter_count = DrawWhole(rng, "length", length);
    if (!text.empty()) return text[index];
    const NodeNoise noise(rng);
    std::string written;
    for (int i = 0; i < letter_count; ++i) {
      const double unit = noise.Unit(static_cast<std::uint32_t>(i)).x;
      written += letters[static_cast<std::size_t>(unit * static_cast<double>(letters.size()))];
      rng.Note("letter", written.back());
    }
    return written;
  }

  static Colour DrawColour(Rng& rng, std::string_view what) {
    Colour colour{};
    for (float& c : colour) c = static_cast<float>(rng.Uniform(what, 0, 1));
    return colour;
  }

  static Colour UnitColour(const std::vector<double>& levels, const Facts& facts) {
    Colour colour{};
    const double low = facts.depth == Depth::kF32 ? facts.range.lo : 0;
    const double high = facts.depth == Depth::kF32   ? facts.range.hi
                        : facts.depth == Depth::kU16 ? kLevels<std::uint16_t>
                                                     : kLevels<std::uint8_t>;
    for (std::size_t c = 0; c < colour.size(); ++c) {
      colour[c] = static_cast<float>((levels[std::min(c, levels.size() - 1)] - low) / (high - low));
    }
    return colour;
  }

  // The text with its margins: opaque where there is paper.
  cv::Mat Sheet(const cv::Mat& strokes, int capital) const {
    const int margin = Margin(capital);
    return {strokes.rows + 2 * margin, strokes.cols + 2 * margin, CV_32FC4, cv::Scalar(0, 0, 0, 1)};
  }

  int Margin(int capital) const {
    return paper == PaperKind::kNone ? 0 : static_cast<int>(std::floor(padding * capital + 0.5));
  }

  // What the sheet covers, on average.
  static Colour MeanBelow(const cv::Mat& sheet, const Placement& place, const Facts& facts) {
    const Layer layer = PlaceLayer(sheet, place, facts.size);
    const cv::Rect window = cv::Rect(layer.at, layer.pixels.size()) &
                            cv::Rect(0, 0, facts.size.width, facts.size.height);
    std::array<double, 3> sum{};
    double count = 0;
    if (facts.pixels == nullptr || window.empty()) return {};
    const cv::Mat unit = ToUnit((*facts.pixels)(window), facts.range);
    const int channels = unit.channels();
    const bool colours = ColourCount(channels) == 3;
    for (int row = 0; row < window.height; ++row) {
      const float* in = unit.ptr<float>(row);
      const float* alpha =
          layer.pixels.ptr<float>(row + window.y - layer.at.y) + 4 * (window.x - layer.at.x) + 3;
      for (int i = 0; i < window.width; ++i, in += channels, alpha += 4) {
        count += *alpha;
        for (std::size_t c = 0; c < 3; ++c) sum[c] += double{*alpha} * in[colours ? c : 0];
      }
    }
    Colour mean{};
    for (std::size_t c = 0; c < 3 && count > 0; ++c) mean[c] = static_cast<float>(sum[c] / count);
    return mean;
  }
};

}  // namespace

void RegisterOverlayText(Registry& registry) { registry.AddOperator<OverlayText>(); }

}  // namespace pixloom
