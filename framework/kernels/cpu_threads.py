"""The CPU's threads: work is cut into shares, and the pool of Numba's parallel loops computes them.

A thread that waits spins for some 0.4 ms, and sleeps then.  Awake it has the next share after 2 microseconds, asleep after 50, and between
two kernels of a training step mostly less than 0.4 ms go by; where another program wants the cores, longer spinning would cost it a time
slice.  Numba's own `prange` would hand out shares as fast, but compiles what is in it several times over, seconds for a long function.
"""

import os
import threading

import numba as nb
from llvmlite import ir
from numba._dispatcher import compute_fingerprint
from numba.core import cgutils, types
from numba.extending import intrinsic

from . import threads
from .cpu_cache import compiled

_pool = threading.Lock()  # it serves one caller at a time
_addresses = {}  # of a compiled function, by the function and the kinds of its arguments
_WORTH_THREADS = 1 << 14  # elements: with fewer, one thread has done before another has begun

_BYTE, _INT = ir.IntType(8).as_pointer(), ir.IntType(64)
_SHARE = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _INT.as_pointer(), _INT.as_pointer(), _BYTE])  # what the pool calls
_POOL = ir.FunctionType(ir.VoidType(), [_BYTE, *_SHARE.args, _INT, _INT, _INT])


def run(function, count: int, *args, shared: bool | None = None) -> None:
    """`run_shares` if that is worth it, else all of it here; unless the caller knows, it is if one of the arrays is large."""
    if any(getattr(each, "size", 0) >= _WORTH_THREADS for each in args) if shared is None else shared:
        run_shares(function, count, *args)
    else:
        function(*args, 0, 0, count)


def run_shares(function, count: int, *args) -> None:
    """`function(*args, share, first, last)` for ranges that cover [0, count), one to each thread that `set_num_threads` allows."""
    shares = threads.get_num_threads()
    if shares == 1:
        function(*args, 0, 0, count)
        return
    plain = tuple([tuple(each) if isinstance(each, tuple) else each for each in args])  # named tuples are passed as any others are
    with _pool:
        if _share_out(_address(function, args, plain), count, shares, plain):
            raise MemoryError(f"{function.__name__} has failed in a thread")


def _address(function, args: tuple, plain: tuple) -> int:
    """Where the code is that Numba compiles from `function` for such arguments; `plain` tells them apart."""
    kinds = function, compute_fingerprint(plain)
    if kinds not in _addresses:
        signature = (*map(nb.typeof, args), types.int64, types.int64, types.int64)
        function.compile(signature)
        code = function.overloads[signature]
        _addresses[kinds] = code.library.get_pointer_to_function(code.fndesc.llvm_func_name)
    return _addresses[kinds]


@intrinsic
def _call_shares(typing, address, count, shares, args):
    """Let the pool call the function at `address` once a share; returns whether one of the calls has failed."""

    def generate(context, builder, signature, values):
        # What all shares read, and write where they fail.
        job = cgutils.alloca_once_value(builder, cgutils.pack_struct(builder, [*values, cgutils.false_bit]))
        failed = len(values)
        # The share as the pool calls it, with its number for the first argument's address: it reads the job, and calls the function.
        share = ir.Function(builder.module, _SHARE, "share_of_" + builder.function.name)
        share.linkage = "internal"
        inside = ir.IRBuilder(share.append_basic_block())
        own = inside.bitcast(share.args[3], job.type)
        address, count, shares, args = (inside.load(cgutils.gep_inbounds(inside, own, 0, each)) for each in range(failed))
        number = inside.ptrtoint(inside.load(share.args[0]), _INT)
        first, last = (inside.sdiv(inside.mul(count, each), shares) for each in (number, inside.add(number, _INT(1))))
        kinds = (*signature.args[3], types.int64, types.int64, types.int64)
        function = inside.inttoptr(address, context.call_conv.get_function_type(types.none, kinds).as_pointer())
        status, _ = context.call_conv.call_function(
            inside, function, types.none, kinds, [*cgutils.unpack_tuple(inside, args), number, first, last]
        )
        with inside.if_then(status.is_error):
            inside.store(cgutils.true_bit, cgutils.gep_inbounds(inside, own, 0, failed))
        inside.ret_void()
        # A loop over as many shares, whose one array begins at address 0 and has elements of one byte.
        pool = cgutils.get_or_insert_function(builder.module, _POOL, "numba_parallel_for")
        array, length, step = (cgutils.alloca_once_value(builder, each) for each in (_INT(0).inttoptr(_BYTE), values[2], _INT(1)))
        builder.call(pool, [builder.bitcast(share, _BYTE), array, length, step, builder.bitcast(job, _BYTE), _INT(0), _INT(1), values[2]])
        return builder.load(cgutils.gep_inbounds(builder, job, 0, failed))

    return types.boolean(address, count, shares, args), generate


@compiled()
def _share_out(address, count, shares, args):
    return _call_shares(address, count, shares, args)


os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
nb.get_num_threads()  # starts the pool: it is now that OpenMP is loaded and reads the variables
