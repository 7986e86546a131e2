#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Networks on a GPU: Pixloom's libtorch backend against a bare PyTorch loop, in one command.

    python3 bench/gpu/run.py [--device cuda|cpu] [--out FOLDER] [--quick]

Needs Python's torch (1.13 or 2.x) and a C++20 compiler; nothing else of Pixloom is built. Makes the
backend plugin and bench_gpu from the sources, two TorchScript networks (DnCNN: 17 layers of 64
channels; super-resolution x2 by pixel shuffle), compares numbers, then measures pictures a second:

  bare       tensors that lie on the device already, one stream, nothing copied: the device's best
  bare+copy  the same with each batch copied from and to pinned memory, one after another
  pixloom    u8 pictures in host memory packed, copied, run, copied back, made u8 again, by 1, 2, 3
             threads

Writes FOLDER/report.md (tables, and a timeline of who did what when) and FOLDER/report.json.
"""
import argparse
import array
import glob
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import torch

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TORCH = pathlib.Path(torch.__file__).resolve().parent


# ---- Building -----------------------------------------------------------------------------------

def cuda_include():
    """The folder of cuda_runtime_api.h: of a toolkit, or of PyTorch's own packages."""
    places = [os.environ.get("CUDA_HOME", "/nonexistent") + "/include", "/usr/local/cuda/include"]
    places += sorted(glob.glob(str(TORCH.parent / "nvidia" / "*" / "include")))
    return next((p for p in places if os.path.exists(p + "/cuda_runtime_api.h")), None)


