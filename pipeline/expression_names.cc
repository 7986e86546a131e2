// SPDX-License-Identifier: Apache-2.0
// What the names and functions of expressions mean.
#include <algorithm>
#include <array>
#include <cmath>

#include "pipeline/expression_tree.h"
#include "pipeline/measure.h"

namespace pixloom::expression {

namespace {

const ImageField& Field(const SampleFacts& facts) { return facts.sample().images[0].second; }
const Frame& First(const SampleFacts& facts) { return Field(facts).frames[0]; }
Size SizeOf(const SampleFacts& facts) { return First(facts).size(); }

// ---- Classes ------------------------------------------------------------------------------------

// The name of a class, its number where the source has no names, "" without one.
std::string ClassText(std::optional<int> label, const LabelNames* names) {
  if (!label) return "";
  const bool named =
      names != nullptr && *label >= 0 && static_cast<std::size_t>(*label) < names->classes.size();
  return named ? names->classes[static_cast<std::size_t>(*label)] : std::to_string(*label);
}

// Whether an object is of the class: by name, or by number where no class has that name.
bool IsOf(const Instance& instance, const std::string& which, const LabelNames* names) {
  if (!instance.label) return false;
  if (ClassText(instance.label, names) == which) return true;
  const bool a_name = names != nullptr && std::find(names->classes.begin(), names->classes.end(),
                                                    which) != names->classes.end();
  return !a_name && std::to_string(*instance.label) == which;
}

// Calls fn for every object, or for those of the class that argument `i` names if it is there.
template <class Fn>
void ForEachObject(const SampleFacts& facts, const Node& call, std::size_t i, Fn fn) {
  const Sample& sample = facts.sample();
  for (const Instance& instance : sample.instances) {
    if (i >= call.children.size() || IsOf(instance, call.children[i].text, sample.names.get())) {
      fn(instance);
    }
  }
}

double Count(SampleFacts& facts, const Node& call) {
  double count = 0;
  ForEachObject(facts, call, 0, [&](const Instance&) { ++count; });
  return count;
}

bool Has(SampleFacts& facts, const Node& call) { return Count(facts, call) > 0; }

// ---- Sizes of objects ---------------------------------------------------------------------------

// What of an object lies inside the picture. An outline is tighter than bits, bits than a box.
struct Inside {
  double area = 0;
  double whole = 0;  // area of the outline, also outside
  double side = 0;   // the shorter one of the box around it
};

double ShorterSide(const std::vector<Point>& points) {
  if (points.empty()) return 0;
  const auto [x0, x1] =
      std::minmax_element(points.begin(), points.end(), [](Point a, Point b) { return a.x < b.x; });
  const auto [y0, y1] =
      std::minmax_element(points.begin(), points.end(), [](Point a, Point b) { return a.y < b.y; });
  return std::min(x1->x - x0->x, y1->y - y0->y);
}

Inside InsideOfBits(const cv::Mat& bits) {
  Inside inside;
  int x0 = bits.cols, x1 = -1, y0 = bits.rows, y1 = -1;
  for (int y = 0; y < bits.rows; ++y) {
    const auto* row = bits.ptr<std::uint8_t>(y);
    for (int x = 0; x < bits.cols; ++x) {
      if (row[x] == 0) continue;
      ++inside.area;
      x0 = std::min(x0, x), x1 = std::max(x1, x);
      y0 = std::min(y0, y), y1 = y;
    }
  }
  inside.whole = inside.area;
  if (inside.area > 0) inside.side = std::min(x1 - x0 + 1, y1 - y0 + 1);
  return inside;
}

Inside InsideOf(const Instance& instance, Size size) {
  Inside inside;
  if (!instance.polygons.empty()) {
    std::vector<Point> seen;
    for (const Polygon& polygon : instance.polygons) {
      const Polygon part = ClipToImage(polygon, size);
      inside.area += part.Area();
      inside.whole += polygon.Area();
      if (part.rings.empty()) continue;
      seen.insert(seen.end(), part.rings[0].begin(), part.rings[0].end());
    }
    inside.side = ShorterSide(seen);
  } else if (instance.HasMask()) {
    inside = InsideOfBits(instance.Bits());
  } else if (instance.quad) {
    const std::vector<Point> corners(instance.quad->begin(), instance.quad->end());
    const std::vector<Point> part = ClipToImage(corners, size);
    inside.area = std::abs(SignedArea(part));
    inside.whole = std::abs(SignedArea(corners));
    inside.side = ShorterSide(part);
  }
  return inside;
}

bool HasExtent(const Instance& instance) {
  return !instance.polygons.empty() || instance.HasMask() || instance.quad.has_value();
}

// The least or the greatest of `value` over the objects that have an extent. Without any the least
// is that of an object that fills the picture, and the greatest 0: "all objects are at least so
// large" holds, "some object is" does not.
template <class Value>
double Extreme(const SampleFacts& facts, const Node& call, double filling, Value value) {
  const bool least = call.children[0].text == "min";
  double extreme = least ? filling : 0;
  bool first = true;
  ForEachObject(facts, call, 1, [&](const Instance& instance) {
    if (!HasExtent(instance)) return;
    const double v = value(instance);
    extreme = first ? v : least ? std::min(extreme, v) : std::max(extreme, v);
    first = false;
  });
  return extreme;
}

double ObjectArea(SampleFacts& facts, const Node& call) {
  const Size size = SizeOf(facts);
  return Extreme(facts, call, 1, [&](const Instance& instance) {
    return InsideOf(instance, size).area / static_cast<double>(size.Area());
  });
}

double ObjectSide(SampleFacts& facts, const Node& call) {
  const Size size = SizeOf(facts);
  return Extreme(facts, call, std::min(size.width, size.height),
                 [&](const Instance& instance) { return InsideOf(instance, size).side; });
}

double ObjectVisible(SampleFacts& facts, const Node& call) {
  const Size size = SizeOf(facts);
  return Extreme(facts, call, 1, [&](const Instance& instance) {
    const Inside inside = InsideOf(instance, size);
    const double whole = instance.original_area > 0 ? instance.original_area : inside.whole;
    return whole > 0 ? std::min(1.0, inside.area / whole) : 0.0;
  });
}

// ---- Counts -------------------------------------------------------------------------------------

template <class Fn>
double Sum(const SampleFacts& facts, Fn fn) {
  double sum = 0;
  for (const Instance& instance : facts.sample().instances)
    sum += static_cast<double>(fn(instance));
  return sum;
}

double Keypoints(SampleFacts& facts, const Node&) {
  return Sum(facts, [](const Instance& i) {
    return std::count_if(i.keypoints.begin(), i.keypoints.end(),
                         [](const Keypoint& k) { return k.visibility > 0; });
  });
}

double Copy(SampleFacts& facts, const Node&) {
  const auto& branch = facts.sample().identity.branch;
  return branch.empty() ? 0 : branch.back();
}

// ---- Values of the sample -----------------------------------------------------------------------

double Scalar(SampleFacts& facts, const Node& call) {
  const auto& scalars = facts.sample().scalars;
  const auto it = scalars.find(call.children[0].text);
  if (it != scalars.end()) return it->second;
  PIXLOOM_CHECK(call.children.size() > 1, "no scalar " + call.children[0].text);
  return call.children[1].number;
}

std::string TextNamed(SampleFacts& facts, const Node& call) {
  const auto& texts = facts.sample().text;
  const auto it = texts.find(call.children[0].text);
  if (it != texts.end()) return it->second;
  PIXLOOM_CHECK(call.children.size() > 1, "no text " + call.children[0].text);
  return call.children[1].text;
}

std::string Class(SampleFacts& facts, const Node&) {
  return ClassText(facts.sample().labels.label, facts.sample().names.get());
}

template <class Better>
double Best(SampleFacts& facts, const Node& call, Better better) {
  double best = NumberOf(call.children[0], facts);
  for (std::size_t i = 1; i < call.children.size(); ++i) {
    best = better(best, NumberOf(call.children[i], facts));
  }
  return best;
}

// ---- The table ----------------------------------------------------------------------------------

Word Number(std::string_view name, double (*number)(SampleFacts&, const Node&)) {
  Word word;
  word.name = name;
  word.number = number;
  return word;
}

Word Measured(std::string_view name, double (*number)(SampleFacts&, const Node&)) {
  Word word = Number(name, number);
  word.pixels = true;
  return word;
}

Word Text(std::string_view name, std::string (*text)(SampleFacts&, const Node&)) {
  Word word;
  word.name = name;
  word.type = Type::kText;
  word.text = text;
  return word;
}

Word Function(std::string_view usage, Word word, std::vector<Word::Argument> arguments,
              std::size_t required) {
  word.usage = usage;
  word.arguments = std::move(arguments);
  word.required = required;
  return word;
}

std::vector<Word> MakeWords() {
  using A = Word::Argument;
  using F = SampleFacts;
  using N = Node;
  std::vector<Word> words{
      // The picture
      Number("width", [](F& f, const N&) { return 1.0 * SizeOf(f).width; }),
      Number("height", [](F& f, const N&) { return 1.0 * SizeOf(f).height; }),
      Number("aspect",  // width over height
             [](F& f, const N&) { return 1.0 * SizeOf(f).width / SizeOf(f).height; }),
      Number("area", [](F& f, const N&) { return static_cast<double>(SizeOf(f).Area()); }),
      Number("channels", [](F& f, const N&) { return 1.0 * First(f).channels(); }),
      Number("frames", [](F& f, const N&) { return static_cast<double>(Field(f).frames.size()); }),
      Text("depth", [](F& f, const N&) { return std::string(DepthName(First(f).depth())); }),
      // Its labels
      Text("class", Class),
      Number("objects",
             [](F& f, const N&) { return static_cast<double>(f.sample().instances.size()); }),
      Number("boxes",  // objects with a box, oriented or not
             [](F& f, const N&) {
               return Sum(f, [](const Instance& i) { return i.quad.has_value() ? 1 : 0; });
             }),
      Number("polygons",
             [](F& f, const N&) {
               return Sum(f, [](const Instance& i) { return i.polygons.size(); });
             }),
      Number("keypoints", Keypoints),  // those that are labelled
      Number("masks",                  // semantic ones
             [](F& f, const N&) { return static_cast<double>(f.sample().masks.size()); }),
      Function("count(CLASS)", Number("count", Count), {A::kConstantText}, 1),
      Function("object_area(min | max, CLASS)", Number("object_area", ObjectArea),
               {A::kExtreme, A::kConstantText}, 1),
      Function("object_side(min | max, CLASS)", Number("object_side", ObjectSide),
               {A::kExtreme, A::kConstantText}, 1),
      Function("object_visible(min | max, CLASS)", Number("object_visible", ObjectVisible),
               {A::kExtreme, A::kConstantText}, 1),
      // Who it is
      Text("key", [](F& f, const N&) { return f.sample().key; }),
      Text("source", [](F& f, const N&) { return f.sample().source; }),
      Number("copy", Copy),
      Function("scalar(NAME, DEFAULT)", Number("scalar", Scalar),
               {A::kConstantText, A::kConstantNumber}, 1),
      Function("text(NAME, DEFAULT)", Text("text", TextNamed), {A::kConstantText, A::kConstantText},
               1),
      // Measured on the first frame of the first field
      Measured("brightness", [](F& f, const N&) { return f.Measured().Brightness(); }),
      Measured("contrast", [](F& f, const N&) { return f.Measured().Contrast(); }),
      Measured("sharpness", [](F& f, const N&) { return f.Measured().Sharpness(); }),
      Measured("blur", [](F& f, const N&) { return f.Measured().Blur(); }),
      Measured("noise", [](F& f, const N&) { return f.Measured().Noise(); }),
      Measured("saturation", [](F& f, const N&) { return f.Measured().Saturation(); }),
      Measured("entropy", [](F& f, const N&) { return f.Measured().Entropy(); }),
      Function(
          "luma(QUANTILE)",
          Measured("luma",
                   [](F& f, const N& n) { return f.Measured().Quantile(n.children[0].number); }),
          {A::kShare}, 1),
      Function("darker(LEVEL)",
               Measured("darker",
                        [](F& f, const N& n) { return f.Measured().Darker(n.children[0].number); }),
               {A::kShare}, 1),
      Function(
          "brighter(LEVEL)",
          Measured("brighter",
                   [](F& f, const N& n) { return f.Measured().Brighter(n.children[0].number); }),
          {A::kShare}, 1),
  };
  Word has;
  has.name = "has";
  has.type = Type::kTruth;
  has.truth = Has;
  words.push_back(Function("has(CLASS)", has, {A::kConstantText}, 1));
  Word matches;
  matches.name = "matches";
  matches.type = Type::kTruth;
  matches.seen = false;
  matches.truth = [](F& f, const N& n) {
    return IsLike(TextOf(n.children[0], f), n.children[1].text);
  };
  words.push_back(Function("matches(TEXT, 'PATTERN')", matches, {A::kText, A::kConstantText}, 2));
  // Arithmetic: what it works on is recorded, not what comes out.
  const auto arithmetic = [&](std::string_view usage, Word word, A argument) {
    word.seen = false;
    words.push_back(Function(usage, std::move(word), {argument}, argument == A::kNumbers ? 2 : 1));
  };
  arithmetic("min(A, B)",
             Number("min",
                    [](F& f, const N& n) {
                      return Best(f, n, [](double a, double b) { return std::min(a, b); });
                    }),
             A::kNumbers);
  arithmetic("max(A, B)",
             Number("max",
                    [](F& f, const N& n) {
                      return Best(f, n, [](double a, double b) { return std::max(a, b); });
                    }),
             A::kNumbers);
  arithmetic("abs(A)",
             Number("abs", [](F& f, const N& n) { return std::abs(NumberOf(n.children[0], f)); }),
             A::kNumber);
  return words;
}

}  // namespace

const std::vector<Word>& Words() {
  static const std::vector<Word> words = MakeWords();
  return words;
}

const Word* FindWord(std::string_view name) {
  for (const Word& word : Words()) {
    if (word.name == name) return &word;
  }
  return nullptr;
}

bool IsLike(std::string_view text, std::string_view pattern) {
  // After a mismatch the last star takes one more byte; earlier stars need not be tried again.
  constexpr std::size_t kNone = std::string_view::npos;
  std::size_t t = 0, p = 0, star = kNone, taken = 0;
  const auto is_inside = [&](std::size_t i) {  // of a character of several bytes
    return i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
  };
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      while (is_inside(++t)) {
      }
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != kNone) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace pixloom::expression
