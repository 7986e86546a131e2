// SPDX-License-Identifier: Apache-2.0
// Field numbers are those of onnx.proto (ModelProto, GraphProto, NodeProto, TensorProto, ...).
#include "models/onnx_ports.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>

namespace pixloom {
namespace {

using plugin::Dims;
using plugin::Error;
using plugin::Port;
using Bytes = std::span<const std::uint8_t>;

[[noreturn]] void Damaged(const std::string& what) {
  throw Error(PIXLOOM_BAD_MODEL, "not an ONNX file, or a damaged one: " + what);
}

// One field of a message: a number, or a run of bytes (a text, a message, packed numbers).
struct Field {
  std::uint32_t id = 0;
  std::uint32_t wire = 0;  // 0 number, 1 and 5 fixed, 2 bytes
  std::uint64_t number = 0;
  Bytes bytes;
  std::string_view Text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

class Message {
 public:
  explicit Message(Bytes bytes) : left_(bytes) {}

  std::optional<Field> Next() {
    if (left_.empty()) return std::nullopt;
    const std::uint64_t key = Number();
    Field field;
    field.id = static_cast<std::uint32_t>(key >> 3);
    field.wire = static_cast<std::uint32_t>(key & 7);
    if (key >> 3 == 0 || key >> 3 > 0x1fffffff) Damaged("a field has no number");
    switch (field.wire) {
      case 0:
        field.number = Number();
        break;
      case 1:
        field.bytes = Take(8);
        break;
      case 2:
        field.bytes = Take(Number());
        break;
      case 5:
        field.bytes = Take(4);
        break;
      default:
        Damaged("a field of unknown type");
    }
    return field;
  }

  std::uint64_t Number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      const std::uint8_t byte = Take(1)[0];
      if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    Damaged("a number without end");
  }

  bool Empty() const { return left_.empty(); }

 private:
  Bytes Take(std::uint64_t count) {
    if (count > left_.size()) Damaged("it ends too early");
    const Bytes taken = left_.first(static_cast<std::size_t>(count));
    left_ = left_.subspan(static_cast<std::size_t>(count));
    return taken;
  }

