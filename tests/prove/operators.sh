#!/usr/bin/env bash
# Every operator and every window alone, on uint8, uint16 and float32 pictures: same bytes for any number of threads
# and with vector instructions masked off. The list comes from `pixloom ops`.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [[ -z ${PIXLOOM_CLI:-} ]]; then
  ./dev build release >/dev/null
  PIXLOOM_CLI=build/release/cli/pixloom
fi
count=${1:-12}
python=python3
[[ -x /usr/bin/python3 ]] && python=/usr/bin/python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$PIXLOOM_CLI" ops --json | "$python" -c '
import json, re, sys
count = sys.argv[1]
print(f"""version: 1
seed: 5
nodes:
  scenes: {{shapes: {{count: {count}, size: [90, 122], overlap: true}}}}""")
# The arguments the contract tests give.
table = open("tests/ops/contract_checks.cc").read()
table = table.split("ArgumentTable()")[1].split("return table")[0]
arguments = {"layout": "hwc"}
arguments |= {name: "{" + "".join(re.findall(r"\"([^\"]*)\"", text)) + "}"
             for name, text in re.findall(r"\{\"(\w+)\",\s*((?:\"[^\"]*\"\s*)+)\}", table)}
skipped = []
verbs = json.load(sys.stdin)
casts = (("", "uint8"), ("cast: uint16", "uint16"), ("cast: float32", "float32"))
for name in [verb["name"] for verb in verbs if verb["kind"] == "window"]:
    for _, kind in casts:
        end = "uint8" if kind == "uint8" else "uint16"
        print(f"  {name}_{kind}_in: {{chain: [cast: {kind}], from: scenes}}")
        print(f"  {name}_{kind}_mix: {{{name}: {{}}}}")
        print(f"  {name}_{kind}: {{chain: [cast: {end}]}}")
        print(f"  to_{name}_{kind}: {{image_folder: {{path: $(OUT)/{name}_{kind}}}}}")
for verb in verbs:
    if verb["kind"] != "operator":
        continue
    name = verb["name"]
    args = arguments.get(name)
    if args is None and any(p.get("required") for p in verb["params"]):
        skipped.append(name)
        continue
    step = f"{name}: {args}" if args else name
    for cast, kind in casts:
        if kind not in verb["works_on"]:
            continue
        steps = ", ".join(s for s in (cast, step, "cast: uint16" if kind != "uint8" else
                                      "cast: uint8") if s)
        print(f"  {name}_{kind}: {{chain: [{steps}], from: scenes}}")
        print(f"  to_{name}_{kind}: {{image_folder: {{path: $(OUT)/{name}_{kind}}}}}")
print("operators left out:", " ".join(skipped) or "none", file=sys.stderr)
' "$count" >"$work/pipeline.yaml"

sums_of() {  # LABEL [ENV=VALUE...] -- [ARGS...]
  local label=$1 env=()
  shift
  while [[ $1 != -- ]]; do env+=("$1"); shift; done
  shift
  rm -rf "$work/out"
  env "${env[@]}" "$PIXLOOM_CLI" run "$work/pipeline.yaml" --set "OUT=$work/out" -q "$@"
  (cd "$work/out" && find . -type f ! -name .lock -print0 | sort -z | xargs -0 sha256sum) \
    >"$work/sums"
  if [[ ! -f $work/expected ]]; then
    cp "$work/sums" "$work/expected"
  elif ! cmp -s "$work/sums" "$work/expected"; then
    failed=1
    echo "$label: other bytes from"
    diff "$work/sums" "$work/expected" | sed -n 's|^[<>].*\./\([^/]*\)/.*|  \1|p' | sort -u
  fi
  printf '%-44s %6d files  %s\n' "$label" "$(wc -l <"$work/sums")" \
    "$(sha256sum "$work/sums" | cut -c 1-16)"
}

failed=0
sums_of "1 thread" -- --threads 1
sums_of "3 threads" -- --threads 3
avx512=AVX512F,AVX512-COMMON,AVX512-SKX,AVX512-CNL,AVX512-CLX,AVX512-ICL
sums_of "AVX-512 masked off (OpenCV, Highway)" \
  OPENCV_CPU_DISABLE=$avx512 PIXLOOM_CPU_DISABLE=AVX3 -- --threads 2
sums_of "AVX2 masked off too" \
  OPENCV_CPU_DISABLE=$avx512,AVX2,FMA3,AVX PIXLOOM_CPU_DISABLE=AVX3,AVX2 -- --threads 2
if [[ $failed == 0 ]]; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; exit 1; fi
