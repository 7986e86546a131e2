#!/usr/bin/env bash
# Thousands of samples of 1 MB pass a budget of 256 MiB with bounded resident memory.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [[ -z ${PIXLOOM_CLI:-} ]]; then
  ./dev build release >/dev/null
  PIXLOOM_CLI=build/release/cli/pixloom
fi
count=${1:-10000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/pipeline.yaml" <<YAML
version: 1
seed: 3
memory: 256MiB
nodes:
  scenes:
    shapes: {count: $count, size: [592, 592], objects: [1, 3], masks: false, keypoints: false}
  look:
    - hflip: {p: 0.5}
    - rotate: {angle: [-20, 20], p: 0.5}
    - brightness_contrast
  out: {discard: {}}
YAML
python3 - "$PIXLOOM_CLI" "$work/pipeline.yaml" "$count" <<'PY'
import json, resource, subprocess, sys
cli, config, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
report = json.loads(subprocess.run([cli, "run", config, "--json", "-q", "--threads", "2"],
                                   check=True, capture_output=True, text=True).stdout)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{report['written']} samples of {592 * 592 * 3 / 1e6:.2f} MB in {report['seconds']:.0f} s, "
      f"budget {report['memory'] >> 20} MiB, tokens granted at most "
      f"{report['peak_tokens'] >> 20} MiB, peak resident {peak:.0f} MiB (limit 400)")
ok = report["written"] == count and peak < 400
print("1 passed, 0 failed" if ok else "0 passed, 1 failed")
sys.exit(not ok)
PY
