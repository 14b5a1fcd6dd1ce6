"""On a GPU: what changes in the numbers, what only a GPU refuses, and what it does not. All of it runs on a CPU."""

import random

import torch
from torch import nn

from unrolled.exercises.exercise import ExerciseSet, distinct
from unrolled.exercises.predicates import item_is

EXERCISES = ExerciseSet("gpu")


@EXERCISES.predict(
    hints=[
        "Two of the four compare the GPU with the CPU, two compare the GPU with itself.",
        "What does TF32 do to the products, and whose generator draws a dropout mask on the GPU?",
    ]
)
def equal_to_the_last_bit():
    # The record's answers; the chapter shows them.
    return True, False, True, False


equal_to_the_last_bit.mistake(
    "The first is True. `output[:, -1]` and `hn[-1]` are the same computed numbers, handed out twice, on any device.",
    lambda: (False, False, True, False),
    matches=item_is(0, False),
)
equal_to_the_last_bit.mistake(
    "The second is False. The weights are the same, and the products are not: cuDNN multiplies in TF32.",
    lambda: (True, True, True, False),
    matches=item_is(1, True),
)
equal_to_the_last_bit.mistake(
    "The third is True. No sample reads another, and on the card of the record not one bit depended on the neighbours.",
    lambda: (True, False, False, False),
    matches=item_is(2, False),
)
equal_to_the_last_bit.mistake(
    "The fourth is False. The GPU has a random generator of its own, and the same seed gives it other numbers.",
    lambda: (True, False, True, True),
    matches=item_is(3, True),
)


def _numbers(rng: random.Random) -> tuple[torch.Tensor]:
    """Numbers of many sizes, beyond the range of float16 on both sides."""
    count = rng.randint(6, 12)
    numbers = torch.randn(count) * 10.0 ** torch.randint(-12, 13, (count,))
    return (torch.cat([numbers, torch.tensor([0.0, 123456.78, 1.2345678e-9, 1.99999])]),)


@EXERCISES.write(
    draw=_numbers,
    hints=[
        "`torch.frexp(x)` gives a fraction, from 0.5 to 1 in size, and an exponent. The leading bit is the first one "
        "behind its point.",
        "The leading bit and ten more are eleven: multiply the fraction by 2 to the eleventh, round, divide again.",
        "`torch.ldexp(fraction, exponent)` puts the number together again.",
    ],
)
def ten_bits(x):
    fraction, exponent = torch.frexp(x)
    return torch.ldexp((fraction * 2**11).round() / 2**11, exponent)


def _bits(x, bits, cut=torch.round):
    fraction, exponent = torch.frexp(x)
    return torch.ldexp(cut(fraction * 2**bits) / 2**bits, exponent)


@ten_bits.mistake("One bit too few: the fraction of `frexp` begins with the leading bit, and ten more come behind it.")
def _one_bit_short(x):
    return _bits(x, 10)


@ten_bits.mistake("You cut the other bits off. TF32 rounds to the nearest, here up as often as down.")
def _cut_off(x):
    return _bits(x, 11, torch.trunc)


@ten_bits.mistake(
    "float16 has ten bits too, and a short range: above 65,504 it is infinite, and very small numbers are 0. TF32 has "
    "float32's range."
)
def _through_float16(x):
    return x.half().float()


@ten_bits.mistake("That is bfloat16: float32's range, and seven bits behind the leading one. TF32 has ten.")
def _through_bfloat16(x):
    return x.bfloat16().float()


@ten_bits.mistake("You round to decimals. A format has binary digits, and as many of them for a small number.")
def _decimals(x):
    return x.round(decimals=3)


@ten_bits.mistake("You round to thousand-and-twenty-fourths of 1. A small number keeps ten bits as well, its own.")
def _fixed_point(x):
    return (x * 2**10).round() / 2**10


