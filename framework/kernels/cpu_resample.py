"""Resampling on a CPU: along each dimension in one pass over the output, from only the taps that weigh something."""

import math

import numpy as np

from ..ops import resample as ops
from .cpu import compiled, kernel, one_pass_pays, run


@compiled()
def _rows(input, outputs, places, weights, out, share, first, last):
    """out (A, m, B): to row outputs[t] belongs weights[t] times row places[t] of input (A, n, B)."""
    for a in range(first, last):
        out[a] = 0
        for t in range(outputs.size):
            row, seen, weight = out[a, outputs[t]], input[a, places[t]], weights[t]
            for x in range(row.size):
                row[x] += weight * seen[x]


@compiled()
def _elements(input, outputs, places, weights, out, share, first, last):
    """The same for B = 1: input (A, n), out (A, m)."""
    for a in range(first, last):
        line, seen = out[a], input[a]
        line[:] = 0
        for t in range(outputs.size):
            line[outputs[t]] += weights[t] * seen[places[t]]


@compiled()
def _copies(input, places, out, share, first, last):
    """out (A, m, B): row t is row places[t] of input (A, n, B)."""
    for a in range(first, last):
        for t in range(places.size):
            row, seen = out[a, t], input[a, places[t]]
            for x in range(row.size):
                row[x] = seen[x]


@compiled()
def _picks(input, places, out, share, first, last):
    """The same for B = 1: input (A, n), out (A, m)."""
    for a in range(first, last):
        line, seen = out[a], input[a]
        for t in range(places.size):
            line[t] = seen[places[t]]


@kernel(ops.resample)
def sparse_resample(input, dim, taps):
    if not one_pass_pays(input):
        return NotImplemented
    for along, each in enumerate(taps, start=dim):
        input = _resampled(input, along, each)
    return input


def _resampled(input, dim, taps):
    before, after = input.shape[:dim], input.shape[dim + 1 :]
    out = np.empty((*before, len(taps.places), *after), input.dtype)
    fold = [math.prod(before), -1, *([math.prod(after)] if math.prod(after) != 1 else [])]
    if taps.weights is None and taps.places.shape[1] == 1:  # copies of one input each
        places = np.ascontiguousarray(taps.places[:, 0], np.uintp)  # unsigned: never counted from the end
        run(_picks if len(fold) == 2 else _copies, fold[0], input.reshape(fold), places, out.reshape(fold))
        return out
    weights = np.ones(taps.places.shape) if taps.weights is None else taps.weights
    outputs, k = np.nonzero(weights)
    order = np.argsort(k, kind="stable")  # the first tap of every output, then the second ones: neighbours in time are not neighbours
    outputs, k = outputs[order], k[order]
    places, weights = taps.places[outputs, k], weights[outputs, k].astype(input.dtype)
    indices = outputs.astype(np.uintp), places.astype(np.uintp)
    run(_elements if len(fold) == 2 else _rows, fold[0], input.reshape(fold), *indices, weights, out.reshape(fold))
    return out
