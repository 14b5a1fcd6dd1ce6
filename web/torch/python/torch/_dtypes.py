"""What a tensor's numbers are, and which dtype a mixture of dtypes gives."""

from __future__ import annotations


class dtype:
    """A kind of number: `torch.float32` and the like, of which there is one object each."""

    def __init__(self, name: str, rank: int, itemsize: int, legacy: str, *, computed: bool = True) -> None:
        self.name, self.rank, self.itemsize, self.legacy, self.computed = name, rank, itemsize, legacy, computed
        self.is_floating_point = rank >= 10
        self.is_complex = False
        self.is_signed = name not in ("uint8", "bool")

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


bool_ = dtype("bool", 0, 1, "Bool")
uint8 = dtype("uint8", 1, 1, "Byte")
int8 = dtype("int8", 1, 1, "Char")
int16 = dtype("int16", 2, 2, "Short")
int32 = dtype("int32", 3, 4, "Int")
int64 = dtype("int64", 4, 8, "Long")
float16 = dtype("float16", 10, 2, "Half", computed=False)
bfloat16 = dtype("bfloat16", 10, 2, "BFloat16", computed=False)
float32 = dtype("float32", 11, 4, "Float")
float64 = dtype("float64", 12, 8, "Double")


class finfo:
    """The range and the precision of a dtype with fractions."""

    def __init__(self, type: dtype | None = None) -> None:
        kind = type or default
        if kind not in (float32, float64):
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{kind}'")
        bits, exponent = (23, 127) if kind is float32 else (52, 1023)
        self.dtype, self.bits = kind.name, 8 * kind.itemsize
        self.eps, self.tiny = 2.0**-bits, 2.0 ** (1 - exponent)
        self.smallest_normal = self.tiny
        self.max = (2 - self.eps) * 2.0**exponent
        self.min = -self.max


default: dtype = float32


def set_default(chosen: dtype) -> None:
    """What `torch.zeros` and the like, and Python's floats, are."""
    global default
    default = chosen


def of_number(value: object) -> dtype:
    """What a Python number counts as."""
    if isinstance(value, bool):
        return bool_
    return int64 if isinstance(value, int) else default


def promote(a: dtype | None, b: dtype | None) -> dtype | None:
    """The dtype that holds both."""
    if a is None or b is None or a is b:
        return a or b
    if {a, b} == {uint8, int8}:
        return int16
    return a if a.rank >= b.rank else b


def result_type(*operands: object) -> dtype:
    """The dtype of an operation: tensors with axes count before those without, these before Python's numbers."""
    kinds: list[dtype | None] = [None, None, None]
    for operand in operands:
        shape = getattr(operand, "shape", None)
        place = 2 if shape is None else 0 if len(shape) else 1
        kinds[place] = promote(kinds[place], of_number(operand) if shape is None else operand.dtype)
    result = _combine(kinds[0], _combine(kinds[1], kinds[2]))
    assert result is not None
    return result


def _combine(higher: dtype | None, lower: dtype | None) -> dtype | None:
    if higher is None or lower is None:
        return higher or lower
    if higher.is_floating_point:
        return higher
    return promote(higher, lower) if higher is bool_ or lower.is_floating_point else higher