  Bytes left_;
};

Bytes Inner(const Field& field, const char* what) {
  if (field.wire != 2) Damaged(std::string(what) + " is no message");
  return field.bytes;
}

std::string Name(const Field& field) {
  if (field.wire != 2) Damaged("a name is no text");
  return std::string(field.Text());
}

// Repeated numbers, packed or one by one.
void AppendNumbers(const Field& field, Dims& into) {
  if (field.wire == 0) {
    into.push_back(static_cast<std::int64_t>(field.number));
    return;
  }
  if (field.wire != 2) Damaged("a number is none");
  for (Message packed(field.bytes); !packed.Empty();) {
    into.push_back(static_cast<std::int64_t>(packed.Number()));
  }
}

constexpr std::uint64_t kFloat = 1;

// By TensorProto.DataType: the bytes of an element in raw_data (0: it cannot stand there), the
// field that has the values otherwise, and how many values of that field one element takes.
struct ElementType {
  std::uint8_t bytes, field, values = 1;
};
constexpr ElementType kElementTypes[] = {
    {0, 0}, {4, 4}, {1, 5},  {1, 5},  {2, 5},  {2, 5},    {4, 5},      {8, 7}, {0, 6},
    {1, 5}, {2, 5}, {8, 10}, {4, 11}, {8, 11}, {8, 4, 2}, {16, 10, 2}, {2, 5},
};

// ---- Weights ------------------------------------------------------------------------------------

std::uint64_t CountValues(const Field& field) {
  switch (field.id) {
    case 4:
      return field.bytes.size() / 4;
    case 10:
      return field.bytes.size() / 8;
    case 6:
      return 1;
    default: {
      Dims numbers;
      AppendNumbers(field, numbers);
      return numbers.size();
    }
  }
}

// Reads a TensorProto, checks that it has as many values as its dims say, returns its name.
std::string CheckTensor(Bytes bytes) {
  Dims dims;
  std::string name;
  std::uint64_t type = 0, raw = 0, values = 0;
  std::uint32_t field_of_values = 0;
  bool has_raw = false, external = false;
  Message message(bytes);
  while (const auto field = message.Next()) {
    switch (field->id) {
      case 1:
        AppendNumbers(*field, dims);
        break;
      case 2:
        type = field->number;
        break;
      case 4:
      case 5:
      case 6:
      case 7:
      case 10:
      case 11:
        values += CountValues(*field);
        field_of_values = field->id;
        break;
      case 8:
        name = Name(*field);
        break;
      case 9:
        has_raw = true;
        raw += Inner(*field, "raw_data").size();
        break;
      case 14:
        external = field->number == 1;
        break;
      default:
        break;
    }
  }
  std::uint64_t count = 1;
  for (const std::int64_t n : dims) {
    // No file holds more: the product cannot overflow.
    if (n < 0 || n > (std::int64_t{1} << 40) || (count *= static_cast<std::uint64_t>(n)) >> 40) {
      Damaged("tensor '" + name + "' has the sizes " + SizesText(dims));
    }
  }
  if (external || type >= std::size(kElementTypes)) return name;  // newer types: not known here
  const ElementType& element = kElementTypes[type];
  const std::uint64_t have = has_raw ? raw : values;
  const std::uint64_t need = count * (has_raw ? element.bytes : element.values);
  if (type == 0 || have != need ||
      (field_of_values != 0 && (has_raw || field_of_values != element.field))) {
    Damaged("tensor '" + name + "' has " + std::to_string(have) + (has_raw ? " bytes" : " values") +
            " of type " + std::to_string(type) + " instead of " + std::to_string(need));
  }
  return name;
}

// ---- Ports --------------------------------------------------------------------------------------

struct ValueInfo {
  Port port;
  std::uint64_t type = 0;
};

std::int64_t ReadDim(Bytes bytes) {
  std::int64_t size = -1;
  Message message(bytes);
  while (const auto field = message.Next()) {
    if (field->id == 1 && field->wire == 0) size = static_cast<std::int64_t>(field->number);
    if (field->id == 2) size = -1;  // it has a name: any
  }
  // Some exporters write 0 for "any".
  return size <= 0 ? -1 : size;
}

ValueInfo ReadValueInfo(Bytes bytes) {
  ValueInfo info;
  Message message(bytes);
  while (const auto field = message.Next()) {
    if (field->id == 1) info.port.name = Name(*field);
    if (field->id != 2) continue;
    Message type(Inner(*field, "a type"));
    while (const auto kind = type.Next()) {
      if (kind->id != 1) continue;  // a sequence or a map
      Message tensor(Inner(*kind, "a type"));
      while (const auto part = tensor.Next()) {
        if (part->id == 1) info.type = part->number;
        if (part->id != 2) continue;
        Message shape(Inner(*part, "a shape"));
        while (const auto dim = shape.Next()) {
          if (dim->id == 1) info.port.dims.push_back(ReadDim(Inner(*dim, "a size")));
        }
      }
    }
  }
  return info;
}

// ---- Graph --------------------------------------------------------------------------------------

struct Node {
  std::string name, op;
  std::vector<std::string> inputs, outputs;
};

// Backends divide by some numbers without a look at them: 0 ends the process.
bool MustBePositive(const std::string& attribute) {
  static const std::set<std::string> names = {"strides",   "dilations",   "kernel_shape", "group",
                                              "blocksize", "hidden_size", "num_groups"};
  return names.contains(attribute);
}

void CheckAttribute(Bytes bytes) {
  std::string name;
  Dims numbers;
  Message message(bytes);
  while (const auto field = message.Next()) {
    switch (field->id) {
      case 1:
        name = Name(*field);
        break;
      case 3:
        numbers.push_back(static_cast<std::int64_t>(field->number));
        break;
      case 5:
        CheckTensor(Inner(*field, "a tensor"));
        break;
      case 8:
        AppendNumbers(*field, numbers);
        break;
      default:
        break;
    }
  }
  for (const std::int64_t number : numbers) {
    if (MustBePositive(name) && (number < 1 || number > (1 << 24))) {
      Damaged("attribute '" + name + "' is " + std::to_string(number));
    }
  }
}

Node ReadNode(Bytes bytes) {
  Node node;
  Message message(bytes);
  while (const auto field = message.Next()) {
    switch (field->id) {
      case 1:
        node.inputs.push_back(Name(*field));
        break;
      case 2:
        node.outputs.push_back(Name(*field));
        break;
      case 3:
        node.name = Name(*field);
        break;
      case 4:
        node.op = Name(*field);
        break;
      case 5:
        CheckAttribute(Inner(*field, "an attribute"));
        break;
      default:
        break;
    }
  }
  if (node.op.empty()) Damaged("a node without operation");
  if (node.outputs.empty()) Damaged("a node (" + node.op + ") without output");
  return node;
}

std::vector<Port> FloatPorts(const std::vector<ValueInfo>& infos, const char* what) {
  if (infos.empty()) Damaged(std::string("the graph has no ") + what);
  std::vector<Port> ports;
  for (const ValueInfo& info : infos) {
    if (info.port.name.empty()) Damaged(std::string("an ") + what + " without name");
    if (info.type != kFloat) {
      throw Error(PIXLOOM_BAD_MODEL, std::string(what) + " '" + info.port.name +
                                         "' is of ONNX type " + std::to_string(info.type) +
                                         "; a network here takes and gives float32 (type 1)");
    }
    ports.push_back(info.port);
  }
  return ports;
}

void ReadGraph(Bytes bytes, OnnxPorts& ports) {
  std::vector<ValueInfo> inputs, outputs;
  std::vector<Node> nodes;
  std::set<std::string> made = {""}, weights;  // "": an optional input that is left out
  Message message(bytes);
  while (const auto field = message.Next()) {
    switch (field->id) {
      case 1:
        nodes.push_back(ReadNode(Inner(*field, "a node")));
        break;
      case 5:
        weights.insert(CheckTensor(Inner(*field, "a tensor")));
        break;
      case 11:
        inputs.push_back(ReadValueInfo(Inner(*field, "an input")));
        break;
      case 12:
        outputs.push_back(ReadValueInfo(Inner(*field, "an output")));
        break;
      case 15: {  // sparse weights: the name is that of their values
        Message sparse(Inner(*field, "a sparse tensor"));
        while (const auto part = sparse.Next()) {
          if (part->id == 1) weights.insert(CheckTensor(Inner(*part, "a tensor")));
        }
        break;
      }
      default:
        break;
    }
  }
  made.insert(weights.begin(), weights.end());
  std::erase_if(inputs, [&](const ValueInfo& i) { return weights.contains(i.port.name); });
  for (const ValueInfo& input : inputs) made.insert(input.port.name);
  for (const Node& node : nodes) made.insert(node.outputs.begin(), node.outputs.end());
  for (const Node& node : nodes) {
    for (const std::string& input : node.inputs) {
      if (!made.contains(input)) {
        Damaged("node '" + node.name + "' (" + node.op + ") reads '" + input +
                "', which nothing makes");
      }
    }
  }
  for (const ValueInfo& output : outputs) {
    if (!made.contains(output.port.name)) {
      Damaged("nothing makes output '" + output.port.name + "'");
    }
  }
  ports.inputs = FloatPorts(inputs, "input");
  ports.outputs = FloatPorts(outputs, "output");
}

}  // namespace

OnnxPorts ReadOnnxPorts(Bytes file) {
  OnnxPorts ports;
  bool has_graph = false;
  if (file.empty()) Damaged("it is empty");
  Message message(file);
  while (const auto field = message.Next()) {
    if (field->id == 7) {
      if (has_graph) Damaged("two graphs");
      has_graph = true;
      ReadGraph(Inner(*field, "the graph"), ports);
    } else if (field->id == 8) {
      std::string domain;
      std::int64_t version = 0;
      Message import(Inner(*field, "an operator set"));
      while (const auto part = import.Next()) {
        if (part->id == 1) domain = Name(*part);
        if (part->id == 2) version = static_cast<std::int64_t>(part->number);
      }
      if (domain.empty() || domain == "ai.onnx") ports.opset = version;
    }
  }
  if (!has_graph) Damaged("it has no graph");
  return ports;
}

std::vector<std::uint8_t> ReadModelFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(PIXLOOM_BAD_MODEL, "cannot open '" + path + "'");
  std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) throw Error(PIXLOOM_BAD_MODEL, "cannot read '" + path + "'");
  return bytes;
}