def _with_misfits(rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch and lengths, of which one is L, one is L + 1 or more and one is 0; N is not L."""
    N, L, H_in = distinct(rng, 3, low=4, high=8)
    lengths = [L, L + rng.randint(1, 2), 0, *(rng.randint(1, L) for _ in range(N - 3))]
    rng.shuffle(lengths)
    return torch.randn(N, L, H_in), torch.tensor(lengths)


@EXERCISES.mend(
    draw=_with_misfits,
    hints=[
        "`x` is `(N, L, H_in)`. What does `len(x)` count?",
        "Which lengths, besides those above L, are no lengths? Packing itself refuses them, one line later.",
    ],
)
def misfits(x, lengths):
    return [i for i, length in enumerate(lengths.tolist()) if not 1 <= length <= x.shape[1]]


@misfits.mistake("`len(x)` is N.", given=True)
def _above_n(x, lengths):
    return [i for i, length in enumerate(lengths.tolist()) if length > len(x)]


@misfits.mistake("Those above L are found. A length of 0 fits no sample either.")
def _zero_accepted(x, lengths):
    return [i for i, length in enumerate(lengths.tolist()) if length > x.shape[1]]


@misfits.mistake("A sample of exactly L steps fills the batch. It fits.")
def _full_refused(x, lengths):
    return [i for i, length in enumerate(lengths.tolist()) if not 1 <= length < x.shape[1]]


@misfits.mistake("Those are the lengths that do not fit. The exercise asks whose they are: the samples' numbers.")
def _lengths_themselves(x, lengths):
    return [length for length in lengths.tolist() if not 1 <= length <= x.shape[1]]


@misfits.mistake("Those are the samples that fit. The exercise asks for the others.")
def _those_that_fit(x, lengths):
    return [i for i, length in enumerate(lengths.tolist()) if 1 <= length <= x.shape[1]]


@EXERCISES.explain(
    hints=[
        "Which tensor does the message call `hx`? The shape was not what it found wrong.",
        "`expand` changes no memory. How many numbers does `h0.expand(1, 32, 5)` have in memory?",
    ]
)
def why_not_contiguous():
    h0 = torch.zeros(1, 1, 5)
    return "d" if not h0.expand(1, 32, 5).is_contiguous() and h0.repeat(1, 32, 1).is_contiguous() else "a"


why_not_contiguous.mistake(
    "A state on another device has its own message: `Input and hidden tensors are not at the same device`.",
    lambda: "a",
)
why_not_contiguous.mistake(
    "`(1, 32, 5)` is what the layer expects for 32 samples. A wrong shape has its own message too, with both shapes.",
    lambda: "b",
)
why_not_contiguous.mistake(
    "`flatten_parameters` is about the layer's weights, and its absence is a warning. `hx` is the state.", lambda: "c"
)
why_not_contiguous.mistake(
    "A learned state may well have a gradient; that is what makes it learned. Nothing is wrong with it.", lambda: "e"
)


def _half_state(rng: random.Random) -> tuple[nn.RNNBase, torch.Tensor, object]:
    """A float32 layer, an LSTM in half of the cases, and a state in float16, of which numbers are exact."""
    N, L, H_in, H = distinct(rng, 4)
    kind = rng.choice((nn.LSTM, nn.LSTM, nn.GRU))
    state = tuple(torch.randn(1, N, H).half() for _ in range(1 + (kind is nn.LSTM)))
    return kind(H_in, H, batch_first=True), torch.randn(N, L, H_in), state if kind is nn.LSTM else state[0]


@EXERCISES.write(
    draw=_half_state,
    cases=12,
    hints=[
        "The layer and `x` are float32, the state is float16. Which of the three is to be converted?",
        "`state.float()` for a tensor; for an LSTM's tuple, each of the two: `tuple(s.float() for s in state)`.",
    ],
)
def go_on_in_float32(layer, x, state):
    return layer(x, _converted(state))[0]


def _converted(state):
    return tuple(part.float() for part in state) if isinstance(state, tuple) else state.float()


@go_on_in_float32.mistake("The state goes in as it came: float16, where the layer is float32.")
def _not_converted(layer, x, state):
    return layer(x, state)[0]


@go_on_in_float32.mistake("It runs, and starts from zeros: the state has been left out.")
def _left_out(layer, x, state):
    return layer(x)[0]


@go_on_in_float32.mistake(
    "A GRU is right. Of an LSTM's pair you have converted `h`, and `c` is float16 still: convert both."
)
def _only_h(layer, x, state):
    return layer(x, (state[0].float(), state[1]) if isinstance(state, tuple) else state.float())[0]


@go_on_in_float32.mistake(
    "A GRU is right. An LSTM's state is a tuple, which has no `.float()`: convert its two tensors.",
    matches=lambda arguments, result: isinstance(arguments[2], tuple) and "AttributeError" in str(result),
)
def _tuple_as_tensor(layer, x, state):
    return layer(x, state.float())[0]


@go_on_in_float32.mistake("The states are right. The exercise asks for `output`, every step of the top layer.")
def _final_state(layer, x, state):
    return layer(x, _converted(state))[1]
