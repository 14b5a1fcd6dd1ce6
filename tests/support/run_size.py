"""How much a run of the tests tries: the variable UNROLLED_TESTS, from `make quick`, `make test` or `make test-long`.

Without it a test tries all it has, as in `make test-long`. No assertion depends on it: a smaller run has fewer random
cases, and one page of each kind where pages are alike.
"""

import os

MOST_CASES = {"quick": 50, "test": 200, "long": None}  # for one property
SIZE = os.environ.get("UNROLLED_TESTS", "long")


def cases(number: int) -> int:
    """How many of `number` random cases this run tries.

    Raises:
        SystemExit: UNROLLED_TESTS names no size.
    """
    if SIZE not in MOST_CASES:
        raise SystemExit(f"UNROLLED_TESTS is {SIZE!r}; it has to be one of {', '.join(MOST_CASES)}.")
    most = MOST_CASES[SIZE]
    return number if most is None else min(number, most)


def is_long() -> bool:
    return SIZE == "long"
