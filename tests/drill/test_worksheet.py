"""The worksheet: questions with answers that PyTorch gives, too, on a page that can be printed."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from torch_answers import disagreement

from unrolled.__main__ import main
from unrolled.drill.question_maker import Question, question, questions
from unrolled.drill.wording import KINDS, STACKS
from unrolled.drill.worksheet import MAX_QUESTIONS, worksheet_page

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

ROOT = Path(__file__).parents[2]
SEEDS = range(12)


@pytest.mark.parametrize("kind", KINDS)
def test_torch_gives_every_answer(kind):
    for level, seed in itertools.product(STACKS, SEEDS):
        asked = asdict(question(kind, level, seed))
        assert disagreement(asked) is None, asked


def test_every_claim_of_equality_is_asked_about():
    """The test above is of random questions; these are all the pairs of `output` and `hn` that they are drawn from."""
    asked = [question("equality", level, seed) for level in STACKS for seed in range(len(SEEDS), 200)]
    reasons = {re.sub(r"\d+|\((\d+,? ?)+\)", "…", made.reason) for made in asked}
    assert len(reasons) >= 20
    assert [made for made in asked if disagreement(asdict(made))] == []


def test_a_wrong_answer_would_be_noticed():
    """The oracle disagrees with every answer that is another question's."""
    for kind in KINDS:
        made = asdict(question(kind, 3, 1))
        other = "no" if made["answer"] == "yes" else "yes"
        wrong = {"shape": "(1, 2, 3)", "expression": "output[0] * 2", "steps": "7", "yes or no": other}[made["form"]]
        if kind == "h0-shape":
            with pytest.raises(RuntimeError, match=r"Expected hidden|should also be"):
                disagreement({**made, "answer": wrong})
        else:
            assert disagreement({**made, "answer": wrong}) is not None, kind


def test_the_stacks_grow_by_level():
    def layers(made):
        return (made.setting.layer.num_layers, made.setting.layer.bidirectional)

    for level, stacks in STACKS.items():
        assert {layers(question("output-shape", level, seed)) for seed in range(60)} == set(stacks)
    assert all(
        not made.setting.layer.proj_size and made.setting.N
        for made in (question("hn-shape", 1, seed) for seed in range(60))
    )


def test_the_options_are_all_met():
    made = [question(kind, level, seed) for kind in KINDS for level in STACKS for seed in range(40)]
    settings = [each.setting for each in made]
    assert {setting.layer.kind for setting in settings} == {"RNN", "LSTM", "GRU"}
    assert {setting.layer.batch_first for setting in settings} == {True, False}
    assert any(setting.N is None for setting in settings)
    assert any(setting.layer.proj_size for setting in settings)
    for kind in ("equality", "steps-read", "last-valid-step"):
        assert any(each.setting.lengths for each in made if each.kind == kind)
    assert {each.answer for each in made if each.form == "yes or no"} == {"yes", "no"}


def test_an_unknown_kind_or_level_is_named():
    with pytest.raises(ValueError, match="no kind 'x'; there are output-shape"):
        question("x", 1, 0)
    with pytest.raises(ValueError, match="no level 5; there are 1 to 4"):
        question("hn-shape", 5, 0)


# The page


def test_the_same_seed_gives_the_same_page_and_another_seed_another(tmp_path):
    assert worksheet_page(7, 20) == worksheet_page(7, 20)
    pages = {seed: re.sub(r"orksheet \d+", "", worksheet_page(seed, 20)) for seed in range(20)}
    assert len(set(pages.values())) == len(pages)


def test_no_question_comes_twice_and_every_kind_comes():
    made = list(questions(7, MAX_QUESTIONS))
    assert len({(each.code, each.ask) for each in made}) == MAX_QUESTIONS
    assert {each.kind for each in made[: len(KINDS)]} == set(KINDS)
    assert [each.level for each in made] == sorted(each.level for each in made)


def parsed(seed: int, count: int) -> BeautifulSoup:
    return BeautifulSoup(worksheet_page(seed, count), "html.parser")


