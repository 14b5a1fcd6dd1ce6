"""Random hands and hostile input do the explorer no harm."""

from __future__ import annotations

import json
import random

import pytest
from explorer_pages import Watched, operate
from run_size import cases

from unrolled.explorer.settings import DEFAULTS


def state_of(shown: Watched) -> str:
    """What is drawn and written, without what only the past explains: which folds are open, where Tab goes."""
    script = """explorer => {
        const parts = '.bar, .scroll, .readout, .legend, .expression, .problem, .program pre';
        return [...explorer.shadowRoot.querySelectorAll(parts)].map(part =>
            part.outerHTML.replace(/<!--.*?-->/g, '').replace(/ tabindex="-?\\d"/g, '')
                + (part.querySelector('canvas')?.toDataURL() ?? '')
        ).join('\\n');
    }"""
    values = """explorer => [...explorer.shadowRoot.querySelectorAll('input, select, textarea')]
        .map(c => c.type === 'checkbox' || c.type === 'radio' ? c.checked : c.value)"""
    return shown.explorer.evaluate(script) + json.dumps(shown.explorer.evaluate(values))


@pytest.mark.parametrize("seed", range(2))
def test_a_hundred_random_interactions_end_where_a_fresh_start_would(seed, show):
    chance = random.Random(seed)
    shown = show({"num_layers": 2, "input": "sin"}, reduced_motion="reduce")
    for fold in shown.explorer.locator("details").all():
        fold.evaluate("fold => fold.open = true")
    for _ in range(cases(100)):
        kind = chance.random()
        controls = shown.explorer.locator(
            "input:enabled, select:enabled, button:enabled:not(.entry):not(.program button)"
        )
        if kind < 0.6:
            operate(controls.nth(chance.randrange(controls.count())))
        elif kind < 0.9 and (entries := shown.entries()):
            shown.entry(chance.randrange(len(entries))).click(force=True)
        elif shown.explorer.locator("textarea").count():
            shown.explorer.locator("textarea").fill(chance.choice(["hn", "output[0]", "hn[", "x == h0", "hn.shape"]))
    shown.page.mouse.move(1, 1)
    shown.explorer.evaluate(
        """explorer => {
            explorer.shadowRoot.activeElement?.blur();
            explorer.addressing = false;
            explorer.ignored = [];
            return explorer.updateComplete;
        }"""
    )
    fresh = show(shown.settings(), reduced_motion="reduce")
    assert fresh.settings() == shown.settings()
    assert state_of(shown) == state_of(fresh)
    assert shown.errors == []


HOSTILE = [
    "<img src=x onerror=boom()>",
    "<script>boom()</script>",
    "\"'><svg onload=boom()>",
    "javascript:boom()",
    "__proto__",
    "constructor",
    "1e999",
    "-" * 60,
    "9" * 400,
    "(" * 900,
    "[" * 900,
    "{}",
    "null",
    "NaN",
    "%",
    "%E0%A4%A",
    "\x00",
    "💥",
    "hn" + "[0]" * 300,
    "x" + ".T" * 300,
    "output @ output",
    "hn.__class__",
    "torch.load('a')",
    "x[...,...,None]" * 9,
]


TOKENS = [
    "x",
    "h0",
    "output",
    "hn",
    "torch",
    ".",
    "equal",
    "cat",
    "(",
    ")",
    "[",
    "]",
    ":",
    ",",
    "-1",
    "0",
    "7",
    "99999999999999999999",
    "...",
    "None",
    "==",
    "+",
    "*",
    "/",
    "view",
    "reshape",
    "transpose",
    "shape",
    "'",
    "\\",
    "#",
    " ",
    "=",
    "dim",
]


def test_a_thousand_hostile_fragments_and_expressions_do_no_harm(show, capsys):
    """Nothing is thrown that is not caught, and no markup is inserted; the worst time is printed."""
    shown = show(attributes="share")
    chance = random.Random(0)
    expressions = HOSTILE + [
        "".join(chance.choices(TOKENS + HOSTILE[:6], k=chance.randint(1, 12))) for _ in range(cases(500 - len(HOSTILE)))
    ]
    names = [*DEFAULTS, "onload", "<b>", "__proto__", "toString"]
    values = [
        *HOSTILE,
        "2",
        "true",
        "[1,2]",
        '{"shape":[1,2,5]}',
        '{"shape":[99999,99999]}',
        "-1",
        "3",
        "32",
        "16",
        "RNN",
        "LSTM",
        "sin",
        "[[[1]]]",
        "h.0.0",
        "h.-1.0",
    ]
    fragments = [
        "&".join(f"{chance.choice(names)}={chance.choice(values)}" for _ in range(chance.randint(1, 6)))
        for _ in range(cases(500))
    ]
    found = shown.page.evaluate(
        """async ([expressions, fragments]) => {
            let uncaught = [], worst = [0, ''], inserted = new Set();
            window.boom = () => uncaught.push('boom');
            addEventListener('error', event => uncaught.push(event.message));
            addEventListener('unhandledrejection', event => uncaught.push(String(event.reason)));
            const explorer = document.querySelector('rnn-explorer');
            const known = new Set((
                'CANVAS TEXTAREA DIV P SPAN CODE PRE B I U UL LI BUTTON INPUT SELECT OPTION LABEL FIELDSET LEGEND '
                + 'DETAILS SUMMARY TABLE TBODY TR TH TD CAPTION svg g rect path text A STYLE'
            ).split(' '));
            const settle = async (text, act) => {
                const started = performance.now();
                act();
                await explorer.updateComplete;
                const took = performance.now() - started;
                if (took > worst[0]) worst = [took, text];
                for (const node of explorer.shadowRoot.querySelectorAll('*')) {
                    if (!known.has(node.tagName)) inserted.add(node.tagName);
                    for (const { name } of node.attributes)
                        if (name.startsWith('on')) inserted.add(node.tagName + ' ' + name);
                }
            };
            for (const text of expressions) await settle(text, () => explorer.change({ expression: text }));
            for (const text of fragments) await settle(text, () => {
                history.replaceState(null, '', '#' + text);
                dispatchEvent(new HashChangeEvent('hashchange'));
            });
            await new Promise(resolve => setTimeout(resolve, 100));
            return { uncaught, worst, inserted: [...inserted] };
        }""",
        [expressions, fragments],
    )
    with capsys.disabled():
        print(f"\nWorst of a thousand hostile inputs: {found['worst'][0]:.0f} ms, for {found['worst'][1][:60]!r}")
    assert found["uncaught"] == []
    assert found["inserted"] == []
    assert shown.errors == []
