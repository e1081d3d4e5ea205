"""Short vectors as values of compiled code: 8 float64 numbers or 16 float32 numbers, added and multiplied at once.

Numba itself leaves it to the optimiser which loops become vectors, and in ours it often guesses wrong. With these the
kernels say so themselves, and there is less to optimise, so they are compiled in a fraction of the time.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

__all__ = ["DOUBLES", "SINGLES", "Pack", "fill", "instruction", "llvm_type", "load", "store"]

DOUBLES: Final = 8
"""Numbers of a float64 vector."""
SINGLES: Final = 16
"""Numbers of a float32 vector."""


def instruction(template: Callable[..., Any]) -> Any:
    """Return Numba's intrinsic of ``template``: called in compiled code, it is replaced by the code that it writes."""
    return intrinsic(template)


class Vector(types.Type):
    """The type of a vector: ``width`` numbers of type ``element``."""

    def __init__(self, element: types.Float, width: int) -> None:
        self.element, self.width = element, width
        super().__init__(name=f"Vector({element}, {width})")


VECTORS: Final = {types.float64: Vector(types.float64, DOUBLES), types.float32: Vector(types.float32, SINGLES)}


def llvm_type(kind: Any) -> ir.Type:
    """Return LLVM's type of a vector or a single number."""
    element = getattr(kind, "element", kind)
    number = ir.FloatType() if element == types.float32 else ir.DoubleType()
    return ir.VectorType(number, kind.width) if isinstance(kind, Vector) else number


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """A vector is one value of LLVM's vector type."""

    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, llvm_type(kind))  # type: ignore[no-untyped-call]


def _flags(kind: Any) -> tuple[str, ...]:
    """float64 is computed operation by operation as written; float32 may join a product and a sum."""
    return ("contract",) if getattr(kind, "element", kind) == types.float32 else ()


def _register(symbol: Callable[..., Any], name: str) -> None:
    class Template(AbstractTemplate):
        """An operation on two vectors of one type gives a third."""

        def generic(self, args: Any, kws: Any) -> Any:  # noqa: ARG002 (Numba's own signature)
            same = len(args) == 2 and isinstance(args[0], Vector) and args[0] == args[1]
            return signature(args[0], *args) if same else None  # type: ignore[no-untyped-call]

    infer_global(symbol)(Template)  # type: ignore[no-untyped-call]

    def lower(_context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, name)(*args, flags=_flags(sig.return_type))

    lower_builtin(symbol, Vector, Vector)(lower)  # type: ignore[no-untyped-call]


for _symbols, _name in (
    ((operator.add, operator.iadd), "fadd"),
    ((operator.sub, operator.isub), "fsub"),
    ((operator.mul, operator.imul), "fmul"),
    ((operator.truediv, operator.itruediv), "fdiv"),
):
    for _symbol in _symbols:
        _register(_symbol, _name)


def _pointer(context: Any, builder: Any, kind: Any, array: Any, place: Any, target: ir.Type) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [place]), target.as_pointer())


@instruction
def load(_typing: Any, array: Any, place: Any) -> Any:  # noqa: ARG001 (the intrinsic's argument)
    """load(array, place): the vector that begins at element ``place`` of a contiguous array, counted flat."""
    kind = VECTORS[array.dtype]

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = builder.load(_pointer(context, builder, sig.args[0], args[0], args[1], llvm_type(kind)))
        value.align = 4
        return value

    return kind(array, types.intp), generate


