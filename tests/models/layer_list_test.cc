// SPDX-License-Identifier: Apache-2.0
#include "models/layer_list.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/models/layer_lists.h"

namespace pixloom {
namespace {

std::string OutText(const LayerGraph& graph) {
  return ShapeText(graph.At(graph.outputs.at(0).second).shape);
}

// What one layer makes of an input.
std::string Made(const std::string& input, const std::string& layer) {
  return OutText(Graph("{x: " + input + "}", "- " + layer));
}

TEST_CASE("every verb has the shape that it should") {
  const std::string open = "[3, any, any]", fixed = "[4, 9, 12]", flat = "[10]";
  CHECK(Made(open, "conv: {channels: 8, kernel: 3, padding: same}") == "8x?x?");
  CHECK(Made(open, "conv: {channels: 8, kernel: 3}") == "8x?-2x?-2");
  CHECK(Made(open, "conv: {channels: 8, kernel: 3, stride: 2, padding: 1}") == "8x?/2x?/2");
  CHECK(Made(fixed, "conv: {channels: 8, kernel: 3, stride: 2, padding: 1}") == "8x5x6");
  CHECK(Made(fixed, "conv: {channels: 8, kernel: 3, dilation: 4}") == "8x1x4");
  CHECK(Made(open, "deconv: {channels: 8, kernel: 4, stride: 2, padding: same}") == "8x?*2x?*2");
  CHECK(Made(fixed,
             "deconv: {channels: 2, kernel: 5, stride: 2, padding: 2, "
             "output_padding: 1}") == "2x18x24");
  CHECK(Made(flat, "dense: 5") == "5");
  CHECK(Made(flat, "embedding: 5") == "5");
  for (const char* verb :
       {"batch_norm", "relu", "leaky_relu: 0.2", "elu", "sigmoid", "tanh", "softplus"}) {
    CHECK(Made(open, verb) == "3x?x?");
    CHECK(Made(flat, verb) == "10");
  }
  CHECK(Made(flat, "softmax") == "10");
  CHECK(Made(fixed, "max_pool: 2") == "4x4x6");
  CHECK(Made(open, "avg_pool: {kernel: 3, stride: 2, padding: 1}") == "3x?/2x?/2");
  CHECK(Made(open, "global_pool") == "3");
  CHECK(Made(fixed, "flatten") == "432");
  CHECK(Made(flat, "reshape: [5, 1, 2]") == "5x1x2");
  CHECK(Made(open, "upsample: 2") == "3x?*2x?*2");
  CHECK(Made(fixed, "pixel_shuffle: 2") == "1x18x24");
  CHECK(Made(open, "residual: [{conv: {channels: 3, kernel: 3, padding: same}}]") == "3x?x?");
  CHECK(Made(flat, "repeat: {times: 3, layers: [{dense: 4}, relu]}") == "4");
  const std::string two = "{a: [2, any, any], b: [5, any, any]}";
  CHECK(OutText(Graph(two, "- concat: [a, b]")) == "7x?x?");
  CHECK(OutText(Graph("{a: [5], b: [5]}", "- add: [a, b]")) == "5");
  CHECK(OutText(Graph("{a: [5], b: [5]}", "- {mul: a, from: b}")) == "5");
}

// ---- Names, inputs, outputs
// ----------------------------------------------------------------------

TEST_CASE("layers read the one before, or what they name") {
  const LayerGraph graph = Graph("{x: [3, any, any]}",
                                 "- {conv: {channels: 4, kernel: 3, padding: same}, name: up}\n"
                                 "- relu\n"
                                 "- {tanh: , from: up}\n"
                                 "- relu\n"
                                 "- {add: [relu_1, relu_2], name: sum}",
                                 "{y: sum, z: up}");
  REQUIRE(graph.layers.size() == 6);
  CHECK(graph.At(3).name == "tanh_1");
  CHECK(graph.At(3).inputs == std::vector{1});
  CHECK(graph.At(4).inputs == std::vector{3});
  CHECK(graph.At(5).inputs == std::vector{2, 4});
  CHECK(graph.inputs == std::vector{0});
  REQUIRE(graph.outputs.size() == 2);
  CHECK(graph.outputs[0] == std::pair<std::string, int>("y", 5));
  CHECK(graph.outputs[1] == std::pair<std::string, int>("z", 1));
  CHECK(graph.At(1).at.Text() == "net.yaml:7:10");
}

TEST_CASE("names that are not given count from 1, past names that are") {
  const LayerGraph graph =
      Graph("{x: [3]}", "- {relu: , name: relu_1}\n- relu\n- residual: [relu, {dense: 3}]");
  std::vector<std::string> names;
  for (const Layer& layer : graph.layers) names.push_back(layer.name);
  CHECK(names ==
        std::vector<std::string>{"x", "relu_1", "relu_2", "relu_3", "dense_1", "residual_1"});
  CHECK(graph.outputs[0].first == "out");
}

TEST_CASE("cells are taken apart into gates of their own") {
  const LayerGraph graph =
      Graph("{x: [7], h: [5], c: [5]}", "- {lstm_cell: 5, from: x, name: cell}",
            "{h_next: cell_h, c_next: cell_c}");
  std::vector<std::string> names;
  for (const Layer& layer : graph.layers) names.push_back(layer.name);
  CHECK(names == std::vector<std::string>{"x", "h", "c", "cell_xh", "cell_f", "cell_f_gate",
                                          "cell_i", "cell_i_gate", "cell_g", "cell_g_gate",
                                          "cell_o", "cell_o_gate", "cell_kept", "cell_fresh",
                                          "cell_c", "cell_shown", "cell_h"});
  CHECK(graph.At(4).kind == LayerKind::kDense);
  CHECK(graph.At(4).bias_start == 1);
  CHECK(graph.At(6).bias_start == 0);
  CHECK(graph.At(9).activation == Activation::kTanh);
  const auto specs = ParametersOf(graph.At(4), graph.layers);
  REQUIRE(specs.size() == 2);
  CHECK(specs[0].dims == Dims{5, 12});
  CHECK(specs[1].dims == Dims{5});
}

TEST_CASE("parameters of each kind") {
  const auto dims = [](const std::string& input, const std::string& layer) {
    const LayerGraph graph = Graph("{x: " + input + "}", "- " + layer);
    std::string text;
    for (const ParameterSpec& spec : ParametersOf(graph.layers.back(), graph.layers)) {
      text += spec.name + (spec.buffer ? "!" : "") + " " + DimsText(spec.dims) + " ";
    }
    return text;
  };
  const std::string in = "[4, 8, 8]";
  CHECK(dims(in, "conv: {channels: 6, kernel: 3, groups: 2}") == "weight 6x2x3x3 bias 6 ");
  CHECK(dims(in, "deconv: {channels: 6, kernel: 3, groups: 2}") == "weight 4x3x3x3 bias 6 ");
  CHECK(dims(in, "conv: {channels: 6, kernel: 1, bias: false}") == "weight 6x4x1x1 ");
  CHECK(dims("[4]", "dense: 9") == "weight 9x4 bias 9 ");
  CHECK(dims("[4]", "embedding: 9") == "weight 9x4 ");
  CHECK(dims(in, "batch_norm") == "weight 4 bias 4 mean! 4 var! 4 ");
  CHECK(dims(in, "relu").empty());
}

// ---- What is wrong
// --------------------------------------------------------------------------------

void Fails(const std::string& text, const std::string& message) {
  Diagnostics diagnostics;
  CHECK_FALSE(Parse(text, diagnostics));
  CHECK(Messages(diagnostics) == message + "\n");
}

// The layer is on line 6.
void LayerFails(const std::string& layer, const std::string& message,
                const std::string& inputs = "{x: [3, any, any]}") {
  Fails(Text(inputs, "- " + layer), "net.yaml:6:" + message);
}

TEST_CASE("unknown layers and keys are named, with what may be meant") {
  LayerFails("rellu", "9: error[NET-LAYER] unknown layer 'rellu'; did you mean 'relu'?");
  LayerFails("{dens: 3}", "10: error[NET-LAYER] unknown layer 'dens'; did you mean 'dense'?");
  LayerFails("{relu: , tanh: }",
             "18: error[NET-LAYER] 'relu' and 'tanh' in one layer; write each as an item of its "
             "own");
  LayerFails("{name: a}", "9: error[NET-LAYER] a layer without a verb");
  LayerFails("[relu]",
             "9: error[NET-LAYER] expected a layer like `relu` or {dense: 64}, got list of 1");
  LayerFails("{conv: {channels: 4, kernal: 3}}",
             "30: error[NET-KEY] conv: unknown key 'kernal'; did you mean 'kernel'?");
  LayerFails("{relu: , nam: a}",
             "18: error[NET-KEY] relu: unknown key 'nam' beside the layer; did you mean 'name'?");
  Fails("netwrok: a\ngraphs: {m: {inputs: {x: [1]}, layers: [relu]}}\nnetwork: n",
        "net.yaml:1:1: error[NET-KEY] unknown key 'netwrok'; did you mean 'network'?");
  Fails("network: n\ngraphs: {m: {inputs: {x: [1]}, layer: [relu], layers: [relu]}}",
        "net.yaml:2:32: error[NET-KEY] graph m: unknown key 'layer'; did you mean 'layers'?");
}

TEST_CASE("values out of range say what the range is") {
  LayerFails("{conv: {channels: 4, kernel: 0}}",
             "38: error[NET-VALUE] conv: kernel is an integer from 1 to 255, got int 0");
  LayerFails("{conv: {channels: 4}}", "10: error[NET-VALUE] conv: kernel is missing");
  LayerFails("{conv: {channels: 4.5, kernel: 3}}",
             "27: error[NET-VALUE] conv: channels is an integer from 1 to 65536, got float 4.5");
  LayerFails("{conv: {channels: 4, kernel: 4, padding: same}}",
             "50: error[NET-VALUE] conv: padding `same` needs an odd kernel, to be equal on both "
             "sides");
  LayerFails("{deconv: {channels: 4, kernel: 3, stride: 2, padding: same}}",
             "63: error[NET-VALUE] deconv: padding `same` needs a kernel of the stride plus an "
             "even number; or use output_padding");
  LayerFails("{conv: {channels: 4, kernel: 3, padding: some}}",
             "50: error[NET-VALUE] conv: padding is an integer or `same`, got string 'some'");
  LayerFails("{conv: {channels: 4, kernel: 3, bias: 1}}",
             "47: error[NET-VALUE] conv: bias is true or false, got int 1");
  LayerFails("{deconv: {channels: 4, kernel: 4, stride: 2, output_padding: 2}}",
             "70: error[NET-VALUE] deconv: output_padding is an integer from 0 to 1, got int 2");
  LayerFails("{leaky_relu: 2}",
             "22: error[NET-VALUE] leaky_relu: alpha is a number from 0 to 1, got int 2");
  LayerFails("{relu: 3}", "16: error[NET-VALUE] relu: takes no value, got int 3");
  LayerFails("{max_pool: {kernel: 2, padding: 2}}",
             "41: error[NET-VALUE] max_pool: padding is an integer from 0 to 1, got int 2");
  LayerFails("{upsample: {factor: 2, mode: bilinaer}}",
             "38: error[NET-VALUE] upsample: mode is one of nearest, bilinear, got string "
             "'bilinaer'; did you mean 'bilinear'?");
  LayerFails("{reshape: [2, any, any]}",
             "19: error[NET-VALUE] reshape: expected [features] or [channels, height, width], with "
             "numbers from 1 on, got list of 3");
  LayerFails("{conv_lstm_cell: {channels: 4, kernel: 2}, from: x}",
             "48: error[NET-VALUE] conv_lstm_cell: kernel must be odd to keep the size",
             "{x: [3, any, any], h: [4, any, any], c: [4, any, any]}");
  LayerFails("{add: [x]}", "15: error[NET-VALUE] add: needs 2 to 64 layers, got list of 1");
  LayerFails("{add: [x, x], from: x}",
             "29: error[NET-VALUE] add: `from` beside a list of layers; put it into the list");
  LayerFails("{repeat: {times: 2, layers: []}}",
             "37: error[NET-VALUE] layers: expected a list of layers, got list of 0");
  LayerFails("{repeat: {times: 2, layers: [relu]}, name: a}",
             "10: error[NET-VALUE] repeat: cannot have a name; there is no one layer to bear it");
}

TEST_CASE("shapes that do not fit are both named") {
  LayerFails("{dense: 4}",
             "10: error[NET-SHAPE] dense reads features, not 3x?x?; put `flatten` or "
             "`global_pool` before it");
  LayerFails("flatten",
             "9: error[NET-SHAPE] flatten cannot know how many numbers 3x?x? has; give the graph's "
             "inputs fixed sizes, or use `global_pool`");
  LayerFails("{reshape: [7]}", "10: error[NET-SHAPE] reshape to 7 needs 7 numbers, 2x2x2 has 8",
             "{x: [2, 2, 2]}");
  LayerFails("{conv: {channels: 4, kernel: 3}}",
             "10: error[NET-SHAPE] conv reads a picture of channels x height x width, not 9; put "
             "`reshape` before it",
             "{x: [9]}");
  LayerFails("{conv: {channels: 4, kernel: 5}}",
             "10: error[NET-SHAPE] 2x4x9 becomes 4x0x5: nothing is left; make the kernel smaller "
             "or the picture larger",
             "{x: [2, 4, 9]}");
  LayerFails("{conv: {channels: 4, kernel: 3, groups: 3}}",
             "10: error[NET-SHAPE] conv: 3 groups do not divide 3 channels in and 4 out");
  LayerFails("{pixel_shuffle: 2}",
             "10: error[NET-SHAPE] pixel_shuffle by 2 reads a multiple of 4 channels, not 3x?x?");
  LayerFails("{residual: [{max_pool: 2}]}",
             "10: error[NET-SHAPE] add: 3x?x? and 3x?/2x?/2 do not fit together; they must be "
             "equal");
  LayerFails("{concat: [x, z]}",
             "10: error[NET-SHAPE] concat: 3x?x? and 3x8x8 do not fit together; all but the first "
             "number must be equal",
             "{x: [3, any, any], z: [3, 8, 8]}");
  LayerFails("{lstm_cell: 4, from: x}",
             "10: error[NET-SHAPE] lstm_cell: 'h' is 5; of what it reads it must be 4",
             "{x: [3], h: [5], c: [4]}");
  LayerFails("{lstm_cell: 4, from: x}",
             "10: error[NET-SHAPE] lstm_cell reads features, not 3x?x?; there is also "
             "conv_lstm_cell",
             "{x: [3, any, any], h: [4], c: [4]}");
  LayerFails(
      "softmax",
      "9: error[NET-SHAPE] softmax reads features, not 3x?x?; put `flatten` or `global_pool` "
      "before it");
}

TEST_CASE("names must be new, known and of use") {
  LayerFails("{relu: , from: y}", "24: error[NET-NAME] no layer before this one is called 'y'");
  LayerFails("{relu: , name: x}", "24: error[NET-NAME] there is already a layer called 'x'");
  LayerFails("{relu: , name: 2x}",
             "24: error[NET-NAME] '2x' cannot be a name: letters, digits and _, not a digit first, "
             "at most 64");
  LayerFails("{repeat: {times: 2, layers: [{relu: , name: a}]}}",
             "53: error[NET-NAME] layers in a repeat cannot have names; there are several");
  LayerFails("relu", "9: error[NET-NAME] relu: which input? say `from`, or join them by concat",
             "{x: [3], z: [3]}");
  Fails(Text("{x: [3], z: [3]}", "- {relu: , from: x}"),
        "net.yaml:4:22: error[NET-NAME] no output needs input 'z'; read it, make it an output or "
        "take it out");
  Fails(Text("{x: [3]}", "- {relu: , name: a}\n- {tanh: , from: x}"),
        "net.yaml:6:10: error[NET-NAME] no output needs layer 'a'; read it, make it an output or "
        "take it out");
  // A parameter and a layer of one name, in either order.
  Fails(Text("{x: [3]}", "- {dense: 3, name: a}\n- {relu: , name: a_bias}"),
        "net.yaml:7:24: error[NET-NAME] 'a_bias' is what a parameter of layer 'a' is called; "
        "choose another name");
  Fails(
      Text("{x: [3]}", "- {relu: , name: a_bias}\n- {dense: {features: 3, bias: false}, name: a}"),
      "net.yaml:7:10: error[NET-NAME] a parameter of layer 'a' would be called 'a_bias', which "
      "is a layer; choose another name for one of them");
}

TEST_CASE("outputs are layers under names that mean nothing else") {
  const auto fails = [](const std::string& outputs, const std::string& message) {
    Fails(Text("{x: [3]}", "- relu\n- tanh", outputs), "net.yaml:5:" + message);
  };
  fails("{y: tanh_2}",
        "18: error[NET-NAME] no layer before this one is called 'tanh_2'; did you mean 'tanh_1'?");
  fails("{y: tanh_1, z: x}", "26: error[NET-VALUE] output 'z' is an input as it came");
  fails("{relu_1: tanh_1}",
        "15: error[NET-NAME] output 'relu_1' has the name of a layer or input that is not what "
        "goes out; choose another name");
  fails("[tanh_1]",
        "14: error[NET-VALUE] outputs: expected {NAME: LAYER} with at most 32 names, got list of "
        "1");
  const LayerGraph twice = Graph("{x: [3]}", "- tanh", "{tanh_1: tanh_1, y: tanh_1}");
  CHECK(twice.outputs.size() == 2);
}

TEST_CASE("the document around the graphs is checked, too") {
  const std::string graphs = "graphs: {m: {inputs: {x: [1]}, layers: [relu]}}\n";
  Fails(graphs,
        "net.yaml:1:1: error[NET-VALUE] network: expected a name of a-z, 0-9 and _, at most "
        "64, got nothing");
  Fails("network: A-b\n" + graphs,
        "net.yaml:1:10: error[NET-VALUE] network: expected a name of a-z, 0-9 and _, at most 64, "
        "got string 'A-b'");
  Fails(
      "network: n\nweights: dcgam\n" + graphs,
      "net.yaml:2:10: error[NET-VALUE] weights: expected he or dcgan, got string 'dcgam'; did you "
      "mean 'dcgan'?");
  Fails("network: n\nabout: [1]\n" + graphs,
        "net.yaml:2:8: error[NET-VALUE] about: expected a line of text, got list of 1");
  Fails("network: n\nmanifest: 3\n" + graphs,
        "net.yaml:2:11: error[NET-VALUE] manifest: expected a mapping, got int 3");
  Fails("network: n", "net.yaml:1:1: error[NET-VALUE] graphs: expected {NAME: graph}, got nothing");
  Fails("[1]",
        "net.yaml:1:1: error[NET-VALUE] a layer list has `network` and `graphs`, got list of "
        "1");
  Fails("network: n\ngraphs: {M: {inputs: {x: [1]}, layers: [relu]}}",
        "net.yaml:2:10: error[NET-NAME] 'M' cannot be a graph: a-z, 0-9 and _, a letter first");
  Fails("network: n\ngraphs: {m: {inputs: {x: [1]}}}",
        "net.yaml:2:13: error[NET-VALUE] graph m: layers are missing");
  Fails("network: n\ngraphs: {m: {layers: [relu]}}",
        "net.yaml:2:13: error[NET-VALUE] graph m: inputs must be {NAME: dims} with at most 32 "
        "names");
  for (const char* dims : {"[0]", "[3, 4]", "[any]", "[any, 4, 4]", "[3, any, 4]", "3"}) {
    Diagnostics diagnostics;
    CHECK_FALSE(Parse(Text(std::string("{x: ") + dims + "}", "- relu"), diagnostics));
    REQUIRE(diagnostics.ErrorCount() == 1);
    CHECK(diagnostics.All()[0].code == "NET-VALUE");
    CHECK(diagnostics.All()[0].at.Text() == "net.yaml:4:17");
  }
}

TEST_CASE("one slip gives one message, and several are found together") {
  Diagnostics diagnostics;
  Parse(Text("{x: [3, any, any]}",
             "- {conv: {channels: 4, kernel: 0}, name: a}\n"
             "- {dense: 5, name: b}\n"
             "- {add: [a, b, x]}\n"
             "- tanhh\n"
             "- {lstm_cell: 3, from: x, name: cell}\n"
             "- {add: cell_c}\n"
             "- {max_pool: 0}",
             "{y: a, z: cell_c}"),
        diagnostics);
  std::string places;
  for (const Diagnostic& found : diagnostics.All()) {
    places += found.code + " " + found.at.Text() + "\n";
  }
  CHECK(places ==
        "NET-VALUE net.yaml:7:38\nNET-LAYER net.yaml:10:9\nNET-NAME net.yaml:11:10\n"
        "NET-NAME net.yaml:11:10\nNET-VALUE net.yaml:13:20\n");
}

TEST_CASE("what would be too much is refused before it is made") {
  Fails(Text("{x: [3]}", "- {repeat: {times: 1000, layers: [relu, tanh, relu]}}"),
        "net.yaml:6:47: error[NET-VALUE] a graph has at most 2000 layers");
  // 10^60 layers, were they made.
  std::string nest = "relu";
  for (int i = 0; i < 20; ++i) nest = "{repeat: {times: 1000, layers: [" + nest + "]}}";
  Diagnostics diagnostics;
  CHECK_FALSE(Parse(Text("{x: [3]}", "- " + nest), diagnostics));
  CHECK(diagnostics.ErrorCount() == 1);
  Fails(Text("{x: [1000000]}", "- {dense: 600}"),
        "net.yaml:6:10: error[NET-VALUE] a graph has at most 512 million parameters");
  Fails(Text("{x: [16, 4096, 4096]}", "- {upsample: 2}"),
        "net.yaml:6:10: error[NET-SHAPE] 16x4096x4096 becomes 16x8192x8192: at most 268435456 "
        "numbers per layer");
  Fails(Text("{x: [1, any, any]}", "- repeat: {times: 7, layers: [{upsample: 2}]}"),
        "net.yaml:6:38: error[NET-SHAPE] 1x?*64x?*64 becomes 1x?*128x?*128: too far from the size "
        "of the input; give fixed sizes");
  Fails(
      Text("{x: [1, any, any]}", "- {max_pool: 49}\n- {max_pool: 64}"),
      "net.yaml:7:10: error[NET-SHAPE] 1x?/49x?/49 becomes 1x?/3136x?/3136: too far from the size "
      "of the input; give fixed sizes");
  Fails(Text("{x: [1, any, any]}", "- {max_pool: 49, name: a}\n- {max_pool: 50, from: x, name: b}",
             "{y: a, z: b}"),
        "net.yaml:7:7: error[NET-SHAPE] sides would have to be multiples of 2450 px; at most 1024, "
        "or give fixed sizes");
}
}  // namespace
}  // namespace pixloom