def build(out):
    headers = TORCH / "include"
    if not (headers / "torch/csrc/jit/api/module.h").exists():
        headers = pathlib.Path("/usr/include")  # Debian
    flags = ["-std=c++20", "-O2", "-fPIC", "-fvisibility=hidden", "-I", str(ROOT),
             "-D_GLIBCXX_USE_CXX11_ABI=%d" % torch.compiled_with_cxx11_abi(),
             "-isystem", str(headers / "torch/csrc/api/include")]
    if headers != pathlib.Path("/usr/include"):
        flags += ["-isystem", str(headers)]
    libraries = ["-ltorch", "-ltorch_cpu", "-lc10"]
    with_cuda = torch.version.cuda is not None
    if with_cuda:
        libraries += ["-ltorch_cuda", "-lc10_cuda"]
        cuda = cuda_include()
        if cuda:
            flags += ["-isystem", cuda, "-DPIXLOOM_LIBTORCH_CUDA=1"]
        else:
            print("no cuda_runtime_api.h: the device's memory and clock stay unknown")
    compiler = os.environ.get("CXX", "g++")
    objects, running = [], []
    for source in ["backend.cc", "device.cc", "files.cc"]:
        objects.append(str(out / (source + ".o")))
        running.append([compiler, *flags, "-c", str(ROOT / "models/libtorch" / source), "-o",
                        objects[-1]])
    bench = out / "bench_gpu"
    running.append([compiler, "-std=c++20", "-O3", "-march=native", "-I", str(ROOT),
                    str(HERE / "bench.cc"), "-o", str(bench), "-ldl", "-pthread"])
    at_once = max(1, (os.cpu_count() or 2) // 2)
    for i in range(0, len(running), at_once):
        started = [subprocess.Popen(command) for command in running[i:i + at_once]]
        for process, command in zip(started, running[i:i + at_once]):
            if process.wait() != 0:
                sys.exit("cannot build: " + " ".join(command))
    plugin = out / "pixloom_libtorch.so"
    folder = TORCH / "lib"
    search = ["-L", str(folder), "-Wl,-rpath," + str(folder)] if folder.exists() else []
    subprocess.run([compiler, "-shared", "-o", str(plugin), *objects, *search, "-Wl,--no-as-needed",
                    *libraries, "-Wl,--as-needed"], check=True)
    return plugin, bench


# ---- Networks -----------------------------------------------------------------------------------

class DnCNN(torch.nn.Module):
    def __init__(self, layers, width):
        super().__init__()
        parts = [torch.nn.Conv2d(3, width, 3, padding=1), torch.nn.ReLU()]
        for _ in range(layers - 2):
            parts += [torch.nn.Conv2d(width, width, 3, padding=1, bias=False),
                      torch.nn.BatchNorm2d(width), torch.nn.ReLU()]
        self.body = torch.nn.Sequential(*parts, torch.nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x - self.body(x)


class SuperResolution(torch.nn.Module):
    def __init__(self, layers, width):
        super().__init__()
        parts = [torch.nn.Conv2d(3, width, 5, padding=2), torch.nn.ReLU()]
        for _ in range(layers - 2):
            parts += [torch.nn.Conv2d(width, width, 3, padding=1), torch.nn.ReLU()]
        self.body = torch.nn.Sequential(*parts, torch.nn.Conv2d(width, 12, 3, padding=1),
                                        torch.nn.PixelShuffle(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)


def make_networks(out, args):
    networks = {}
    for name, kind in [("dncnn", DnCNN), ("super_resolution", SuperResolution)]:
        torch.manual_seed(7)
        layers = args.layers if kind is DnCNN else max(args.layers // 2, 3)
        network = kind(layers, args.width)
        for module in network.modules():  # statistics of batch normalisation that do something
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.1, 0.1)
                module.running_var.uniform_(0.5, 1.5)
        network.eval()
        path = out / (name + ".pt")
        torch.jit.script(network).save(str(path))
        networks[name] = (network, path)
    return networks


# ---- Measuring ----------------------------------------------------------------------------------

def wait(device):
    if device != "cpu":
        torch.cuda.synchronize()


def per_second(run, images, device, seconds):
    for _ in range(5):
        run()
    wait(device)
    start, count = time.perf_counter(), 0
    while True:
        for _ in range(5):
            run()
        wait(device)
        count += 5
        passed = time.perf_counter() - start
        if passed >= seconds:
            return count * images / passed


def bare(network, path, args, half, channels_last):
    """Pictures a second, by way of running; None where the way does not exist."""
    device, results = args.device, {}
    kind = torch.half if half else torch.float
    layout = torch.channels_last if channels_last else torch.contiguous_format
    host = torch.rand(args.batch, 3, args.side, args.side)
    x = host.to(device).to(kind).contiguous(memory_format=layout)
    eager = type(network)(args.layers if isinstance(network, DnCNN) else max(args.layers // 2, 3),
                          args.width)
    eager.load_state_dict(network.state_dict())
    eager = eager.to(device).to(kind).eval().to(memory_format=layout)
    jit = torch.jit.freeze(torch.jit.script(eager))
    with torch.inference_mode():
        for name, module in [("eager", eager), ("jit", jit)]:
            results[name] = per_second(lambda: module(x), args.batch, device, args.seconds)
        if device != "cpu":
            pinned = host.pin_memory()
            back = torch.empty_like(module(x).float(), device="cpu",
                                    memory_format=torch.contiguous_format).pin_memory()

            def copy_and_run():
                y = jit(pinned.to(device, non_blocking=True).to(kind)
                        .contiguous(memory_format=layout))
                back.copy_(y, non_blocking=True)
                torch.cuda.synchronize()
            results["copy"] = per_second(copy_and_run, args.batch, device, args.seconds)
    return results


def pixloom(plugin, bench, path, args, half, channels_last, threads, batches, more=()):
    extra = "times=1" + (",channels_last=1" if channels_last else "")
    command = [str(bench), "--plugin", str(plugin), "--model", str(path), "--device", args.device,
               "--batch", str(args.batch), "--dims", "3x%dx%d" % (args.side, args.side),
               "--threads", str(threads), "--batches", str(batches), "--extra", extra, *more]
    if half:
        command.insert(1, "--fp16")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("bench_gpu failed: " + done.stderr)
    return json.loads(done.stdout)


def largest_difference(plugin, bench, network, path, args, half, out):
    """Between the plugin's numbers and float32 PyTorch on the processor."""
    torch.manual_seed(3)
    x = torch.rand(args.batch, 3, args.side, args.side)
    (out / "x.bin").write_bytes(array.array("f", x.flatten().tolist()).tobytes())
    pixloom(plugin, bench, path, args, half, False, 1, 1,
            ("--input", str(out / "x.bin"), "--output", str(out / "y.bin")))
    y = torch.frombuffer(bytearray((out / "y.bin").read_bytes()), dtype=torch.float32)
    with torch.inference_mode():
        expected = network(x[:2])
    return float((y.reshape(args.batch, *expected.shape[1:])[:2] - expected).abs().max())


# ---- Report -------------------------------------------------------------------------------------

STEPS = "P>#<.U"  # pack, copy in, work, copy out, wake up, unpack


def timeline(spans, width=110):
    """A row a thread, a letter a moment; what the device does is on its own clock."""
    end = max(span["at"][-1] for span in spans)
    rows = {}
    for span in spans:
        row = rows.setdefault(span["lane"], [" "] * (width + 1))
        marks = [int(at / end * width) for at in span["at"]]
        for i, letter in enumerate(STEPS):
            for column in range(marks[i], max(marks[i + 1], marks[i] + 1)):
                if 0 <= column <= width:
                    row[column] = letter
    lines = ["thread %d |%s|" % (lane, "".join(rows[lane])) for lane in sorted(rows)]
    return "\n".join(lines + ["          0 ms%s%.2f ms" % (" " * (width - 10), end / 1000)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--out", default="bench-gpu")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time for each figure")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--side", type=int)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--width", type=int)
    args = parser.parse_args()
    small = args.device == "cpu"
    for name, here, there in [("batch", 4, 32), ("side", 32, 128), ("layers", 8, 17),
                              ("width", 32, 64)]:
        if getattr(args, name) is None:
            setattr(args, name, here if small else there)
    args.seconds = (0.3 if args.quick else 3.0) if not small else (0.2 if args.quick else 1.0)
    if not small and not torch.cuda.is_available():
        sys.exit("no CUDA device; --device cpu tries everything out without one")
    out = pathlib.Path(args.out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_num_threads(1)  # as each of Pixloom's threads

    device = torch.cuda.get_device_name(0) if not small else platform.processor() or "cpu"
    head = ["device: %s" % device, "torch %s, CUDA %s" % (torch.__version__, torch.version.cuda),
            "%d processors; batch %d of 3x%dx%d; fp32 without TF32" %
            (os.cpu_count() or 0, args.batch, args.side, args.side)]
    print("\n".join(head), flush=True)
    plugin, bench = build(out)
    networks = make_networks(out, args)
    rows, checks, lines, drawn = [], [], [], ""
    for name, (network, path) in networks.items():
        for half in [False] if small else [False, True]:
            precision = "fp16" if half else "fp32"
            off = largest_difference(plugin, bench, network, path, args, half, out)
            checks.append({"network": name, "precision": precision, "largest difference": off})
            if not off < (0.05 if half else 1e-4):
                sys.exit("%s %s: numbers differ from PyTorch by %g" % (name, precision, off))
            for channels_last in [False, True]:
                base = bare(network, path, args, half, channels_last)
                best = max(base["eager"], base["jit"])
                batches = max(20, int(best * args.seconds / args.batch))
                for threads in [1, 2, 3]:
                    ours = pixloom(plugin, bench, path, args, half, channels_last, threads, batches)
                    rows.append({"network": name, "precision": precision,
                                 "layout": "nhwc" if channels_last else "nchw", "threads": threads,
                                 "bare": base, "pixloom": ours})
                    if threads == 2:
                        drawn += "\n%s %s %s, 2 threads\n%s\n" % (
                            name, precision, rows[-1]["layout"], timeline(ours["timeline_us"]))
                    copied = "%.0f" % base["copy"] if "copy" in base else "-"
                    lines.append("| %s | %s | %s | %.0f | %.0f | %s | %d | **%.0f** | %.2f "
                                 "| %.0f %% | %.2f |" %
                                 (name, precision, rows[-1]["layout"], base["eager"], base["jit"],
                                  copied, threads, ours["images_per_s"],
                                  ours["images_per_s"] / best, 100 * ours["device_busy"],
                                  ours["cpu_cores"]))
                    print(lines[-1], flush=True)
    report = "# Networks: Pixloom's libtorch backend against bare PyTorch\n\n"
    report += "".join("- %s\n" % line for line in head + [rows[0]["pixloom"]["runtime"]])
    report += "\nPictures a second. Bare: tensors already on the device. Bare + copy: copied from "
    report += "and to pinned memory in turn.\nPixloom: from u8 in host memory to u8 in host memory."
    report += " Of bare: against the better of eager and jit.\n\n"
    report += "| network | precision | layout | bare eager | bare jit | bare + copy | threads | "
    report += "pixloom | of bare | device busy | cores |\n"
    report += "|---|---|---|---|---|---|---|---|---|---|---|\n" + "\n".join(lines) + "\n\n"
    report += "Largest difference from float32 on the processor: " + ", ".join(
        "%s %s %.1e" % (c["network"], c["precision"], c["largest difference"])
        for c in checks) + "\n\nTimeline from the middle of a run: P pack, > copy in, # work, "
    report += "< copy out, . wake up, U unpack\n```" + drawn + "```\n"
    (out / "report.md").write_text(report)
    (out / "report.json").write_text(json.dumps({"head": head, "checks": checks, "rows": rows}))
    print("wrote", out / "report.md")


if __name__ == "__main__":
    main()
