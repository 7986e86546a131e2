#!/usr/bin/env bash
# HDF5 sets survive kills, failing and full disks and power loss, and are the same bytes every day.
set -euo pipefail
cd "$(dirname "$0")/../.."
preset=${PRESET:-ci}
if [[ -z ${PIXLOOM_CLI:-} ]]; then
  ./dev build "$preset" >/dev/null
  PIXLOOM_CLI=$PWD/build/$preset/cli/pixloom
fi
export PIXLOOM_CLI
export PIXLOOM_FAULT_SHIM=${PIXLOOM_FAULT_SHIM:-$PWD/build/$preset/tests/libpixloom_fault_shim.so}
# How many kills, stops and faults (or "all": every call of every run); ./dev test tries fewer.
export HDF5_KILLS=${1:-400} HDF5_STOPS=${2:-40} HDF5_FAULTS=${3:-1000}
python=python3
[[ -x /usr/bin/python3 ]] && python=/usr/bin/python3

failed=0
for name in days kill resume faults disk_full; do
  printf '== hdf5_%s_test\n' "$name"
  status=0
  "$python" "tests/cli/hdf5_${name}_test.py" || status=$?
  [[ $status == 0 || $status == 77 ]] || failed=$((failed + 1))
done
printf '%s failed\n' "$failed"
exit $((failed > 0))
