#!/usr/bin/env bash
# Windows under disturbed threads; overhead and speed-up of the executor.
set -euo pipefail
cd "$(dirname "$0")/../.."
./dev build ci >/dev/null
PIXLOOM_PROVE=1 build/ci/tests/executor_test
build/ci/bench/bench_executor 21
