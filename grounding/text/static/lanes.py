"""Eight float32 numbers at once inside numba kernels, for loops that the compiler would not vectorise by itself.

A compiler turns a plain loop over two rows of one matrix into vector instructions only if it can show that the rows do
not overlap, and it knows no way to ask for a row ahead of its use. Kernels that live by both write:

    for d in range(0, matrix.shape[1], LANES):
        store(matrix, row, d, multiply_add(factor, load(matrix, other, d), load(matrix, row, d)))

Matrices are float32, C-contiguous, and their width is a multiple of `LANES` (see :func:`padded`). Loads and stores are
not checked against the bounds, and happen in the order in which they are written.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from grounding.text.static.compilation import INNER

LANES = 8

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_I32, _I64 = ir.IntType(32), ir.IntType(64)


class _LanesType(types.Type):
    def __init__(self) -> None:
        super().__init__(name="lanes")


_lanes = _LanesType()


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind) -> None:
        super().__init__(manager, kind, _VECTOR)


def padded(width: int) -> int:
    """The width rounded up to a multiple of `LANES`, which is how wide matrices for kernels are made."""
    return -(-width // LANES) * LANES


@intrinsic
def load(_typing, matrix, row, column):
    """Eight numbers of a row, from `column` on."""

    def generate(context, builder, signature, arguments):
        return builder.load(_address(context, builder, signature, arguments, _VECTOR), align=4)

    return _lanes(matrix, types.intp, types.intp), generate


@intrinsic
def store(_typing, matrix, row, column, value):
    """Write eight numbers into a row, from `column` on."""

    def generate(context, builder, signature, arguments):
        builder.store(arguments[3], _address(context, builder, signature, arguments, _VECTOR), align=4)

    return types.void(matrix, types.intp, types.intp, _lanes), generate


@intrinsic
def _prefetch(_typing, matrix, row, column):
    def generate(context, builder, signature, arguments):
        address = _address(context, builder, signature, arguments, ir.IntType(8))
        kind = ir.FunctionType(ir.VoidType(), [address.type, _I32, _I32, _I32])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # For writing, into the nearest cache, as data.
        builder.call(fetch, [address, _I32(1), _I32(3), _I32(1)])

    return types.void(matrix, types.intp, types.intp), generate


@intrinsic
def multiply_add(_typing, a, b, c):
    """a·b + c, for each of the eight."""

    def generate(context, builder, signature, arguments):
        product = builder.fmul(arguments[0], arguments[1], flags=("contract",))
        return builder.fadd(product, arguments[2], flags=("contract",))

    return _lanes(_lanes, _lanes, _lanes), generate


@intrinsic
def spread(_typing, number):
    """A float32 eight times."""

    def generate(context, builder, signature, arguments):
        empty = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(empty, arguments[0], _I32(0))
        return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES))

    return _lanes(types.float32), generate


@intrinsic
def total(_typing, value):
    """The sum of the eight, a float32."""

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.FloatType(), [ir.FloatType(), _VECTOR])
        reduce = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{LANES}f32")
        return builder.call(reduce, [ir.FloatType()(0.0), arguments[0]], fastmath=("reassoc",))

    return types.float32(_lanes), generate


def _address(context, builder, signature, arguments, kind):
    """A pointer to the number at a row and column of the first argument."""
    made = context.make_array(signature.args[0])(context, builder, arguments[0])
    row = builder.mul(arguments[1], cgutils.unpack_tuple(builder, made.strides)[0])
    column = builder.mul(arguments[2], _I64(np.dtype(np.float32).itemsize))
    start = builder.ptrtoint(made.data, _I64)
    return builder.inttoptr(builder.add(start, builder.add(row, column)), kind.as_pointer())


@njit(**INNER)
def fetch_row(matrix, row):
    """Ask for a row of a matrix that will soon be used: waiting for memory is most of what random rows cost."""
    for d in range(0, matrix.shape[1], 16):
        _prefetch(matrix, row, d)
