"""Many arrays in one launch: a model's parameters, their gradients and states, as a table of where they are among the kernel's arguments."""

import numpy as np

from .cuda import Source

ROWS, ARRAYS = 40, 6  # of a table: what a kernel's arguments have room for, 4 KiB
_TABLE = np.dtype([("arrays", np.uintp, (ARRAYS, ROWS)), ("numbers_there", np.uintp, ROWS), ("numbers_here", np.uint64, ROWS),
                   ("sizes", np.int64, ROWS)])  # fmt: skip
_THREADS, _MOST_BLOCKS = 256, 512  # of a block; to a row

TABLE = f"""
struct Table {{
    T* arrays[{ARRAYS}][{ROWS}];
    const unsigned long long* numbers_there[{ROWS}];  // a number of each row, as VALUE takes it
    unsigned long long numbers_here[{ROWS}], sizes[{ROWS}];
    __device__ T* operator[](int array) const {{ return arrays[array][blockIdx.y]; }}
    __device__ Index size() const {{ return sizes[blockIdx.y]; }}
    __device__ unsigned long long number() const {{ return numbers_there[blockIdx.y] ? *numbers_there[blockIdx.y] : numbers_here[blockIdx.y]; }}
}};
"""


def launch_each(source: Source, name: str, rows: list, *args, numbers=None) -> None:
    """Launch `name(table, *args)`, in which blockIdx.y is the row; a row's arrays are as large as its first, and of one type.

    `numbers` are ints, one a row, of the host or 0-d arrays of the GPU.
    """
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        table = np.zeros(1, _TABLE)
        for i, row in enumerate(part):
            table["arrays"][0, : len(row), i] = [each.data.ptr for each in row]
            table["sizes"][0, i] = row[0].size
            number = 0 if numbers is None else numbers[start + i]
            here = isinstance(number, int)
            table["numbers_here" if here else "numbers_there"][0, i] = number if here else number.data.ptr
        blocks = min(_MOST_BLOCKS, -(-max(row[0].size for row in part) // _THREADS))
        if blocks:
            source.grid(name, (blocks, len(part)), table, *args, dtype=part[0][0].dtype)