@instruction
def store(_typing: Any, array: Any, place: Any, vector: Any) -> Any:  # noqa: ARG001
    """store(array, place, vector): put the vector where :func:`load` would find it."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1], llvm_type(vector))
        builder.store(args[2], pointer).align = 4
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), generate


@instruction
def fill(_typing: Any, number: Any) -> Any:
    """fill(number): the vector of which every element is ``number``, a float64 or a float32."""
    kind = VECTORS[number]

    def generate(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        empty = ir.Constant(llvm_type(kind), ir.Undefined)
        first = builder.insert_element(empty, args[0], ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), kind.width), [0] * kind.width)
        return builder.shuffle_vector(first, empty, mask)

    return kind(number), generate


class Pack:
    """A vector (or one number) while the code that computes it is being written: formulas over it emit instructions.

    Args:
        builder: LLVM's, at the place where the instructions go.
        kind: Numba's type.
        value: LLVM's value.
    """

    def __init__(self, builder: Any, kind: Any, value: Any) -> None:
        self.builder, self.kind, self.value = builder, kind, value

    def constant(self, number: float) -> Pack:
        """Return ``number`` in every place."""
        single = getattr(self.kind, "element", self.kind) == types.float32
        exact = float(np.float32(number)) if single else number
        kind = llvm_type(self.kind)
        content = [ir.Constant(kind.element, exact)] * kind.count if isinstance(kind, ir.VectorType) else exact
        return self._new(ir.Constant(kind, content))

    def _new(self, value: Any) -> Pack:
        return Pack(self.builder, self.kind, value)

    def _do(self, name: str, left: Pack | float, right: Pack | float) -> Pack:
        one, other = (side.value if isinstance(side, Pack) else self.constant(side).value for side in (left, right))
        return self._new(getattr(self.builder, name)(one, other, flags=_flags(self.kind)))

    def __add__(self, other: Pack | float) -> Pack:
        return self._do("fadd", self, other)

    def __radd__(self, other: float) -> Pack:
        return self._do("fadd", other, self)

    def __sub__(self, other: Pack | float) -> Pack:
        return self._do("fsub", self, other)

    def __rsub__(self, other: float) -> Pack:
        return self._do("fsub", other, self)

    def __mul__(self, other: Pack | float) -> Pack:
        return self._do("fmul", self, other)

    def __rmul__(self, other: float) -> Pack:
        return self._do("fmul", other, self)

    def __truediv__(self, other: Pack | float) -> Pack:
        return self._do("fdiv", self, other)

    def __rtruediv__(self, other: float) -> Pack:
        return self._do("fdiv", other, self)

    def __neg__(self) -> Pack:
        return self._new(self.builder.fneg(self.value))

    def is_(self, comparison: str, other: Pack | float) -> Any:
        """Return the mask of the places where ``comparison`` ("<", "==", ...) holds; never for NaN, but "!=" does."""
        right = other if isinstance(other, Pack) else self.constant(other)
        compare = self.builder.fcmp_unordered if comparison == "!=" else self.builder.fcmp_ordered
        return compare(comparison, self.value, right.value)

    def choose(self, mask: Any, yes: Pack | float, no: Pack | float) -> Pack:
        """Return ``yes`` where ``mask`` holds, ``no`` elsewhere."""
        one, other = (side.value if isinstance(side, Pack) else self.constant(side).value for side in (yes, no))
        return self._new(self.builder.select(mask, one, other))

    def absolute(self) -> Pack:
        """Return the absolute value."""
        return self._intrinsic("llvm.fabs")

    def truncate(self) -> Pack:
        """Return the whole part."""
        return self._intrinsic("llvm.trunc")

    def _intrinsic(self, name: str) -> Pack:
        kind = llvm_type(self.kind)
        number = kind.element if isinstance(kind, ir.VectorType) else kind
        suffix = f"v{kind.count}{number.intrinsic_name}" if isinstance(kind, ir.VectorType) else number.intrinsic_name
        function = self.builder.module.declare_intrinsic(f"{name}.{suffix}", (), ir.FunctionType(kind, [kind]))
        return self._new(self.builder.call(function, [self.value]))

    def power_of_two(self) -> Pack:
        """Return 2 to these whole exponents of float64, -1022 to 1023, by placing their bits."""
        shifted = (self + (2.0**52 + 1023.0)).value
        kind = llvm_type(self.kind)
        vector = isinstance(kind, ir.VectorType)
        whole = ir.VectorType(ir.IntType(64), kind.count) if vector else ir.IntType(64)
        places = ir.Constant(whole, [52] * kind.count if vector else 52)
        bits = self.builder.shl(self.builder.bitcast(shifted, whole), places)
        return self._new(self.builder.bitcast(bits, kind))
