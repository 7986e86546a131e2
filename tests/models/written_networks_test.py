#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Pixloom writes of networks, read by others: ONNX files by onnx's checker and, where they are
there, ONNX Runtime and OpenCV; TorchScript text by PyTorch. Numbers are compared with the float64
forward pass. Usage: written_networks_test.py NETWORK_SAMPLES"""
import json
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest

try:
    import numpy
    import onnx
    import torch
except ImportError as missing:
    print(f"[skipped] written_networks_test: {missing}")
    sys.exit(77)
try:
    import onnxruntime
except ImportError:
    onnxruntime = None

TOLERANCE = 1e-4
ROOT = pathlib.Path(__file__).resolve().parents[2]
LISTS = [ROOT / "tests/models/every_layer.yaml",
         *sorted(ROOT.glob("configs/networks/*.yaml"))]
TOOL = None


class Sample:
    """One network of index.json."""

    def __init__(self, folder, entry):
        self.name = entry["name"]
        self.path = folder / entry["onnx"]
        self.source = (folder / entry["source"]).read_text()
        self.parameters = entry.get("parameters") or []
        for p in self.parameters:
            p["value"] = self.array(folder, p, numpy.float32)
        self.inputs = {i["name"]: self.array(folder, i, numpy.float32) for i in entry["inputs"]}
        self.outputs = {o["name"]: self.array(folder, o, numpy.float64) for o in entry["outputs"]}

    @staticmethod
    def array(folder, entry, kind):
        return numpy.fromfile(folder / entry["file"], kind).reshape(entry["dims"])


def samples(folder):
    subprocess.run([TOOL, str(folder), *LISTS], check=True)
    return [Sample(folder, e) for e in json.loads((folder / "index.json").read_text())]


def resolver():
    """What `torch.NAME` means where TorchScript is read without Python: any aten operator."""
    module = types.ModuleType("torch")
    for name in ("conv2d", "conv_transpose2d", "batch_norm", "max_pool2d", "mean",
                 "relu", "sigmoid", "tanh", "softmax", "pixel_shuffle", "reshape", "cat"):
        setattr(module, name, getattr(torch, name))
    for name in ("avg_pool2d", "leaky_relu", "elu", "softplus", "linear", "upsample_nearest2d",
                 "upsample_bilinear2d"):
        setattr(module, name, getattr(torch._C._nn, name))
    names = {"torch": module, "Tensor": torch.Tensor}
    return names.get


def script(sample):
    module = type("Network", (torch.nn.Module,), {})()  # its own class: methods belong to that
    for p in sample.parameters:
        value = torch.from_numpy(p["value"].copy())
        if p["buffer"]:
            module.register_buffer(p["name"], value)
        else:
            module.register_parameter(p["name"], torch.nn.Parameter(value))
    scripted = torch.jit.script(module)
    scripted._c._define(scripted._concrete_type, sample.source, resolver())
    scripted.eval()
    return scripted


class WrittenNetworksTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.samples = samples(pathlib.Path(cls.folder.name))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def compare(self, got, wanted, what):
        got = numpy.asarray(got)
        self.assertEqual(got.shape, wanted.shape, what)
        worst = float(numpy.abs(got - wanted).max() / max(1.0, numpy.abs(wanted).max()))
        self.assertLess(worst, TOLERANCE, what)
        return worst

    def test_outputs_say_something(self):
        for sample in self.samples:
            for name, output in sample.outputs.items():
                self.assertGreater(output.std(), 1e-3, f"{sample.name}: {name}")

    def test_onnx_files_are_well_formed(self):
        for sample in self.samples:
            with self.subTest(network=sample.name):
                model = onnx.load(str(sample.path))
                onnx.checker.check_model(model, full_check=True)
                self.assertEqual([(o.domain, o.version) for o in model.opset_import], [("", 11)])
                self.assertEqual({i.name for i in model.graph.input}, set(sample.inputs))
                self.assertEqual([o.name for o in model.graph.output], list(sample.outputs))
                for port in [*model.graph.input, *model.graph.output]:
                    self.assertEqual(port.type.tensor_type.shape.dim[0].dim_param, "N")
                # OpenCV 4.6 takes no constant that two nodes read.
                read = [name for node in model.graph.node for name in node.input]
                for tensor in model.graph.initializer:
                    self.assertEqual(read.count(tensor.name), 1, tensor.name)

    def test_declared_sizes_are_those_of_the_outputs(self):
        for sample in self.samples:
            with self.subTest(network=sample.name):
                inferred = onnx.shape_inference.infer_shapes(onnx.load(str(sample.path)),
                                                             strict_mode=True)
                for port in inferred.graph.output:
                    dims = [d.dim_value for d in port.type.tensor_type.shape.dim]
                    for declared, real in zip(dims[1:], sample.outputs[port.name].shape[1:]):
                        self.assertIn(declared, (0, real))

    def test_torchscript_gives_the_same_numbers(self):
        for sample in self.samples:
            with self.subTest(network=sample.name):
                module = script(sample)
                with torch.no_grad():
                    got = module(*(torch.from_numpy(x) for x in sample.inputs.values()))
                got = got if isinstance(got, tuple) else (got,)
                self.assertEqual(len(got), len(sample.outputs))
                for value, (name, wanted) in zip(got, sample.outputs.items()):
                    self.compare(value, wanted, f"{sample.name}: {name}")

    def test_torchscript_trains(self):
        for sample in self.samples:
            if not sample.parameters:
                continue
            buffers = [p for p in sample.parameters if p["buffer"]]
            with self.subTest(network=sample.name):
                module = script(sample).train()
                got = module(*(torch.from_numpy(x) for x in sample.inputs.values()))
                got = got if isinstance(got, tuple) else (got,)
                sum((value * value).sum() for value in got).backward()
                for name, parameter in module.named_parameters():
                    self.assertIsNotNone(parameter.grad, name)
                for p in buffers:  # statistics moved
                    moved = getattr(module, p["name"]).numpy()
                    self.assertGreater(numpy.abs(moved - p["value"]).max(), 0, p["name"])

    @unittest.skipIf(onnxruntime is None, "no onnxruntime for Python")
    def test_onnx_runtime_gives_the_same_numbers_for_every_batch(self):
        for sample in self.samples:
            with self.subTest(network=sample.name):
                session = onnxruntime.InferenceSession(str(sample.path),
                                                       providers=["CPUExecutionProvider"])
                for batch in (3, 1, 2, 3):
                    got = session.run(list(sample.outputs),
                                      {n: x[:batch] for n, x in sample.inputs.items()})
                    for value, (name, wanted) in zip(got, sample.outputs.items()):
                        self.compare(value, wanted[:batch], f"{sample.name}: {name}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    TOOL = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
