"""Compiled code on disk: it is that of the sources and of the types it is looked up for."""

import os
import subprocess
import sys

import numpy as np
from numba.core.caching import IndexDataCacheFile

from framework.kernels.cpu import compiled


def test_compiled_code_of_other_sources_is_not_used(tmp_path):
    """Of whatever kernel they are: Numba itself looks at a function's own file alone."""

    def compiles() -> bool:
        code = "from framework.kernels.cpu import band; print(band(3, 2, 10))"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
        )
        assert done.stdout == "(1, 1, 5, 10)\n"
        return "compiling" in done.stderr

    assert compiles() and not compiles()
    (stamp,) = tmp_path.rglob("cpu.sha256")
    stamp.write_text("what the sources were before")
    assert compiles() and not compiles()


def weighted(array):
    total = 0.0
    for i in range(array.size):
        total += i * array[i]
    return total


def test_two_processes_compile_a_function_for_different_types(tmp_path, monkeypatch):
    """Both have looked at what is there before either has written; one writes last which code there is, and the other the code."""
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    rows = np.arange(6.0).reshape(3, 2)
    whole, strided = rows[:, 0].copy(), rows[:, 1]
    save = IndexDataCacheFile._save_data

    def save_late(files, name, code):
        monkeypatch.setattr(IndexDataCacheFile, "_save_data", save)
        with monkeypatch.context() as other:
            other.setattr(IndexDataCacheFile, "_load_index", lambda files: {})
            compiled()(weighted)(strided)
        save(files, name, code)

    monkeypatch.setattr(IndexDataCacheFile, "_save_data", save_late)
    compiled()(weighted)(whole)
    found = compiled()(weighted)
    assert found(strided) == weighted(strided) and found(whole) == weighted(whole)
    assert sum(found.stats.cache_hits.values()) == 1  # the other one is compiled again


def test_another_process_compiles_code_that_calls_a_product(tmp_path):
    """While this one, which has looked for code when there was none, has made no product yet: it reads what the other has written."""
    code = (
        "import numpy as np; from framework.kernels.cpu_matmul import sum_of_rows, product; sum_of_rows(np.ones((2, 3)));"
        "print(flush=True); input(); print(product(np.ones((2, 3)), np.ones((3, 2)))[0, 0])"
    )
    command, environment = [sys.executable, "-c", code], os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, text=True, env=environment, **pipes) as this:
        assert this.stdout.readline() == "\n"
        subprocess.run(command, input="\n", text=True, check=True, env=environment, capture_output=True)
        out, error = this.communicate("\n")
    assert this.returncode == 0, error
    assert out == "3.0\n"
