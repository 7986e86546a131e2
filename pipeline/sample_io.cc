// SPDX-License-Identifier: Apache-2.0
#include "pipeline/sample_io.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <type_traits>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pipeline/contracts.h"

namespace pixloom {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers go to the file as they are");
static_assert(sizeof(Point) == 2 * sizeof(double), "points go to the file as they are");

constexpr std::array<std::uint8_t, 4> kMagic{'P', 'X', 'L', 'S'};
constexpr std::uint32_t kVersionOfForm = 1;
constexpr std::uint64_t kHeadBytes = kMagic.size() + sizeof kVersionOfForm;
constexpr std::uint64_t kTailBytes = 2 * sizeof(std::uint64_t);

template <class T>
std::span<const std::uint8_t> BytesOf(const T* values, std::size_t count) {
  static_assert(std::is_trivially_copyable_v<T> || std::is_same_v<T, Point>);
  return {reinterpret_cast<const std::uint8_t*>(values), count * sizeof(T)};
}

template <class T>
std::span<std::uint8_t> BytesOf(T* values, std::size_t count) {
  static_assert(std::is_trivially_copyable_v<T> || std::is_same_v<T, Point>);
  return {reinterpret_cast<std::uint8_t*>(values), count * sizeof(T)};
}

enum class FrameForm : std::uint8_t { kPixels, kEncoded };
enum class MaskForm : std::uint8_t { kNone, kBits, kRuns };

// ---- Writing ------------------------------------------------------------------------------------

class Writer {
 public:
  explicit Writer(ByteSink& to) : to_(to) {}

  void Content(const Sample& sample) {
    Count(sample.images.size());
    for (const auto& [name, field] : sample.images) {
      Text(name);
      Number(field.range.lo);
      Number(field.range.hi);
      Count(field.frames.size());
      for (const Frame& frame : field.frames) Write(frame);
    }
    Count(sample.masks.size());
    for (const auto& [name, mask] : sample.masks) {
      Text(name);
      Number(std::int32_t{mask.ignore_index});
      Write(mask.pixels);
    }
    Count(sample.instances.size());
    for (const Instance& instance : sample.instances) Write(instance);
    Optional(sample.labels.label);
    Numbers(sample.labels.multi_hot);
    Numbers(sample.labels.soft);
    Map(sample.scalars);
    Count(sample.text.size());
    for (const auto& [name, text] : sample.text) {
      Text(name);
      Text(text);
    }
    Bool(sample.filtered);
    Map(sample.counts);
    Count(sample.recipe.entries.size());
    for (const RecipeEntry& entry : sample.recipe.entries) Write(entry);
  }

 private:
  template <class T>
  void Number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    to_.Write(BytesOf(&value, 1));
  }
  void Bool(bool value) { Number(static_cast<std::uint8_t>(value ? 1 : 0)); }
  void Count(std::size_t n) { Number(static_cast<std::uint64_t>(n)); }
  void Text(std::string_view text) {
    Count(text.size());
    to_.Write(BytesOf(text.data(), text.size()));
  }
  void Optional(const std::optional<int>& value) {
    Bool(value.has_value());
    if (value) Number(std::int32_t{*value});
  }
  template <class T>
  void Numbers(const std::vector<T>& values) {
    Count(values.size());
    to_.Write(BytesOf(values.data(), values.size()));
  }
  template <class T>
  void Map(const std::map<std::string, T>& values) {
    Count(values.size());
    for (const auto& [name, value] : values) {
      Text(name);
      Number(value);
    }
  }

  void Write(const cv::Mat& pixels) {
    const auto dims = static_cast<std::size_t>(pixels.dims);
    PIXLOOM_CHECK(dims == 2 || dims == 3, "a picture of another number of dimensions");
    Number(static_cast<std::uint8_t>(dims));
    Number(static_cast<std::uint8_t>(DepthOf(pixels)));
    Number(static_cast<std::uint16_t>(pixels.channels()));
    for (std::size_t d = 0; d < dims; ++d) Number(static_cast<std::uint32_t>(pixels.size[d]));
    if (pixels.isContinuous()) {
      to_.Write({pixels.data, pixels.total() * pixels.elemSize()});
      return;
    }
    PIXLOOM_CHECK(dims == 2, "planes with gaps between them");
    const std::size_t row = static_cast<std::size_t>(pixels.cols) * pixels.elemSize();
    for (int y = 0; y < pixels.rows; ++y) to_.Write({pixels.ptr(y), row});
  }

