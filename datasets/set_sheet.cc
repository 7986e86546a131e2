// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_sheet.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <opencv2/imgproc.hpp>

namespace pixloom {

namespace {

constexpr int kCellSide = 240;
constexpr int kPadding = 12;
constexpr int kTitle = 24;
const cv::Scalar kPaper(246, 246, 244), kInk(40, 40, 44), kMount(228, 228, 226);

// Told apart on light and on dark pictures.
constexpr std::array<std::array<int, 3>, 10> kColours{{{230, 57, 70},
                                                       {42, 130, 228},
                                                       {46, 160, 67},
                                                       {245, 159, 0},
                                                       {150, 80, 210},
                                                       {0, 170, 170},
                                                       {220, 90, 170},
                                                       {130, 110, 60},
                                                       {120, 190, 30},
                                                       {90, 100, 120}}};

cv::Scalar ColourOf(int label) {
  if (label < 0) return {255, 255, 255};
  const auto& c = kColours[static_cast<std::size_t>(label) % kColours.size()];
  return {static_cast<double>(c[0]), static_cast<double>(c[1]), static_cast<double>(c[2])};
}

// The built-in fonts know ASCII only.
std::string Ascii(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if ((c & 0xC0) == 0x80) continue;
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  return out;
}

cv::Size TextSize(const std::string& text, double scale) {
  int below = 0;
  return cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, scale, 1, &below);
}

std::string Fitting(std::string text, double scale, int width) {
  if (TextSize(text, scale).width <= width) return text;
  while (!text.empty() && TextSize(text + "..", scale).width > width) text.pop_back();
  return text + "..";
}

void Write(cv::Mat& on, const std::string& text, cv::Point at, double scale,
           const cv::Scalar& colour) {
  cv::putText(on, text, at, cv::FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv::LINE_AA);
}

// How much larger a picture is shown.
double Enlargement(cv::Size picture, cv::Size cell) {
  const double fit = std::min(static_cast<double>(cell.width) / picture.width,
                              static_cast<double>(cell.height) / picture.height);
  return fit < 1 ? fit : std::floor(fit);
}

void DrawObject(cv::Mat& on, const SheetObject& object, double scale) {
  if (object.corners.empty()) return;
  constexpr int kShift = 3;  // corners between pixels
  std::vector<cv::Point> corners;
  cv::Point top_left(on.cols, on.rows);
  for (const Point& corner : object.corners) {
    const double x = corner.x * scale, y = corner.y * scale;
    if (!(std::abs(x) < 1e6 && std::abs(y) < 1e6)) return;
    corners.emplace_back(static_cast<int>(std::lround(x * (1 << kShift))),
                         static_cast<int>(std::lround(y * (1 << kShift))));
    top_left.x = std::min(top_left.x, static_cast<int>(std::lround(x)));
    top_left.y = std::min(top_left.y, static_cast<int>(std::lround(y)));
  }
  const cv::Scalar colour = ColourOf(object.label);
  cv::polylines(on, corners, true, cv::Scalar(0, 0, 0), 4, cv::LINE_AA, kShift);
  cv::polylines(on, corners, true, colour, 2, cv::LINE_AA, kShift);
  if (object.name.empty()) return;
  constexpr double kScale = 0.34;
  const std::string name = Fitting(Ascii(object.name), kScale, on.cols - 6);
  const cv::Size size = TextSize(name, kScale);
  cv::Rect tag(top_left.x, top_left.y - size.height - 6, size.width + 6, size.height + 6);
  if (tag.y < 0) tag.y = top_left.y;
  tag.x = std::clamp(tag.x, 0, std::max(0, on.cols - tag.width));
  tag.y = std::clamp(tag.y, 0, std::max(0, on.rows - tag.height));
  cv::rectangle(on, tag, colour, cv::FILLED);
  const double light = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2];
  Write(on, name, {tag.x + 3, tag.y + tag.height - 3}, kScale,
        light > 150 ? cv::Scalar(0, 0, 0) : cv::Scalar(255, 255, 255));
}

