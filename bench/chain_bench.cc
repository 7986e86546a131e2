// SPDX-License-Identifier: Apache-2.0
// What composing geometry gains: chains as a user writes them, each as one group and with
// `resample: each`, and the same in plain OpenCV calls; in time, and in what is left of the
// picture. One thread, decoded input; rounds alternate, figures are ratios of medians.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <opencv2/imgproc.hpp>

#include "api/pixloom.h"
#include "pipeline/buffer_pool.h"
#include "pipeline/chain.h"

namespace {

using namespace pixloom;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 31;

// Several octaves of noise under curved edges, defined between pixels, too.
double Scene(double x, double y, int channel) {
  double value = 120 + 12 * channel;
  double amplitude = 26;
  double frequency = 0.02;
  for (int octave = 0; octave < 6; ++octave) {
    const double turn = 1.3 * octave + 0.7 * channel;
    const double u = x * std::cos(turn) - y * std::sin(turn);
    const double v = x * std::sin(turn) + y * std::cos(turn);
    value += amplitude * std::sin(frequency * u + 3 * std::sin(0.61 * frequency * v));
    amplitude *= 0.72;
    frequency *= 2.03;
  }
  const double edge = std::sin(0.045 * x + 2 * std::sin(0.021 * y));
  return std::clamp(value + 45 * std::tanh(6 * edge), 0.0, 255.0);
}

cv::Mat Picture(int side) {
  cv::Mat picture(side, side, CV_8UC3);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < 3 * side; ++x) {
      picture.ptr(y)[x] = static_cast<uchar>(std::lround(Scene(x / 3 + 0.5, y + 0.5, x % 3)));
    }
  }
  return picture;
}

Sample Given(const cv::Mat& picture) {
  Sample sample;
  sample.images.emplace_back("image", ImageField::Of(picture));
  return sample;
}

class Chain {
 public:
  explicit Chain(const std::string& steps)
      : pipeline_(std::make_unique<Pipeline>(Pipeline::Parse(
            "version: 1\nseed: 3\nnodes:\n  in: {shapes: {count: 1, size: 64}}\n  look: " + steps +
            "\n  out: {discard: {}}\n"))),
        runner_(BuiltInFamilies(), BuiltInCodec(), 3) {}

  Sample Run(Sample sample) const {
    const Graph& graph = pipeline_->graph();
    const Node& node = graph.nodes[static_cast<std::size_t>(graph.Find("look"))];
    if (runner_.Run(node, sample) || DecodeAll(sample, BuiltInCodec())) std::abort();
    return sample;
  }
  cv::Mat Pixels(const cv::Mat& picture) const {
    return Run(Given(picture)).images[0].second.frames[0].pixels;
  }

 private:
  std::unique_ptr<Pipeline> pipeline_;
  ChainRunner runner_;
};

double Median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

void Compare(const std::string& name, double target, const std::function<void()>& composed,
             const std::function<void()>& other) {
  const auto micros = [](const std::function<void()>& run) {
    const auto start = Clock::now();
    run();
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
  };
  composed();
  other();
  std::vector<double> a, b;
  for (int i = 0; i < kRounds; ++i) {
    a.push_back(micros(composed));
    b.push_back(micros(other));
  }
  const std::string aim = target > 0 ? fmt::format("{:.1f}x", target) : "-";
  fmt::print("{:<52}{:>9.1f}{:>9.1f}{:>8.2f}x{:>9}{:>9.1f}{:>9.1f}\n", name, Median(a), Median(b),
             Median(b) / Median(a), aim, *std::min_element(a.begin(), a.end()),
             *std::min_element(b.begin(), b.end()));
}

// Source to output, read from three points that moved along.
Matrix MapOf(const Chain& chain, const cv::Mat& picture) {
  Sample sample = Given(picture);
  Instance instance;
  for (const Point p : {Point(0, 0), Point(100, 0), Point(0, 100)}) {
    instance.keypoints.push_back({p});
  }
  sample.instances.push_back(instance);
  sample = chain.Run(std::move(sample));
  const auto& k = sample.instances.at(0).keypoints;
  const Point o = k.at(0).at;
  const Point x = (k.at(1).at - o) / 100;
  const Point y = (k.at(2).at - o) / 100;
  return {{x.x, y.x, o.x, x.y, y.y, o.y, 0, 0, 1}};
}

// Peak signal to noise over the middle, where all maps show the picture. `truth` is asked for
// source positions.
double Psnr(const cv::Mat& result, const Matrix& map,
            const std::function<double(Point, int)>& truth) {
  const Matrix back = map.Inverse();
  double error = 0;
  int count = 0;
  for (int y = result.rows / 4; y < result.rows * 3 / 4; ++y) {
    for (int x = result.cols / 4; x < result.cols * 3 / 4; ++x) {
      for (int c = 0; c < 3; ++c, ++count) {
        const double d = result.ptr(y)[3 * x + c] - truth(back({x + 0.5, y + 0.5}), c);
        error += d * d;
      }
    }
  }
  return 10 * std::log10(255.0 * 255.0 * count / error);
}