  void Write(const Frame& frame) {
    if (frame.Decoded()) {
      Number(static_cast<std::uint8_t>(FrameForm::kPixels));
      Write(frame.pixels);
      return;
    }
    PIXLOOM_CHECK(frame.encoded != nullptr && frame.encoded->header != nullptr,
                  "frame without picture");
    Number(static_cast<std::uint8_t>(FrameForm::kEncoded));
    const EncodedImage& encoded = *frame.encoded;
    const ImageHeader& header = *encoded.header;
    Number(static_cast<std::uint8_t>(header.format));
    Number(std::int32_t{header.size.width});
    Number(std::int32_t{header.size.height});
    Number(static_cast<std::uint8_t>(header.channels));
    Number(static_cast<std::uint8_t>(header.bits));
    Number(static_cast<std::uint8_t>(header.orientation));
    Bool(encoded.exact);
    Bool(encoded.accept_truncated);
    Number(static_cast<std::uint8_t>(encoded.channels));
    Numbers(encoded.bytes);
  }

  void Write(const Instance& instance) {
    Number(instance.id);
    Optional(instance.label);
    Bool(instance.quad.has_value());
    if (instance.quad) to_.Write(BytesOf(instance.quad->data(), instance.quad->size()));
    Bool(instance.oriented);
    Count(instance.polygons.size());
    for (const Polygon& polygon : instance.polygons) {
      Count(polygon.rings.size());
      for (const std::vector<Point>& ring : polygon.rings) Numbers(ring);
    }
    const MaskForm form = instance.rle            ? MaskForm::kRuns
                          : instance.mask.empty() ? MaskForm::kNone
                                                  : MaskForm::kBits;
    Number(static_cast<std::uint8_t>(form));
    if (form == MaskForm::kBits) Write(instance.mask);
    if (form == MaskForm::kRuns) {
      Number(std::int32_t{instance.rle->size.width});
      Number(std::int32_t{instance.rle->size.height});
      Numbers(instance.rle->counts);
    }
    Count(instance.keypoints.size());
    for (const Keypoint& keypoint : instance.keypoints) {
      to_.Write(BytesOf(&keypoint.at, 1));
      Number(std::int32_t{keypoint.visibility});
      Number(keypoint.angle);
      Number(keypoint.scale);
    }
    Count(instance.attributes.size());
    for (const auto& [name, value] : instance.attributes) {
      Text(name);
      Text(value);
    }
    Number(instance.original_area);
  }

  void Write(const RecipeEntry& entry) {
    PIXLOOM_CHECK(entry.parents.empty(), "a recipe with parents has no binary form");
    Text(entry.stream ? std::string_view(*entry.stream) : std::string_view());
    Bool(entry.applied);
    Count(entry.draws.size());
    for (const auto& [name, value] : entry.draws) {
      Text(name);
      Number(value);
    }
  }

  ByteSink& to_;
};

class CountingSink final : public ByteSink {
 public:
  void Write(std::span<const std::uint8_t> bytes) override { count_ += bytes.size(); }
  std::uint64_t Count() const { return count_; }

 private:
  std::uint64_t count_ = 0;
};

// Passes on what it sums up.
class SummingSink final : public ByteSink {
 public:
  explicit SummingSink(ByteSink& to) : to_(to) { XXH64_reset(&state_, 0); }
  void Write(std::span<const std::uint8_t> bytes) override {
    if (bytes.empty()) return;
    XXH64_update(&state_, bytes.data(), bytes.size());
    count_ += bytes.size();
    to_.Write(bytes);
  }
  std::uint64_t Sum() const { return XXH64_digest(&state_); }
  std::uint64_t Count() const { return count_; }

 private:
  ByteSink& to_;
  XXH64_state_t state_;
  std::uint64_t count_ = 0;
};

// ---- Reading ------------------------------------------------------------------------------------

// The first problem stays and everything read after it is empty, so that callers look once, at the
// end.
class Reader {
 public:
  explicit Reader(ByteSource& from) : from_(from), left_(from.Left()) { XXH64_reset(&state_, 0); }

  Result<Sample, std::string> Run() {
    const std::uint64_t whole = left_;
    if (whole < kHeadBytes + kTailBytes) return fmt::format("ends after {} bytes", whole);
    left_ = whole - kTailBytes;
    std::array<std::uint8_t, kMagic.size()> magic{};
    Bytes(magic);
    if (magic != kMagic) return std::string("does not begin as a stored sample does");
    if (const auto version = Number<std::uint32_t>(); version != kVersionOfForm) {
      return fmt::format("is of version {}, this build reads {}", version, kVersionOfForm);
    }
    Sample sample = Content();
    if (left_ > 0) Fail(fmt::format("has {} bytes that mean nothing", left_));
    if (!problem_.empty()) return problem_;
    left_ = kTailBytes;
    const auto bytes = Number<std::uint64_t>();
    const std::uint64_t expected = XXH64_digest(&state_);
    const auto sum = Number<std::uint64_t>();
    if (!problem_.empty()) return problem_;
    if (bytes != whole - kHeadBytes - kTailBytes) return fmt::format("claims {} bytes", bytes);
    if (sum != expected) return std::string("has another checksum than it says");
    return sample;
  }

