#!/usr/bin/env bash
# Hostile configurations are refused within 1 s and 100 MB; ten mistakes are reported in one go.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [[ -z ${PIXLOOM_CLI:-} ]]; then
  ./dev build release >/dev/null
  PIXLOOM_CLI=build/release/cli/pixloom
fi
python3 - "$PIXLOOM_CLI" <<'PY'
import os, pathlib, subprocess, sys, tempfile, time
cli, failed = sys.argv[1], 0
laughs = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))
cases = {
    "alias bomb": "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + laughs,
    "600 levels, flow": "a: " + "[" * 600 + "]" * 600 + "\n",
    "600 levels, block": "".join(" " * i + "a:\n" for i in range(600)),
    "cyclic alias": "a: &x [*x]\n",
    "duplicate key": "version: 1\nseed: 1\nseed: 2\nnodes: {}\n",
    "10 MB file": "version: 1\n" + "# padding\n" * 1_000_000,
}
with tempfile.TemporaryDirectory() as work:
    for name, text in cases.items():
        path = pathlib.Path(work, "config.yaml")
        path.write_text(text)
        start = time.monotonic()
        child = subprocess.Popen([cli, "validate", str(path)], stderr=subprocess.PIPE, text=True)
        message = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - start
        code = os.waitstatus_to_exitcode(status)
        good = code == 2 and seconds < 1 and usage.ru_maxrss < 100_000
        failed += not good
        first = message.splitlines()[0].replace(str(path), "FILE") if message else ""
        print(f"{name:<18} exit {code}  {seconds * 1000:6.1f} ms  {usage.ru_maxrss / 1024:5.1f} MB"
              f"  {first[:90]}")
done = subprocess.run([cli, "validate", "tests/errors/ten_mistakes.yaml"], capture_output=True,
                      text=True)
print("\nten mistakes:\n" + done.stderr)
errors = done.stderr.count("error[")
failed += errors != 10
print(f"{7 - failed} passed, {failed} failed")
sys.exit(failed > 0)
PY
