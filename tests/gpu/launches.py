"""How many launches a step takes on a GPU, and what the host is asked for, counted on the stand-in: `python -m tests.gpu.launches vae 8`.

A launch costs a GPU some microseconds in a recorded graph, and the host ten or more without one, however little it computes.
"""

import sys
import traceback
from collections import Counter
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np

import framework
from benchmarks.workloads import WORKLOADS, Way
from framework.backends import cudnn
from framework.kernels import cuda_cudnn_rnn
from tests.gpu import stand_in
from tests.gpu.cudnn_rnn_stand_in import Library

SHOWN = 25  # lines


@contextmanager
def counted():
    """The launches in this block, by what is computed and where it is asked for; what makes the host wait begins with "host"."""
    seen, call, needs_the_host = Counter(), stand_in._call, stand_in._needs_the_host

    def note(what) -> None:
        places = [f"{each.filename.split('/framework/')[1]}:{each.lineno}" for each in traceback.extract_stack()
                  if "/framework/" in each.filename and not each.filename.endswith("kernels/cuda.py")]  # fmt: skip
        seen[what, " < ".join(reversed(places[-3:]))] += 1

    def noted_call(function, *args, **keywords):
        out = call(function, *args, **keywords)
        name = getattr(function, "__qualname__", getattr(function, "__name__", ""))
        given, made = stand_in._arrays_in((args, keywords)), stand_in._arrays_in(out)
        views = made and all(any(np.shares_memory(each._host, other._host) for other in given) for each in made)
        writes = name.split(".")[-1].startswith(("__i", "__set")) or "<lambda>" in name or "launch" in name or "out" in keywords
        if not name.startswith("_poisoned") and (writes or not views):  # neither new memory nor a view
            note("kernel" if "launch" in name else "library" if "<lambda>" in name else name.split(".")[-1])
        return out

    def noted_question(what) -> None:
        note(f"host: {what}")
        needs_the_host(what)

    with patch.object(stand_in, "_call", noted_call), patch.object(stand_in, "_needs_the_host", noted_question):
        yield seen


def launches(seen: Counter) -> int:
    """How many of what was counted are launches."""
    return sum(times for (what, _), times in seen.items() if not what.startswith("host"))


def main(name: str, batch: int) -> None:
    """A step of one of benchmarks/workloads.py, as it is and while it is recorded."""
    with stand_in.installed(), patch.object(cuda_cudnn_rnn, "_load", Library), patch.object(cudnn, "allow_tf32", False):
        framework.manual_seed(0)
        for kind, record, before in (("as it is", lambda step: step, 1), ("recorded", framework.compile, 2)):
            step, _ = WORKLOADS[name].make(Way("cuda", record=record), batch)
            for _ in range(before):  # it makes states and chooses ways; the third one is recorded
                step()
            with counted() as seen:
                step()
            print(f"{name}, batch {batch}, {kind}: {launches(seen)} launches, {sum(seen.values()) - launches(seen)} times the host")
    for (what, where), times in seen.most_common(SHOWN):
        print(f"{times:6} {what:20} {where}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