int Middle(std::vector<int> numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

// Room for the pictures as most of them are: small ones enlarged by a whole number.
cv::Size CellFor(const std::vector<SheetPicture>& pictures) {
  std::vector<int> widths, heights;
  for (const SheetPicture& p : pictures) {
    if (p.pixels.empty()) continue;
    widths.push_back(p.pixels.cols);
    heights.push_back(p.pixels.rows);
  }
  if (widths.empty()) return {kCellSide, kCellSide};
  const int width = Middle(std::move(widths)), height = Middle(std::move(heights));
  const double fit = static_cast<double>(kCellSide) / std::max(width, height);
  const double scale = fit < 1 ? fit : std::round(fit);
  // Room for a title, and no needles.
  return {std::max(kCellSide / 2, static_cast<int>(width * scale)),
          std::max(kCellSide / 3, static_cast<int>(height * scale))};
}

}  // namespace

cv::Mat ViewOf(const cv::Mat& pixels) {
  cv::Mat view = pixels;
  if (view.depth() != CV_8U) {
    double low = 0, high = 0;
    cv::Mat numbers;
    view.reshape(1).convertTo(numbers, CV_32F);
    cv::patchNaNs(numbers, 0);
    cv::minMaxLoc(numbers, &low, &high);
    const double full = view.depth() == CV_16U ? 65535 : high <= 1 ? 1 : 255;
    // A float picture of another range, and 16 bits that hold 10 or 12.
    const bool stretch = low < 0 || high > full || (view.depth() == CV_16U && high < full / 4);
    const double from = stretch ? low : 0, to = stretch ? high : full;
    const double scale = to > from ? 255 / (to - from) : 0;
    numbers.convertTo(view, CV_8U, scale, -from * scale);
    view = view.reshape(pixels.channels());
  }
  cv::Mat rgb;
  switch (view.channels()) {
    case 1:
      cv::cvtColor(view, rgb, cv::COLOR_GRAY2RGB);
      return rgb;
    case 3:
      return view.clone();
    case 4:
      cv::cvtColor(view, rgb, cv::COLOR_RGBA2RGB);
      return rgb;
    default:
      cv::extractChannel(view, rgb, 0);
      cv::cvtColor(rgb, rgb, cv::COLOR_GRAY2RGB);
      return rgb;
  }
}

cv::Mat DrawSheet(const std::vector<SheetPicture>& pictures) {
  const int count = std::max<int>(1, static_cast<int>(pictures.size()));
  const cv::Size cell = CellFor(pictures);
  const cv::Size step(cell.width + kPadding, cell.height + kTitle + kPadding);
  // Somewhat wider than high, as screens are.
  const int columns = std::clamp(
      static_cast<int>(std::lround(std::sqrt(1.5 * count * step.height / step.width))), 1, count);
  const int lines = (count + columns - 1) / columns;
  cv::Mat sheet(lines * step.height + kPadding, columns * step.width + kPadding, CV_8UC3, kPaper);
  for (int i = 0; i < static_cast<int>(pictures.size()); ++i) {
    const SheetPicture& picture = pictures[static_cast<std::size_t>(i)];
    const cv::Rect mount(kPadding + i % columns * step.width, kPadding + i / columns * step.height,
                         cell.width, cell.height);
    sheet(mount).setTo(kMount);
    if (!picture.pixels.empty()) {
      const double scale = Enlargement(picture.pixels.size(), cell);
      cv::Mat shown;
      const cv::Size size(std::max(1, static_cast<int>(picture.pixels.cols * scale)),
                          std::max(1, static_cast<int>(picture.pixels.rows * scale)));
      cv::resize(picture.pixels, shown, size, 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_NEAREST);
      for (const SheetObject& object : picture.objects) DrawObject(shown, object, scale);
      shown.copyTo(
          sheet(cv::Rect(mount.x + (cell.width - size.width) / 2,
                         mount.y + (cell.height - size.height) / 2, size.width, size.height)));
    } else {
      Write(sheet, "cannot be read", {mount.x + 8, mount.y + cell.height / 2}, 0.42, kInk);
    }
    constexpr double kScale = 0.42;
    Write(sheet, Fitting(Ascii(picture.title), kScale, cell.width),
          {mount.x, mount.y + cell.height + 16}, kScale, kInk);
  }
  return sheet;
}

}  // namespace pixloom
