// SPDX-License-Identifier: Apache-2.0
#include "cli/layout.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace pixloom::cli {

namespace {

constexpr int kWidth = 220, kGapX = 70, kGapY = 28, kLine = 17, kPad = 12;

std::string Escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

std::string NameOf(const ChainStep& step) {
  switch (step.kind) {
    case ChainStep::Kind::kOperator:
      return step.op->Info().name;
    case ChainStep::Kind::kSequence:
      return step.when != nullptr ? "when " + step.when->Text() : "chain";
    case ChainStep::Kind::kOneOf:
      return "one of";
    case ChainStep::Kind::kSomeOf:
      return "some of";
    case ChainStep::Kind::kSometimes:
      return "sometimes";
    case ChainStep::Kind::kRandomOrder:
      return "in random order";
    case ChainStep::Kind::kSwitch:
      return "switch";
    case ChainStep::Kind::kScope:
    case ChainStep::Kind::kModel:
      return step.verb;
  }
  return "";
}

void AddSteps(const std::vector<ChainStep>& steps, const std::string& indent,
              std::vector<std::string>& lines) {
  for (const ChainStep& step : steps) {
    std::string line = indent + NameOf(step);
    if (step.p < 1) line += fmt::format("  p={}", step.p);
    lines.push_back(std::move(line));
    AddSteps(step.children, indent + "   ", lines);
    if (!step.otherwise.empty()) lines.push_back(indent + "else");
    AddSteps(step.otherwise, indent + "   ", lines);
  }
}

std::vector<std::string> Lines(const Node& node) {
  std::vector<std::string> lines;
  if (node.kind == Node::Kind::kCache) lines.push_back("cache");
  if (node.kind == Node::Kind::kChain || node.kind == Node::Kind::kCache)
    AddSteps(node.steps, "", lines);
  else if (node.kind == Node::Kind::kCopies)
    lines.push_back(fmt::format("{} copies", node.copies));
  else if (node.kind == Node::Kind::kFilter)
    lines.push_back("filter " + node.keep->Text());
  else
    lines.push_back(node.verb);
  return lines;
}

}  // namespace

std::string ToSvg(const Graph& graph) {
  const std::size_t n = graph.nodes.size();
  std::vector<std::size_t> column(n, 0);
  for (std::size_t round = 0; round < n; ++round) {
    for (std::size_t i = 0; i < n; ++i) {
      for (const Input& input : graph.nodes[i].inputs) {
        column[i] = std::max(column[i], column[static_cast<std::size_t>(input.node)] + 1);
      }
    }
  }
  struct Box {
    int x = 0, y = 0, height = 0;
  };
  std::vector<Box> boxes(n);
  std::map<std::size_t, int> next_y;
  int width = 0, height = 0;
  for (std::size_t i = 0; i < n; ++i) {
    Box& box = boxes[i];
    box.height = 2 * kPad + kLine * (1 + static_cast<int>(Lines(graph.nodes[i]).size()));
    box.x = kPad + static_cast<int>(column[i]) * (kWidth + kGapX);
    box.y = kPad + next_y[column[i]];
    next_y[column[i]] += box.height + kGapY;
    width = std::max(width, box.x + kWidth + kPad);
    height = std::max(height, box.y + box.height + kPad);
  }
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\" font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" "
      "fill=\"white\"/>\n<defs><marker id=\"tip\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8\" "
      "refY=\"4\" orient=\"auto\"><path d=\"M0,0 L9,4 L0,8 z\" fill=\"#667\"/></marker></defs>\n",
      width, height);
  for (std::size_t i = 0; i < n; ++i) {
    for (const Input& input : graph.nodes[i].inputs) {
      const Box& a = boxes[static_cast<std::size_t>(input.node)];
      const Box& b = boxes[i];
      const int x1 = a.x + kWidth, y1 = a.y + a.height / 2, x2 = b.x, y2 = b.y + b.height / 2;
      svg += fmt::format(
          "<path d=\"M{},{} C{},{} {},{} {},{}\" fill=\"none\" stroke=\"#667\" "
          "stroke-width=\"1.5\" marker-end=\"url(#tip)\"/>\n",
          x1, y1, x1 + kGapX / 2, y1, x2 - kGapX / 2, y2, x2, y2);
      const Node& from = graph.nodes[static_cast<std::size_t>(input.node)];
      const std::string& output = from.outputs[static_cast<std::size_t>(input.output)];
      if (!output.empty()) {
        svg += fmt::format("<text x=\"{}\" y=\"{}\" fill=\"#445\" font-size=\"11\">{}</text>\n",
                           x1 + 6, (y1 + y2) / 2 - 4, Escaped(output));
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    const Node& node = graph.nodes[i];
    const Box& box = boxes[i];
    const char* fill = node.kind == Node::Kind::kSource  ? "#e3f2e6"
                       : node.kind == Node::Kind::kSink  ? "#fdeed9"
                       : node.kind == Node::Kind::kChain ? "#e6edf9"
                                                         : "#f0eaf6";
    svg += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"7\" fill=\"{}\" "
        "stroke=\"#889\"/>\n<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>\n",
        box.x, box.y, kWidth, box.height, fill, box.x + kPad, box.y + kPad + 11,
        Escaped(node.name));
    int y = box.y + kPad + 11 + kLine;
    for (const std::string& line : Lines(node)) {
      svg += fmt::format("<text x=\"{}\" y=\"{}\" fill=\"#334\" xml:space=\"preserve\">{}</text>\n",
                         box.x + kPad, y, Escaped(line));
      y += kLine;
    }
  }
  return svg + "</svg>\n";
}

}  // namespace pixloom::cli
