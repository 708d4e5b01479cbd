"""Vectors of float64 inside numba: what the sweep's inner loops are written in.

LLVM's loop vectoriser gives up on the sweep, whose bus and parent records it cannot tell apart.
So the lanes of a block are one LLVM vector each, which becomes as many registers as the machine
needs (AVX-512, AVX2, NEON) and plain scalars for one lane. The number of lanes is a type: that of
the tuple `like`, so that one function compiles for each width.

All operations are IEEE 754 per lane and `fma` is fused by definition: results do not depend on
the width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

SCALAR = (0.0,)
WIDE = (0.0,) * 16
HALF = (0.0,) * 8


class Lanes(types.Type):
    """The numba type of a vector of `count` float64 lanes."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(name=f"Lanes({count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Lanes) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(ir.DoubleType(), fe_type.count))


def _address(context: Any, builder: Any, signature: Any, args: Any, which: int) -> Any:
    """Pointer to the vector at ``array[index]``, unaligned."""
    array_type = signature.args[which]
    array = context.make_array(array_type)(context, builder, args[which])
    address = builder.gep(array.data, [args[which + 1]])
    return address


def _load(typingctx: Any, like: Any, array: Any, index: Any) -> Any:
    """Load ``array[index : index + len(like)]`` of a contiguous float64 array."""
    vector = Lanes(len(like))

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.get_value_type(signature.return_type)
        address = _address(context, builder, signature, args, 1)
        value = builder.load(builder.bitcast(address, kind.as_pointer()))
        value.align = 8
        return value

    return vector(like, array, types.intp), codegen


def _store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Store a vector to ``array[index : ...]`` of a contiguous float64 array."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.get_value_type(signature.args[2])
        address = _address(context, builder, signature, args, 0)
        written = builder.store(args[2], builder.bitcast(address, kind.as_pointer()))
        written.align = 8
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


def _splat(typingctx: Any, like: Any, value: Any) -> Any:
    """Put one number into every lane."""
    vector = Lanes(len(like))

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.get_value_type(signature.return_type)
        one = builder.insert_element(
            ir.Constant(kind, ir.Undefined), args[1], ir.Constant(ir.IntType(32), 0)
        )
        mask = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
        return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), mask)

    return vector(like, types.float64), codegen


def _binary(operation: Callable[[Any, Any, Any], Any]) -> Any:
    def apply(typingctx: Any, a: Any, b: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return operation(builder, *args)

        return a(a, b), codegen

    return intrinsic(apply)


add: Any = _binary(lambda builder, a, b: builder.fadd(a, b))
sub: Any = _binary(lambda builder, a, b: builder.fsub(a, b))
mul: Any = _binary(lambda builder, a, b: builder.fmul(a, b))
div: Any = _binary(lambda builder, a, b: builder.fdiv(a, b))
larger: Any = _binary(lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b))
smaller: Any = _binary(lambda builder, a, b: builder.select(builder.fcmp_ordered("<", a, b), a, b))


def _fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c`` in every lane, rounded once."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        name = f"llvm.fma.v{kind.count}f64"
        fused = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind] * 3), name
        )
        return builder.call(fused, args)

    return a(a, b, c), codegen


def _root(typingctx: Any, a: Any) -> Any:
    """Square root of every lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        name = f"llvm.sqrt.v{kind.count}f64"
        square_root = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind]), name
        )
        return builder.call(square_root, args)

    return a(a), codegen


def _prefetch(typingctx: Any, array: Any, index: Any, write: Any) -> Any:
    """Ask for the cache line of ``array.flat[index]`` (contiguous), to read or to write it."""
    if not isinstance(write, types.IntegerLiteral):
        return None

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = ir.IntType(32)
        byte = ir.IntType(8).as_pointer()
        hint = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [byte, number, number, number]),
            "llvm.prefetch.p0i8",
        )
        address = builder.bitcast(_address(context, builder, signature, args, 0), byte)
        # Locality 2: the second-level cache; the last argument says data, not instructions.
        where = [ir.Constant(number, value) for value in (write.literal_value, 2, 1)]
        builder.call(hint, [address, *where])
        return context.get_dummy_value()

    return types.void(array, index, write), codegen


# `Any`, because numba calls these without the typing context that their functions take.
load: Any = intrinsic(_load)
store: Any = intrinsic(_store)
splat: Any = intrinsic(_splat)
fma: Any = intrinsic(_fma)
root: Any = intrinsic(_root)
prefetch: Any = intrinsic(_prefetch)