 private:
  void Fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    left_ = 0;
  }

  void Bytes(std::span<std::uint8_t> to) {
    if (to.empty()) return;
    if (to.size() > left_ || !from_.Read(to)) {
      std::fill(to.begin(), to.end(), std::uint8_t{0});
      Fail("ends early");
      return;
    }
    XXH64_update(&state_, to.data(), to.size());
    left_ -= to.size();
  }

  template <class T>
  T Number() {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    Bytes(BytesOf(&value, 1));
    return value;
  }
  template <class T>
  T NumberIn(T lo, T hi, const char* what) {
    const T value = Number<T>();
    if (value >= lo && value <= hi) return value;
    Fail(fmt::format("has {} {}", what, value));
    return lo;
  }
  bool Bool() { return NumberIn<std::uint8_t>(0, 1, "a flag of") == 1; }
  std::optional<int> Optional() {
    if (!Bool()) return std::nullopt;
    return Number<std::int32_t>();
  }

  // Of things that take at least `least` bytes each.
  std::size_t Count(std::size_t least) {
    const auto n = Number<std::uint64_t>();
    if (n <= left_ / least) return static_cast<std::size_t>(n);
    Fail("ends early");
    return 0;
  }
  std::string Text() {
    std::string text(Count(1), '\0');
    Bytes(BytesOf(text.data(), text.size()));
    return text;
  }
  template <class T>
  std::vector<T> Numbers() {
    std::vector<T> values(Count(sizeof(T)));
    Bytes(BytesOf(values.data(), values.size()));
    return values;
  }
  template <class T, class ReadValue>
  std::map<std::string, T> Map(ReadValue read) {
    std::map<std::string, T> values;
    for (std::size_t n = Count(sizeof(std::uint64_t)); n > 0 && Fine(); --n) {
      std::string name = Text();
      T value = read();
      if (!values.emplace(std::move(name), std::move(value)).second) Fail("has a name twice");
    }
    return values;
  }
  bool Fine() const { return problem_.empty(); }

  cv::Mat Pixels() {
    constexpr std::array kDepths{CV_8U, CV_16U, CV_32F};
    const auto dims = NumberIn<std::uint8_t>(2, 3, "a picture of another kind:");
    const auto depth = NumberIn<std::uint8_t>(0, 2, "an unknown pixel type");
    const auto channels = NumberIn<std::uint16_t>(1, dims == 2 ? CV_CN_MAX : 1, "channels:");
    const int type = CV_MAKETYPE(kDepths[depth], channels);
    std::array<int, 3> sizes{};
    std::uint64_t bytes = CV_ELEM_SIZE(type);
    for (std::size_t d = 0; d < dims; ++d) {
      const auto size = NumberIn<std::uint32_t>(1, std::numeric_limits<int>::max(), "a side of");
      if (!Fine()) return {};
      if (size > left_ / bytes) {
        Fail("ends early");
        return {};
      }
      bytes *= size;
      sizes[d] = static_cast<int>(size);
    }
    cv::Mat pixels(dims, sizes.data(), type);
    Bytes({pixels.data, static_cast<std::size_t>(bytes)});
    return pixels;
  }

  cv::Mat Plane(int deepest) {
    cv::Mat pixels = Pixels();
    const bool plane = pixels.dims == 2 && pixels.channels() == 1 && pixels.depth() <= deepest;
    if (Fine() && !plane) Fail("has a mask that is none");
    return pixels;
  }

  Frame ReadFrame() {
    const auto form = NumberIn<std::uint8_t>(0, 1, "a frame of form");
    if (static_cast<FrameForm>(form) == FrameForm::kPixels) return {nullptr, Pixels()};
    auto header = std::make_shared<ImageHeader>();
    const auto last = static_cast<std::uint8_t>(ImageFormat::kTiff);
    constexpr auto kMost = std::numeric_limits<std::int32_t>::max();
    header->format = static_cast<ImageFormat>(NumberIn<std::uint8_t>(0, last, "a format"));
    header->size.width = NumberIn<std::int32_t>(1, kMost, "a side of");
    header->size.height = NumberIn<std::int32_t>(1, kMost, "a side of");
    header->channels = NumberIn<std::uint8_t>(1, 4, "channels:");
    header->bits = NumberIn<std::uint8_t>(8, 16, "bits:");
    header->orientation = NumberIn<std::uint8_t>(1, 8, "an orientation");
    auto encoded = std::make_shared<EncodedImage>();
    encoded->header = std::move(header);
    encoded->exact = Bool();
    encoded->accept_truncated = Bool();
    encoded->channels = NumberIn<std::uint8_t>(0, 4, "channels:");
    encoded->bytes = Numbers<std::uint8_t>();
    return {std::move(encoded), {}};
  }

  Rle Runs() {
    Rle rle;
    constexpr auto kMost = std::numeric_limits<std::int32_t>::max();
    rle.size.width = NumberIn<std::int32_t>(1, kMost, "a side of");
    rle.size.height = NumberIn<std::int32_t>(1, kMost, "a side of");
    rle.counts = Numbers<std::uint32_t>();
    std::int64_t sum = 0;
    for (const std::uint32_t count : rle.counts) sum += count;
    if (Fine() && sum != rle.size.Area()) Fail("has runs that do not fill their mask");
    return rle;
  }

  Instance ReadInstance() {
    Instance instance;
    instance.id = Number<std::int64_t>();
    instance.label = Optional();
    if (Bool()) {
      instance.quad.emplace();
      Bytes(BytesOf(instance.quad->data(), instance.quad->size()));
    }
    instance.oriented = Bool();
    for (std::size_t n = Count(sizeof(std::uint64_t)); n > 0 && Fine(); --n) {
      Polygon& polygon = instance.polygons.emplace_back();
      for (std::size_t r = Count(sizeof(std::uint64_t)); r > 0 && Fine(); --r) {
        polygon.rings.push_back(Numbers<Point>());
      }
    }
    switch (static_cast<MaskForm>(NumberIn<std::uint8_t>(0, 2, "a mask of form"))) {
      case MaskForm::kNone:
        break;
      case MaskForm::kBits:
        instance.mask = Plane(CV_8U);
        break;
      case MaskForm::kRuns:
        instance.rle = Runs();
        break;
    }
    for (std::size_t n = Count(sizeof(Point)); n > 0 && Fine(); --n) {
      Keypoint& keypoint = instance.keypoints.emplace_back();
      Bytes(BytesOf(&keypoint.at, 1));
      keypoint.visibility = Number<std::int32_t>();
      keypoint.angle = Number<double>();
      keypoint.scale = Number<double>();
    }
    instance.attributes = Map<std::string>([this] { return Text(); });
    instance.original_area = Number<double>();
    return instance;
  }

  RecipeEntry ReadEntry() {
    RecipeEntry entry{std::make_shared<const std::string>(Text())};
    entry.applied = Bool();
    for (std::size_t n = Count(sizeof(std::uint64_t)); n > 0 && Fine(); --n) {
      std::string name = Text();
      entry.draws.emplace_back(std::move(name), Number<double>());
    }
    return entry;
  }

  Sample Content() {
    constexpr std::size_t kLength = sizeof(std::uint64_t);
    Sample sample;
    for (std::size_t n = Count(kLength); n > 0 && Fine(); --n) {
      auto& [name, field] = sample.images.emplace_back();
      name = Text();
      field.range.lo = Number<float>();
      field.range.hi = Number<float>();
      for (std::size_t f = Count(1); f > 0 && Fine(); --f) field.frames.push_back(ReadFrame());
      if (field.frames.empty()) Fail("has a field without frames");
    }
    sample.masks = Map<SemanticMask>([this] {
      SemanticMask mask;
      mask.ignore_index = Number<std::int32_t>();
      mask.pixels = Plane(CV_16U);
      return mask;
    });
    for (std::size_t n = Count(kLength); n > 0 && Fine(); --n) {
      sample.instances.push_back(ReadInstance());
    }
    sample.labels.label = Optional();
    sample.labels.multi_hot = Numbers<int>();
    sample.labels.soft = Numbers<float>();
    sample.scalars = Map<double>([this] { return Number<double>(); });
    sample.text = Map<std::string>([this] { return Text(); });
    sample.filtered = Bool();
    sample.counts = Map<std::uint64_t>([this] { return Number<std::uint64_t>(); });
    for (std::size_t n = Count(kLength); n > 0 && Fine(); --n) {
      sample.recipe.entries.push_back(ReadEntry());
    }
    return sample;
  }

  ByteSource& from_;
  std::uint64_t left_;
  XXH64_state_t state_;
  std::string problem_;
};

}  // namespace

void WriteContent(const Sample& sample, ByteSink& to) { Writer(to).Content(sample); }

std::uint64_t StoredSize(const Sample& sample) {
  CountingSink count;
  WriteContent(sample, count);
  return kHeadBytes + count.Count() + kTailBytes;
}

void WriteSample(const Sample& sample, ByteSink& to) {
  SummingSink sum(to);
  sum.Write(kMagic);
  sum.Write(BytesOf(&kVersionOfForm, 1));
  WriteContent(sample, sum);
  const std::uint64_t bytes = sum.Count() - kHeadBytes;
  sum.Write(BytesOf(&bytes, 1));
  const std::uint64_t checksum = sum.Sum();
  to.Write(BytesOf(&checksum, 1));
}

Result<Sample, std::string> ReadSample(ByteSource& from) { return Reader(from).Run(); }

}  // namespace pixloom
