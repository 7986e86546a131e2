#!/usr/bin/env bash
# A graph of everything: same bytes for 1 to 8 threads, every sample accounted for at every node.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [[ -z ${PIXLOOM_CLI:-} ]]; then
  ./dev build release >/dev/null
  PIXLOOM_CLI=build/release/cli/pixloom
fi
count=${1:-400}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIXLOOM_CACHE=$work/surveys

# Photographs by class, some of them twice, so that there is something to choose from.
cat >"$work/make.yaml" <<YAML
version: 1
seed: 3
nodes:
  scenes: {shapes: {count: $count, size: [120, 160], encode: jpeg, min_object: 24}}
  parts:  {split: {cat: 0.6, dog: 0.3, owl: 0.1}}
  cat:    {image_folder: {path: \$(OUT)/cat, format: jpg}, from: parts.cat}
  dog:    {image_folder: {path: \$(OUT)/dog, format: jpg}, from: parts.dog}
  owl:    {image_folder: {path: \$(OUT)/owl, format: jpg}, from: parts.owl}
YAML
"$PIXLOOM_CLI" run "$work/make.yaml" --set "OUT=$work/photos" -q
find "$work/photos" -type f ! -name '*.jpg' -delete
first=$(find "$work/photos/cat" -name '*.jpg' | sort | head -1)
cp "$first" "$work/photos/cat/again.jpg"

cat >"$work/pipeline.yaml" <<YAML
version: 1
seed: 11
nodes:
  photos:   {image_folder: {path: \$(PHOTOS)}}
  unique:   {dedupe: {}}
  even:     {balance: {}}
  mingled:  {shuffle: {}}
  small:    {cache: {steps: [{resize: [96, 96]}], path: \$(CACHE)}}
  enhanced:
    - switch:
        - {when: contrast < 0.15, then: [auto_contrast]}
        - {when: noise > 0.02, then: [{gaussian_blur: {sigma: 1}}]}
        - {else: [{with_color_space: {space: lab, steps: [{gamma: [0.8, 1.2]}]}}]}
    - one_of: [rand_augment, trivial_augment_wide, {auto_augment: {policy: imagenet}}, aug_mix]
  cut:      {cutmix: {}, p: 0.5}
  mixed:    {mixup: {}, p: 0.5}
  scenes:   {shapes: {count: $count, size: [100, 130], overlap: true}}
  bright:   {filter: brightness > 0.3 and objects > 0}
  views:    {copies: 2}
  shape:
    - random_resized_crop: {size: [80, 80], scale: [0.3, 1.0]}
    - in_region: {invert: true, feather: 3, steps: [{gaussian_blur: {sigma: 2}}]}
    - rand_augment
    - sanitize: {min_visibility: 0.1}
  mosaic:   {mosaic: {size: [80, 80], block: 6}, p: 0.5}
  pasted:   {copy_paste: {block: 4}, p: 0.5}
  worse:    [{gaussian_noise: {std: 0.1}}, {jpeg: {quality: [20, 60]}}]
  pairs:    {join: {image: worse, target: pasted}}
  all:      {merge: {}, from: [mixed, pasted]}
  parts:    {split: {train: 0.8, val: 0.2}}
  train:    {image_folder: {path: \$(OUT)/train}, from: parts.train}
  val:      {image_folder: {path: \$(OUT)/val}, from: parts.val}
  restore:  {image_folder: {path: \$(OUT)/pairs}, from: pairs}
YAML

sum_of() {  # LABEL CACHE [ENV=VALUE...] -- [ARGS...]
  local label=$1 cache=$2 env=()
  shift 2
  while [[ $1 != -- ]]; do env+=("$1"); shift; done
  shift
  rm -rf "$work/out"
  env "${env[@]}" "$PIXLOOM_CLI" run "$work/pipeline.yaml" -q --set "OUT=$work/out" \
    --set "PHOTOS=$work/photos" --set "CACHE=$cache" --json "$@" >"$work/report.json"
  local sum files
  sum=$(cd "$work/out" && find . -type f ! -name .lock ! -name pipeline.yaml -print0 | sort -z |
    xargs -0 sha256sum | sha256sum | cut -c 1-16)
  files=$(find "$work/out" -type f ! -name .lock | wc -l)
  printf '%-44s %6d files  %s\n' "$label" "$files" "$sum"
  [[ -z ${expected:-} ]] && expected=$sum
  [[ $sum == "$expected" ]] || failed=1
}

expected='' failed=0
for threads in 1 2 3 4 5 6 7 8; do
  sum_of "$threads threads, cold cache" "$work/cache$threads" -- --threads "$threads"
done
sum_of "2 threads, warm cache" "$work/cache1" -- --threads 2
avx512=AVX512F,AVX512-COMMON,AVX512-SKX,AVX512-CNL,AVX512-CLX,AVX512-ICL
sum_of "AVX-512 masked off (OpenCV, Highway)" "$work/cache9" \
  OPENCV_CPU_DISABLE=$avx512 PIXLOOM_CPU_DISABLE=AVX3 -- --threads 2
sum_of "AVX2 masked off too" "$work/cache10" \
  OPENCV_CPU_DISABLE=$avx512,AVX2,FMA3,AVX PIXLOOM_CPU_DISABLE=AVX3,AVX2 -- --threads 2

# in + generated = out + filtered + failed, at every node.
python3 - "$work/report.json" <<'PY' || failed=1
import json, sys
report = json.load(open(sys.argv[1]))
wrong = 0
print(f"{'node':<10}{'verb':<14}{'in':>8}{'generated':>10}{'out':>8}{'filtered':>9}{'failed':>8}")
for n in report["nodes"]:
    same = n["in"] + n["generated"] == n["out"] + n["filtered"] + n["failed"]
    wrong += not same
    print(f"{n['name']:<10}{n['verb']:<14}{n['in']:>8}{n['generated']:>10}{n['out']:>8}"
          f"{n['filtered']:>9}{n['failed']:>8}{'' if same else '  lost!'}"
          f"  {', '.join(f'{v} {k}' for k, v in n.get('counts', {}).items())}")
sys.exit(wrong > 0)
PY
if [[ $failed == 0 ]]; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; exit 1; fi
