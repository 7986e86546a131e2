#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layer lists against PyTorch: this reads the same YAML by itself and works with torch's functions
in double precision (an LSTM cell is torch.lstm_cell, not what the program makes of it). Parameters,
inputs and the program's results come from network_dump.

Usage: layer_torch_test.py NETWORK_DUMP
"""
import glob
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
    import torch.nn.functional as F
    import yaml
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

TOLERANCE = 1e-10  # of double precision, after some dozens of layers
FOLDED = 1e-4      # folded parameters are rounded to float32
SIDE = 24          # px of open sides; a multiple of what every network here needs


class Graph:
    """One graph of a list as torch runs it."""

    def __init__(self, parameters):
        self.parameters = parameters
        self.values = {}
        self.counts = {}

    def run(self, graph, inputs):
        self.values = dict(inputs)
        names = list(graph["inputs"])
        last = self.layers(graph["layers"], self.values[names[0]] if len(names) == 1 else None)
        outputs = graph.get("outputs")
        if outputs is None:
            return {"out": last}
        return {name: self.values[layer] for name, layer in outputs.items()}

    def layers(self, layers, value):
        for layer in layers:
            value = self.layer(layer, value)
        return value

    def layer(self, layer, value):
        if isinstance(layer, str):
            layer = {layer: None}
        keys = [key for key in layer if key not in ("name", "from")]
        assert len(keys) == 1, layer
        verb, args = keys[0], layer[keys[0]]
        if "from" in layer:
            value = self.values[layer["from"]]
        if verb == "repeat":
            for _ in range(args["times"]):
                value = self.layers(args["layers"], value)
            return value
        if verb == "residual":
            inner = args["layers"] if isinstance(args, dict) else args
            value = value + self.layers(inner, value)
            self.values[layer.get("name") or self.auto(verb)] = value
            return value
        name = layer.get("name") or self.auto(verb)
        value = getattr(self, verb)(name, value, args)
        self.values[name] = value
        return value

    def auto(self, verb):
        self.counts[verb] = self.counts.get(verb, 0) + 1
        return f"{verb}_{self.counts[verb]}"

    def weights(self, name):
        return self.parameters[name + "_weight"], self.parameters.get(name + "_bias")

    # ---- One method per verb ----

    def conv(self, name, x, a):
        d = a.get("dilation", 1)
        p = a.get("padding", 0)
        p = d * (a["kernel"] - 1) // 2 if p == "same" else p
        assert self.parameters.get(name + "_bias") is not None or not a.get("bias", True)
        return F.conv2d(x, *self.weights(name), a.get("stride", 1), p, d, a.get("groups", 1))

    def deconv(self, name, x, a):
        s, op, d = a.get("stride", 1), a.get("output_padding", 0), a.get("dilation", 1)
        p = a.get("padding", 0)
        height = x.shape[2]
        if p == "same":
            p = next(p for p in range(99) if -s - 2 * p + d * (a["kernel"] - 1) + op + 1 == 0)
        y = F.conv_transpose2d(x, *self.weights(name), s, p, op, a.get("groups", 1), d)
        assert a.get("padding") != "same" or y.shape[2] == height * s
        return y

    def dense(self, name, x, a):
        features = a["features"] if isinstance(a, dict) else a
        y = F.linear(x, *self.weights(name))
        assert y.shape[1] == features
        return y

    def embedding(self, name, x, a):
        assert name + "_bias" not in self.parameters
        return x @ self.weights(name)[0].T

    def batch_norm(self, name, x, a):
        p = self.parameters
        a = a.get("epsilon", 1e-5) if isinstance(a, dict) else a or 1e-5
        return F.batch_norm(x, p[name + "_mean"], p[name + "_var"], p[name + "_weight"],
                            p[name + "_bias"], False, 0.1, float(a))

    def relu(self, name, x, a):
        return F.relu(x)

    def leaky_relu(self, name, x, a):
        return F.leaky_relu(x, 0.01 if a is None else a)

    def elu(self, name, x, a):
        return F.elu(x, 1.0 if a is None else a)

    def sigmoid(self, name, x, a):
        return torch.sigmoid(x)

    def tanh(self, name, x, a):
        return torch.tanh(x)

    def softplus(self, name, x, a):
        return F.softplus(x, threshold=700)

    def softmax(self, name, x, a):
        return F.softmax(x, 1)

    def max_pool(self, name, x, a):
        a = a if isinstance(a, dict) else {"kernel": a}
        k = a["kernel"]
        return F.max_pool2d(x, k, a.get("stride", k), a.get("padding", 0))

    def avg_pool(self, name, x, a):
        a = a if isinstance(a, dict) else {"kernel": a}
        k = a["kernel"]
        return F.avg_pool2d(x, k, a.get("stride", k), a.get("padding", 0), False, False)

    def global_pool(self, name, x, a):
        return F.adaptive_avg_pool2d(x, 1).flatten(1)

    def upsample(self, name, x, a):
        a = a if isinstance(a, dict) else {"factor": a}
        if a.get("mode", "nearest") == "nearest":
            return F.interpolate(x, scale_factor=a["factor"], mode="nearest")
        return F.interpolate(x, scale_factor=a["factor"], mode="bilinear", align_corners=False)

    def pixel_shuffle(self, name, x, a):
        return F.pixel_shuffle(x, a)

    def reshape(self, name, x, a):
        return x.reshape([x.shape[0]] + a)

    def flatten(self, name, x, a):
        return x.flatten(1)

    def joined(self, x, a):
        return [self.values[n] for n in a] if isinstance(a, list) else [x, self.values[a]]

    def concat(self, name, x, a):
        return torch.cat(self.joined(x, a), 1)

    def add(self, name, x, a):
        return torch.stack(self.joined(x, a)).sum(0)

    def mul(self, name, x, a):
        return torch.stack(self.joined(x, a)).prod(0)

    def lstm_cell(self, name, x, a):
        h, c = self.values[a.get("state", "h")], self.values[a.get("cell", "c")]
        w = torch.cat([self.parameters[f"{name}_{gate}_weight"] for gate in "ifgo"])
        b = torch.cat([self.parameters[f"{name}_{gate}_bias"] for gate in "ifgo"])
        parts = x.shape[1]
        h, c = torch.lstm_cell(x, (h, c), w[:, :parts], w[:, parts:], b, torch.zeros_like(b))
        self.values[name + "_h"], self.values[name + "_c"] = h, c
        return h

    def conv_lstm_cell(self, name, x, a):
        h, c = self.values[a.get("state", "h")], self.values[a.get("cell", "c")]
        w = torch.cat([self.parameters[f"{name}_{gate}_weight"] for gate in "ifgo"])
        b = torch.cat([self.parameters[f"{name}_{gate}_bias"] for gate in "ifgo"])
        gates = F.conv2d(torch.cat([x, h], 1), w, b, padding=a.get("kernel", 3) // 2)
        i, f, g, o = gates.chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        self.values[name + "_h"], self.values[name + "_c"] = h, c
        return h


def verbs_of(layers):
    for layer in layers:
        if isinstance(layer, str):
            yield layer
            continue
        for verb, args in layer.items():
            if verb in ("name", "from"):
                continue
            yield verb
            inner = args.get("layers") if isinstance(args, dict) else args
            if verb in ("residual", "repeat"):
                yield from verbs_of(inner)


def difference(got, expected):
    """Relative to the larger of 1 and the size of values."""
    if tuple(got.shape) != tuple(expected.shape):
        return float("inf")
    return float((got - expected).abs().max() / max(1.0, float(expected.abs().max())))


def check(program, path):
    failures = []
    with open(path, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, path, folder, str(SIDE)], check=True)
        with open(os.path.join(folder, "numbers.json"), encoding="utf-8") as file:
            dumped = json.load(file)
        numbers = numpy.fromfile(os.path.join(folder, "numbers.f64"), numpy.float64)

    def arrays(entries):
        out = {}
        for e in entries:
            size = int(numpy.prod(e["dims"]))
            part = numbers[e["start"]:e["start"] + size]
            out[e["name"]] = torch.from_numpy(part.copy()).reshape(e["dims"])
        return out

    if [g["name"] for g in dumped] != list(document["graphs"]):
        failures.append(f"{path}: graphs are {[g['name'] for g in dumped]}")
    for graph in dumped:
        where = f"{os.path.basename(path)} {graph['name']}"
        reference = Graph(arrays(graph["parameters"]))
        expected = reference.run(document["graphs"][graph["name"]], arrays(graph["inputs"]))
        outputs, folded = arrays(graph["outputs"]), arrays(graph["folded"])
        if list(outputs) != list(expected):
            failures.append(f"{where}: outputs are {list(outputs)}, not {list(expected)}")
            continue
        norms = sum(verb == "batch_norm" for verb in
                    verbs_of(document["graphs"][graph["name"]]["layers"]))
        if norms == 0 and graph["layers_folded"] != graph["layers"]:
            failures.append(f"{where}: folding took layers away where there is nothing to fold")
        for name, value in expected.items():
            exact, rounded = difference(outputs[name], value), difference(folded[name], value)
            size = float(value.std())
            print(f"{where}: {name} {list(value.shape[1:])}: {exact:.1e}, folded {rounded:.1e}, "
                  f"deviation {size:.2g}, {graph['seconds']:.2f} s")
            if not exact <= TOLERANCE:
                failures.append(f"{where}: {name} differs by {exact}")
            if not rounded <= FOLDED:
                failures.append(f"{where}: {name} folded differs by {rounded}")
            # Numbers that could not show a fault: all alike, or out of all proportion.
            if not 1e-3 < size < 30:
                failures.append(f"{where}: {name} has a deviation of {size}")
    return failures, {v for g in document["graphs"].values() for v in verbs_of(g["layers"])}


def main():
    torch.set_num_threads(1)
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    here = os.path.dirname(os.path.abspath(__file__))
    networks = sorted(glob.glob(os.path.join(here, "..", "..", "configs", "networks", "*.yaml")))
    failures, seen = [], set()
    for path in [os.path.join(here, "every_layer.yaml")] + networks:
        found, verbs = check(sys.argv[1], path)
        failures += found
        seen |= verbs if path.endswith("every_layer.yaml") else set()
    known = {name for name, member in vars(Graph).items()
             if name not in ("run", "layers", "layer", "auto", "weights", "joined")
             and not name.startswith("_") and callable(member)} | {"repeat", "residual"}
    if seen != known:
        failures.append(f"every_layer.yaml: verbs without a test: {sorted(known - seen)}")
    if len(networks) < 11:
        failures.append(f"only {len(networks)} networks in configs/networks")
    for failure in failures:
        print("FAILED", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
