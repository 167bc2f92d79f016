"""Time the suite here and in PyTorch where it is installed, in alternating processes; the zoo's report makes a page of the files.

python -m benchmarks.suite [-k WORDS] [--rounds 2] [--threads N] [--out runs/suite]
python -m zoo report runs/suite/*.json --out report
"""

import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

import framework

LIBRARIES = ["framework", "torch"] if importlib.util.find_spec("torch") else ["framework"]
TIMING = {"warmup": "on", "max-time": 0.25, "min-rounds": 5}  # of pytest-benchmark: --benchmark-warmup, …


@dataclass
class Flags:
    """What to time."""

    only: Annotated[str, tyro.conf.arg(aliases=["-k"])] = ""
    """Those with these words in their names, as pytest's -k."""
    rounds: int = 2
    """Processes of each library, in turn."""
    threads: int = framework.get_num_threads()
    """Threads of each."""
    out: Path = Path("runs/suite")
    """Where the files are written: <library>-<round>.json."""


def main(flags: Flags) -> int:
    flags.out.mkdir(parents=True, exist_ok=True)
    timing = [f"--benchmark-{name}={value}" for name, value in TIMING.items()]
    for round in range(flags.rounds):
        for library in LIBRARIES:
            which = ["--library", library, "--threads", str(flags.threads), f"--benchmark-json={flags.out / f'{library}-{round}.json'}"]
            command = [sys.executable, "-m", "pytest", str(Path(__file__).parent), "-k", flags.only, "--benchmark-quiet", *timing, *which]
            code = subprocess.run(command).returncode
            if code:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Flags, description=__doc__)))