def asked_on(seed: int, count: int) -> list[Question]:
    return list(questions(seed, count))


def test_the_questions_and_the_key_belong_together():
    soup = parsed(7, 20)
    asked, key = soup.find_all("ol")
    for made, item, answer in zip(asked_on(7, 20), asked.find_all("li"), key.find_all("li"), strict=True):
        assert item.pre.text == "\n".join(made.code)
        assert item.p.text == made.ask.replace("`", "")
        assert answer.code.text == made.answer
        assert made.reason.replace("`", "") in answer.text
        assert "`" not in item.text + answer.text


def test_both_sheets_say_which_worksheet_it_is():
    assert [header.p.text.split(".")[0].split(",")[0] for header in parsed(7, 20).find_all("header")] == [
        "Worksheet 7",
        "Worksheet 7",
    ]


def test_the_page_needs_nothing_else():
    page = worksheet_page(7, 20)
    assert page.isascii()
    assert not re.search(r"<script|<link|<img|src=|url\(|https?:", page)


def test_it_is_black_on_white_and_a_grey_that_can_be_read():
    colours = set(re.findall(r"#[0-9a-f]{3,6}\b", worksheet_page(7, 1)))
    assert colours == {"#000", "#fff", "#444"}


@pytest.mark.parametrize("count", [3, 20])
def test_printed_the_key_begins_a_page_of_its_own(browser, count):
    """Three questions leave room for their key on the first page; twenty answers fit on one."""
    page = browser.new_page()
    page.set_content(worksheet_page(7, count))
    printed = page.pdf(prefer_css_page_size=True)
    assert re.search(rb"/MediaBox\s*\[0 0 59[45][\d.]* 84[12][\d.]*\]", printed), "A4"
    page.evaluate("document.querySelector('.key').remove()")

    def pages(pdf):
        return len(re.findall(rb"/Type\s*/Page\b", pdf))

    assert pages(printed) == pages(page.pdf(prefer_css_page_size=True)) + 1
    page.close()


# The command


def test_the_command_prints_the_page(capsys):
    assert main(["worksheet", "--seed", "7", "--questions", "3"]) == 0
    assert capsys.readouterr().out == worksheet_page(7, 3) + "\n"


def test_the_command_writes_a_file(capsys, tmp_path):
    assert main(["worksheet", "--seed", "7", "--questions", "3", "--out", str(tmp_path / "a sheet.html")]) == 0
    assert (tmp_path / "a sheet.html").read_text(encoding="utf-8") == worksheet_page(7, 3) + "\n"
    assert capsys.readouterr().out == ""


def test_a_file_that_cannot_be_written_gets_one_sentence(capsys, tmp_path):
    assert main(["worksheet", "--out", str(tmp_path / "no" / "sheet.html")]) == 1
    assert re.fullmatch(
        r"The worksheet was not written to .*: No such file or directory\. .*\n", capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--questions", "0"], "0 is not a number of questions; ask for 1 to 200."),
        (["--questions", "many"], "'many' is not a whole number, such as 7."),
        (["--questions", "201"], "201 is not a number of questions; ask for 1 to 200."),
        (["--seed", "-1"], "-1 is not a seed; a seed is at least 0 and below 2**32."),
        (["--seed", str(2**32)], f"{2**32} is not a seed; a seed is at least 0 and below 2**32."),
        (["--seed", "1.5"], "'1.5' is not a whole number, such as 7."),
    ],
)
def test_a_bad_argument_gets_one_sentence(arguments, sentence, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["worksheet", *arguments])
    assert capsys.readouterr().err.splitlines()[-1].endswith(f": {sentence}")


def test_it_needs_no_torch():
    hidden = (
        "import sys; sys.modules['torch'] = None; from unrolled.__main__ import main; "
        "sys.exit(main(['worksheet', '--questions', '22']))"
    )
    result = subprocess.run([sys.executable, "-c", hidden], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert result.stdout == worksheet_page(0, 22) + "\n"