std::vector<Port> ChoosePorts(const std::vector<Port>& there, const std::vector<std::string>& names,
                              const std::string& what) {
  if (names.empty()) return there;
  std::string list;
  for (const Port& port : there) list += (list.empty() ? "" : ", ") + port.name;
  std::vector<Port> chosen;
  for (const std::string& name : names) {
    const auto found =
        std::find_if(there.begin(), there.end(), [&](const Port& p) { return p.name == name; });
    if (found == there.end()) {
      throw Error(PIXLOOM_BAD_SHAPE,
                  "the graph has no " + what + " '" + name + "'; it has " + list);
    }
    chosen.push_back(*found);
  }
  if (what == "input" && std::set<std::string>(names.begin(), names.end()).size() < there.size()) {
    throw Error(PIXLOOM_BAD_SHAPE, "not every input of the graph is given; it has " + list);
  }
  return chosen;
}

void CheckInputs(const std::vector<Port>& ports, std::span<const plugin::Tensor> tensors) {
  if (tensors.size() != ports.size()) {
    throw Error(PIXLOOM_BAD_SHAPE, std::to_string(tensors.size()) + " inputs were given; " +
                                       std::to_string(ports.size()) + " are needed");
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const Dims& want = ports[i].dims;
    const auto have = tensors[i].dims;
    bool fits = want.empty() || want.size() == have.size();
    for (std::size_t d = 0; fits && d < have.size(); ++d) {
      fits = have[d] > 0 && (want.empty() || want[d] < 0 || want[d] == have[d]);
    }
    if (!fits) {
      throw Error(PIXLOOM_BAD_SHAPE, "input '" + ports[i].name + "' is " + SizesText(have) +
                                         "; the graph takes " + SizesText(want));
    }
  }
}

std::string SizesText(std::span<const std::int64_t> dims) {
  std::string text;
  for (const std::int64_t n : dims) {
    text += (text.empty() ? "" : "x") + (n < 0 ? std::string("?") : std::to_string(n));
  }
  return text.empty() ? "any" : text;
}

}  // namespace pixloom
