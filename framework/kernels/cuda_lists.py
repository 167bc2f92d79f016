"""Many arrays in one launch, such as a model's parameters, their gradients and states: a table of where they lie is a kernel's argument."""

import numpy as np

from .cuda import Source

ROWS, ARRAYS = 40, 6  # of a table: what a kernel's arguments have room for, 4 KiB
PART = 2048  # elements to a block of threads
_TABLE = np.dtype([("arrays", np.uintp, (ARRAYS, ROWS)), ("numbers_there", np.uintp, ROWS), ("numbers_here", np.uint64, ROWS),
                   ("sizes", np.int64, ROWS), ("ends", np.int32, ROWS)])  # fmt: skip

TABLE = f"""
struct Part {{  // of one row's arrays, what belongs to a block of threads: elements [first, last)
    T* arrays[{ARRAYS}];
    Index first, last, size;  // and how many elements the row's arrays have
    unsigned long long number;  // the row's
    __device__ T* operator[](int array) const {{ return arrays[array]; }}
}};

struct Table {{
    T* arrays[{ARRAYS}][{ROWS}];
    const unsigned long long* numbers_there[{ROWS}];  // a number of each row, as VALUE takes it
    unsigned long long numbers_here[{ROWS}];
    Index sizes[{ROWS}];
    int ends[{ROWS}];  // how many blocks there are for this row and those before it
    __device__ Part part() const {{
        int row = 0;
        while (blockIdx.x >= ends[row]) row++;
        Part part;
        for (int i = 0; i < {ARRAYS}; i++) part.arrays[i] = arrays[i][row];
        part.first = (Index)(blockIdx.x - (row ? ends[row - 1] : 0)) * {PART};
        part.last = min(part.first + {PART}, sizes[row]);
        part.size = sizes[row];
        part.number = numbers_there[row] ? *numbers_there[row] : numbers_here[row];
        return part;
    }}
}};

#define EACH_OF(part) for (Index i = part.first + threadIdx.x; i < part.last; i += blockDim.x)
"""


def launch_each(source: Source, name: str, rows: list, *args, numbers=None) -> None:
    """Launch `name(table, *args)`, whose blocks take the table's parts; a row's arrays are as large as its first, and of one type.

    `numbers` are ints, one a row, of the host or 0-d arrays of the GPU.
    """
    for start in range(0, len(rows), ROWS):
        some, table = rows[start : start + ROWS], np.zeros(1, _TABLE)
        for i, row in enumerate(some):
            table["arrays"][0, : len(row), i] = [each.data.ptr for each in row]
            number = 0 if numbers is None else numbers[start + i]
            here = isinstance(number, int)
            table["numbers_here" if here else "numbers_there"][0, i] = number if here else number.data.ptr
        table["sizes"][0, : len(some)] = sizes = np.array([row[0].size for row in some])
        table["ends"][0, : len(some)] = ends = np.cumsum(-(-sizes // PART))
        source.rows(name, int(ends[-1]), table, *args, dtype=some[0][0].dtype)
