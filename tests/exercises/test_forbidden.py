"""What an exercise forbids: an answer that is right by a forbidden call is not right."""

import copy
from itertools import chain, repeat

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, unpack_sequence

from unrolled.exercises.check_answer import check
from unrolled.exercises.exercise import FORBIDDEN, draw_cases, judge
from unrolled.exercises.results import results_of
from unrolled.exercises.sets import SETS, exercise_set, find_exercise
from unrolled.grading.judging import parsed_lines
from unrolled.grading.sandbox.box import Sandbox
from unrolled.grading.sandbox.protocol import Limits

BANS = {exercise.id: exercise.ban for name in SETS for exercise in exercise_set(name).values() if exercise.ban}


def rebuilt(layer, x, h0):
    """A layer of one's own with the same weights."""
    own = nn.RNN(
        layer.input_size,
        layer.hidden_size,
        nonlinearity=layer.nonlinearity,
        bias=layer.bias,
        batch_first=layer.batch_first,
    )
    own.load_state_dict(layer.state_dict())
    return own(x, h0)


def with_the_layer(x, *weights):
    projection = weights[-1]
    layer = nn.LSTM(x.shape[2], projection.shape[1], batch_first=True, proj_size=projection.shape[0])
    with torch.no_grad():
        for own, given in zip(layer.parameters(), weights, strict=True):
            own.copy_(given)
    return layer(x)


def packed(there, back, x, lengths):
    both = type(there)(x.shape[2], there.hidden_size, batch_first=True, bidirectional=True)
    both.load_state_dict(there.state_dict() | {f"{name}_reverse": value for name, value in back.state_dict().items()})
    output, hn = both(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
    return pad_packed_sequence(output, batch_first=True)[0], hn


FORBIDDEN_WAYS = [
    ("one-step-3", lambda layer, x_t, h: layer(x_t[None], h[None])[1][0]),
    ("one-step-3", lambda layer, x_t, h: layer.forward(x_t[None], h[None])[0][0]),
    ("one-step-7", lambda layer, x, h0: layer(x, h0)),
    ("one-step-7", lambda layer, x, h0: copy.deepcopy(layer)(x, h0)),
    ("one-step-7", rebuilt),
    ("gates-7", with_the_layer),
    ("lengths-6", lambda packed, sample, step: pad_packed_sequence(packed)[0][step, sample]),
    ("lengths-6", lambda packed, sample, step: unpack_sequence(packed)[sample][step]),
    ("lengths-7", packed),
]


def test_every_exercise_that_forbids_something_is_tried():
    assert {id for id, _ in FORBIDDEN_WAYS} == set(BANS)
    assert set(BANS) == {"one-step-3", "one-step-7", "gates-7", "lengths-6", "lengths-7"}


@pytest.mark.parametrize(("id", "answer"), FORBIDDEN_WAYS)
def test_a_right_result_by_a_forbidden_call_is_not_right(id, answer):
    exercise = find_exercise(id)
    drawn = draw_cases(exercise, 0)
    assert judge(drawn, results_of(answer, drawn.cases)).status == "right", "the way gives no right result"
    verdict = judge(drawn, drawn.task.run(answer))
    assert verdict.status == "wrong"
    assert verdict.misconception == FORBIDDEN
    assert verdict.message == f"not yet. {exercise.ban.sentence}"


def test_one_forbidden_call_among_the_cases_is_enough():
    exercise = find_exercise("one-step-3")
    drawn = draw_cases(exercise, 0)
    calls = chain([True], repeat(False))

    def answer(layer, x_t, h):
        by_hand = torch.tanh(
            x_t @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h @ layer.weight_hh_l0.T + layer.bias_hh_l0
        )
        return layer(x_t[None], h[None])[1][0] if next(calls) else by_hand

    results = drawn.task.run(answer)
    assert judge(drawn, results).misconception == FORBIDDEN
    results = drawn.task.run(answer)
    assert judge(drawn, results).status == "right"


def test_a_known_wrong_answer_keeps_its_sentence_though_it_calls_what_is_forbidden():
    exercise = find_exercise("one-step-3")
    drawn = draw_cases(exercise, 0)
    results = drawn.task.run(lambda layer, x_t, h: layer(x_t)[0])
    assert judge(drawn, results).misconception == "samples_as_steps"


def test_the_grader_notices_it_too():
    """Where answers run, in a process of their own."""
    exercise = find_exercise("one-step-7")
    drawn = draw_cases(exercise, 0)
    with Sandbox({exercise.id: drawn.task}, Limits()) as sandbox:
        run = sandbox.run(["def layer_by_hand(layer, x, h0):\n    return layer(x, h0)"])
    assert judge(drawn, list(parsed_lines(run.written))[-1]["outcomes"]).misconception == FORBIDDEN


def test_check_says_what_is_forbidden(capsys):
    check("one-step-7", lambda layer, x, h0: layer(x, h0))
    assert "a layer has computed them" in capsys.readouterr().out