// The picture between its pixels, bilinear in float64.
double Bilinear(const cv::Mat& picture, Point p, int c) {
  const int x = static_cast<int>(std::floor(p.x - 0.5));
  const int y = static_cast<int>(std::floor(p.y - 0.5));
  const double dx = p.x - 0.5 - x;
  const double dy = p.y - 0.5 - y;
  const auto at = [&](int column, int row) {
    return static_cast<double>(picture.at<cv::Vec3b>(row, column)[c]);
  };
  return (1 - dy) * ((1 - dx) * at(x, y) + dx * at(x + 1, y)) +
         dy * ((1 - dx) * at(x, y + 1) + dx * at(x + 1, y + 1));
}

cv::Mat TurnMatrix(int side, double degrees) {
  return cv::getRotationMatrix2D(
      {(static_cast<float>(side) - 1) / 2, (static_cast<float>(side) - 1) / 2}, degrees, 1);
}

std::string Affines(const std::string& border) {
  return fmt::format(
      "[rotate: {{angle: 17, border: {0}}}, affine: {{scale: 1.1, translate_x: 0.03, border: {0}}},"
      " affine: {{shear_x: 9, rotate: -5, border: {0}}}]",
      border);
}

std::string Each(const std::string& steps) { return "{chain: " + steps + ", resample: each}"; }

void Timings() {
  const cv::Mat picture = Picture(512);
  fmt::print("{:<52}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", "us, medians", "composed", "other", "gain",
             "target", "best own", "best");
  // Each of three operators turns or slants, so each is a warp when it runs alone.
  for (const char* border : {"constant", "reflect101"}) {
    const std::string steps = fmt::format(
        "[rotate: {{angle: 17, border: {0}}}, shift_scale_rotate: {{scale: 1.1, rotate: -7, shift:"
        " 0.03, border: {0}}}, shear: {{x: 9, y: 0, border: {0}}}]",
        border);
    const Chain composed(steps), each(Each(steps));
    Compare(
        fmt::format("rotate, shift_scale_rotate, shear, {}: each", border), 2.5,
        [&] { composed.Pixels(picture); }, [&] { each.Pixels(picture); });
  }
  // The second of these is upright, which alone is a cheaper resize. A constant border is cheap to
  // sample: it shows where the picture was turned away.
  for (const char* border : {"constant", "reflect101"}) {
    const std::string steps = Affines(border);
    const Chain composed(steps), each(Each(steps));
    Compare(
        fmt::format("rotate, affine, affine, {}: each on its own", border), 2.5,
        [&] { composed.Pixels(picture); }, [&] { each.Pixels(picture); });
  }
  {
    const std::string steps = "[rotate: 17, hflip, resize: 224]";
    const Chain composed(steps), each(Each(steps));
    cv::Mat turned, flipped, resized;
    Compare(
        "rotate, hflip, resize 224: warpAffine, flip, resize", 5.0,
        [&] { composed.Pixels(picture); },
        [&] {
          cv::warpAffine(picture, turned, TurnMatrix(512, 17), {512, 512});
          cv::flip(turned, flipped, 1);
          cv::resize(flipped, resized, {224, 224});
        });
    Compare(
        "rotate, hflip, resize 224: each on its own", 0, [&] { composed.Pixels(picture); },
        [&] { each.Pixels(picture); });
  }
  {
    const cv::Mat large = Picture(1024);
    const std::string steps = "[rotate: 17, random_crop: 224]";
    const Chain composed(steps), each(Each(steps));
    cv::Mat turned, cropped;
    Compare(
        "1024: rotate, crop 224: warp, then crop", 6.0, [&] { composed.Pixels(large); },
        [&] { each.Pixels(large); });
    Compare(
        "1024: rotate, crop 224: warpAffine, crop", 6.0, [&] { composed.Pixels(large); },
        [&] {
          cv::warpAffine(large, turned, TurnMatrix(1024, 17), {1024, 1024});
          turned(cv::Rect(400, 400, 224, 224)).copyTo(cropped);
        });
  }
}

void Sharpness() {
  const cv::Mat picture = Picture(512);
  const std::string steps = Affines("constant");
  const Chain composed(steps), each(Each(steps));
  const Matrix map = MapOf(composed, picture);
  const auto bilinear = [&](Point p, int c) { return Bilinear(picture, p, c); };
  const auto scene = [](Point p, int c) { return Scene(p.x, p.y, c); };
  fmt::print("\n{:<52}{:>10}{:>10}{:>8}\n", "PSNR of three affine operators, dB", "composed",
             "each", "gain");
  for (const auto& [name, truth] :
       {std::pair<std::string, std::function<double(Point, int)>>{"one warp in float64", bilinear},
        {"the scene itself, between pixels", scene}}) {
    const double one = Psnr(composed.Pixels(picture), map, truth);
    const double three = Psnr(each.Pixels(picture), map, truth);
    fmt::print("{:<52}{:>10.2f}{:>10.2f}{:>8.2f}\n", "against " + name, one, three, one - three);
  }
}

}  // namespace

int main() {
  cv::setNumThreads(1);
  InstallBufferPool();
  Timings();
  Sharpness();
  return 0;
}
