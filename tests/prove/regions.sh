#!/usr/bin/env bash
# Region decode equals full decode and crop, bit for bit, over millions of regions.
set -euo pipefail
cd "$(dirname "$0")/../.."
./dev build ci >/dev/null
PIXLOOM_PROVE=1 build/ci/tests/jpeg_test
