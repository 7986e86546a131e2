// SPDX-License-Identifier: Apache-2.0
#include "datasets/text.h"

#include <cstddef>

#include <fmt/format.h>

namespace pixloom {

namespace {

// Length of the well-formed UTF-8 character at the start of `text`, or 0.
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : (first >= 0xE0 ? 3 : 2);
  if (first < 0xC2 || first > 0xF4) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  const unsigned second = byte(1);
  if (first == 0xE0 && second < 0xA0) return 0;  // overlong
  if (first == 0xED && second > 0x9F) return 0;  // surrogate
  if (first == 0xF0 && second < 0x90) return 0;  // overlong
  if (first == 0xF4 && second > 0x8F) return 0;  // beyond Unicode
  return length;
}

}  // namespace

std::string SizeText(std::uint64_t bytes) {
  if (bytes == 1) return "1 byte";
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes);
  for (const char* unit : {"KB", "MB", "GB", "TB"}) {
    value /= 1000;
    if (value < 999.95) return fmt::format("{:.1f} {}", value, unit);
  }
  return fmt::format("{:.1f} PB", value / 1000);
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string EscapeName(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const std::size_t length = Utf8Length(name);
    const auto first = static_cast<unsigned char>(name[0]);
    // C1 controls are two bytes long in UTF-8 and act on terminals too.
    const bool c1 = length == 2 && first == 0xC2 && static_cast<unsigned char>(name[1]) < 0xA0;
    if (length == 0 || first < 0x20 || first == 0x7F || first == '\\' || c1) {
      out += fmt::format("\\x{:02X}", first);
      name.remove_prefix(1);
      if (c1) {
        out += fmt::format("\\x{:02X}", static_cast<unsigned char>(name[0]));
        name.remove_prefix(1);
      }
      continue;
    }
    out += name.substr(0, length);
    name.remove_prefix(length);
  }
  return out;
}

std::string PathPart(std::string_view text) {
  if (text.empty()) return "\\x";
  std::string part;
  for (const char c : EscapeName(text)) {
    if (c == '/') {
      part += "\\x2F";
    } else {
      part += c;
    }
  }
  // "." and "..".
  if (part.find_first_not_of('.') == std::string::npos) part.replace(0, 1, "\\x2E");
  return part;
}

std::string FromPathPart(std::string_view part) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (part == "\\x") return "";
  std::string text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const bool escape = part.substr(i).starts_with("\\x") && i + 3 < part.size() &&
                        digit(part[i + 2]) >= 0 && digit(part[i + 3]) >= 0;
    if (escape) {
      text += static_cast<char>(digit(part[i + 2]) * 16 + digit(part[i + 3]));
      i += 3;
    } else {
      text += part[i];
    }
  }
  return text;
}

std::string Base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63];
    }
  }
  return out;
}

}  // namespace pixloom
