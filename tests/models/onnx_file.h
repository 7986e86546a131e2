// SPDX-License-Identifier: Apache-2.0
// Small ONNX files for tests of backends: written here field by field, independently of the
// product's own writer.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace pixloom {

class OnnxFile {
 public:
  using Sizes = std::vector<std::int64_t>;

  struct Attribute {
    std::string name;
    Sizes values;
    bool list = true;  // [1, 1]; else one number
    float real = 0;
    bool is_real = false;
  };
  static Attribute List(const std::string& name, Sizes values) { return {name, std::move(values)}; }
  static Attribute One(const std::string& name, std::int64_t value) {
    return {name, {value}, false};
  }
  static Attribute Real(const std::string& name, float value) {
    return {name, {}, false, value, true};
  }

  // -1: a size that may be anything.
  void Input(const std::string& name, const Sizes& sizes) { graph_ += Info(11, name, sizes); }
  void Output(const std::string& name, const Sizes& sizes) { graph_ += Info(12, name, sizes); }

  void Weight(const std::string& name, const Sizes& sizes, const std::vector<float>& values) {
    const std::string raw(reinterpret_cast<const char*>(values.data()), values.size() * 4);
    graph_ += Bytes(5, Packed(1, sizes) + Number(2, 1) + Bytes(8, name) + Bytes(9, raw));
  }
  void Integers(const std::string& name, const Sizes& values) {
    const std::string raw(reinterpret_cast<const char*>(values.data()), values.size() * 8);
    const auto count = static_cast<std::int64_t>(values.size());
    graph_ += Bytes(5, Packed(1, {count}) + Number(2, 7) + Bytes(8, name) + Bytes(9, raw));
  }

  void Node(const std::string& op, const std::vector<std::string>& inputs,
            const std::string& output, const std::vector<Attribute>& attributes = {}) {
    std::string node;
    for (const std::string& input : inputs) node += Bytes(1, input);
    node += Bytes(2, output) + Bytes(3, "node_" + output) + Bytes(4, op);
    for (const Attribute& a : attributes) node += Bytes(5, Text(a));
    graph_ += Bytes(1, node);
  }

  std::string Done() const {
    return Number(1, 7) + Bytes(7, graph_ + Bytes(2, "test")) +
           Bytes(8, Bytes(1, "") + Number(2, 11));
  }

 private:
  static std::string Varint(std::uint64_t value) {
    std::string text;
    for (; value >= 0x80; value >>= 7) text += static_cast<char>(value | 0x80);
    return text + static_cast<char>(value);
  }
  static std::string Number(unsigned id, std::int64_t value) {
    return Varint(id << 3) + Varint(static_cast<std::uint64_t>(value));
  }
  static std::string Bytes(unsigned id, const std::string& bytes) {
    return Varint(id << 3 | 2) + Varint(bytes.size()) + bytes;
  }
  static std::string Packed(unsigned id, const Sizes& values) {
    std::string text;
    for (const std::int64_t v : values) text += Varint(static_cast<std::uint64_t>(v));
    return Bytes(id, text);
  }
  static std::string Info(unsigned id, const std::string& name, const Sizes& sizes) {
    std::string shape;
    for (const std::int64_t n : sizes) shape += Bytes(1, n < 0 ? Bytes(2, "any") : Number(1, n));
    return Bytes(id, Bytes(1, name) + Bytes(2, Bytes(1, Number(1, 1) + Bytes(2, shape))));
  }
  static std::string Text(const Attribute& a) {
    std::string text = Bytes(1, a.name);
    if (a.is_real) {
      std::string raw(4, 0);
      std::memcpy(raw.data(), &a.real, 4);
      return text + Varint(2 << 3 | 5) + raw + Number(20, 1);
    }
    if (!a.list) return text + Number(3, a.values.at(0)) + Number(20, 2);
    for (const std::int64_t v : a.values) text += Number(8, v);
    return text + Number(20, 7);
  }

  std::string graph_;
};

}  // namespace pixloom
