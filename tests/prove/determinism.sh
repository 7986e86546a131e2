#!/usr/bin/env bash
# Same bytes for 1, 2, 3 and 8 threads and with vector instructions masked off.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [[ -z ${PIXLOOM_CLI:-} ]]; then
  ./dev build release >/dev/null
  PIXLOOM_CLI=build/release/cli/pixloom
fi
count=${1:-200}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/pipeline.yaml" <<YAML
version: 1
seed: 11
nodes:
  scenes: {shapes: {count: $count, size: [300, 400], encode: jpeg, overlap: true}}
  views:  {copies: 2}
  look:
    - random_resized_crop: {size: [160, 192], scale: [0.2, 1.0]}
    - hflip: {p: 0.5}
    - rotate: {angle: [-25, 25], border: reflect101, p: 0.5}
    - affine: {scale: [0.8, 1.2], shear_x: [-8, 8], p: 0.3}
    - brightness_contrast: {center: mean, p: 0.5}
    - gamma
    - color_jitter
    - hue_saturation
    - one_of: [gaussian_blur, gaussian_noise, jpeg, {elastic: {alpha: 30}}]
  out: {image_folder: {path: \$(OUT)/look}}
  moved:
    chain:
      - some_of:
          n: [2, 4]
          steps:
            - transpose
            - rotate90
            - d4
            - rotate: {expand: true, border: reflect, mirror_labels: duplicate}
            - safe_rotate: {interpolation: cubic}
            - shift_scale_rotate: {border: wrap}
            - shear
            - translate
            - perspective: {interpolation: cubic}
            - perspective: {sampler: distortion}
            - elastic: {alpha: 300, sigma: 13, interpolation: cubic}
            - grid_distortion
            - grid_elastic
            - optical_distortion
            - optical_distortion: {model: fisheye}
            - piecewise_affine
            - thin_plate_spline
            - remap: tests/support/maps/swirl.npy
            - water
            - pixel_spread
            - grid_shuffle
            - longest_max_size: {max_size: [150, 350], interpolation: area}
            - random_scale: {scale: [0.3, 1.5], interpolation: lanczos}
            - letter_box: {size: [250, 240], interpolation: antialias}
            - pad_if_needed: {min_height: 310, min_width: 420, position: random, border: reflect101}
            - crop_and_pad
            - random_sized_crop: {size: [200, 220], height: [100, 250], interpolation: nearest}
            - box_safe_random_crop
            - random_iou_crop
            - random_zoom_out
            - crop_non_empty_mask: [120, 140]
            - at_least_one_box_crop: [150, 130]
      - resize: {size: [160, 192], interpolation: antialias_cubic}
      - sanitize: {min_visibility: 0.2}
    from: scenes
  policies:
    chain:
      - rand_augment
      - {trivial_augment_wide: {interpolation: cubic}, resample: each}
      - auto_augment: svhn
      - three_augment: {crop: 224}
      - aug_mix: {geometry: always, alpha: 0.7}
    from: scenes
  to_policies: {image_folder: {path: \$(OUT)/policies}}
  tiles: {tile: [80, 96], from: moved}
  parts: {image_folder: {path: \$(OUT)/parts}}
YAML

sum_of() {  # LABEL [ENV=VALUE...] -- [ARGS...]
  local label=$1 env=()
  shift
  while [[ $1 != -- ]]; do env+=("$1"); shift; done
  shift
  rm -rf "$work/out"
  env "${env[@]}" "$PIXLOOM_CLI" run "$work/pipeline.yaml" --set "OUT=$work/out" -q "$@"
  local sum files
  sum=$(cd "$work/out" && find . -type f ! -name .lock -print0 | sort -z | xargs -0 sha256sum |
    sha256sum | cut -c 1-16)
  files=$(find "$work/out" -type f ! -name .lock | wc -l)
  printf '%-44s %6d files  %s\n' "$label" "$files" "$sum"
  [[ -z ${expected:-} ]] && expected=$sum
  [[ $sum == "$expected" ]] || failed=1
}

expected='' failed=0
sum_of "1 thread" -- --threads 1
for threads in 2 3 8; do sum_of "$threads threads" -- --threads "$threads"; done
sum_of "budget 32MiB" -- --threads 2 --memory 32MiB
avx512=AVX512F,AVX512-COMMON,AVX512-SKX,AVX512-CNL,AVX512-CLX,AVX512-ICL
sum_of "AVX-512 masked off (OpenCV, Highway)" \
  OPENCV_CPU_DISABLE=$avx512 PIXLOOM_CPU_DISABLE=AVX3 -- --threads 2
sum_of "AVX2 masked off too" \
  OPENCV_CPU_DISABLE=$avx512,AVX2,FMA3,AVX PIXLOOM_CPU_DISABLE=AVX3,AVX2 -- --threads 2
sum_of "no SIMD in libjpeg-turbo" JSIMD_FORCENONE=1 -- --threads 2
for pass in infer prune route push_down fuse schedule; do
  sum_of "pass $pass disabled" -- --threads 2 --disable-pass "$pass"
done
if [[ $failed == 0 ]]; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; exit 1; fi
