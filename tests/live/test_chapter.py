"""A chapter that runs: press *Run here*, change a cell, run it. Python is loaded once for this file, and once more
where a test ends it.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from live_pages import (
    OTHER,
    SAME,
    cell,
    context,
    door,
    output,
    run,
    run_here,
    status,
    wait_for_python,
    wait_for_status,
    with_python,
    write,
)

PAGE = "three-tensors.html"
CELLS = "imports", "seed", "x"


@pytest.fixture(scope="module")
def home(site, serve_folder) -> str:
    """Where the site is served, with Python."""
    return serve_folder(with_python(site))


@pytest.fixture(scope="module")
def there(home, browser):
    """The chapter, its Python loaded; `complaints` is what the browser reported since."""
    made = context(browser, reduced_motion="reduce")
    page = made.new_page()
    page.complaints = []
    page.on("console", lambda m: m.type in ("error", "warning") and page.complaints.append(m.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield run_here(page, f"{home}/{PAGE}")
    made.close()


def test_nothing_of_it_is_loaded_before_the_reader_asks(home, browser):
    made = context(browser)
    page = made.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{home}/{PAGE}#cell-seed", wait_until="networkidle")
    assert not [url for url in asked if "live" in url or "python" in url]
    assert page.locator(".live-editor").count() == 0
    made.close()


def test_the_first_cells_print_what_is_stored(there):
    said = [run(there, id) for id in CELLS]
    assert set(said) == {SAME, "Done"}
    assert there.locator(".live-output").count() == 0
    assert there.complaints == []


def test_a_cell_that_prints_something_else_shows_both(there):
    write(there, "seed", 'print("mine")\nmine = 6 * 7\nmine')
    assert run(there, "seed") == OTHER
    assert output(there, "seed").split() == ["mine", "42"]
    assert "torch._C.Generator" in cell(there, "seed").locator(".live-stored").inner_text()
    cell(there, "seed").get_by_role("button", name="Reset").click()
    assert run(there, "seed") == SAME
    assert cell(there, "seed").locator(".live-output").count() == 0


def test_an_error_shows_the_readers_own_lines(there):
    write(there, "x", "import torch\n\ndef half(t):\n    return t.view(5)\n\nhalf(torch.zeros(4))")
    assert run(there, "x") == "RuntimeError"
    assert output(there, "x").splitlines() == [
        "line 6",
        "    half(torch.zeros(4))",
        "line 4, in half",
        "    return t.view(5)",
        "RuntimeError: shape '[5]' is invalid for input of size 4",
    ]
    write(there, "x", "def half(t:\n    pass")
    run(there, "x")
    assert "SyntaxError" in output(there, "x")
    assert "page_cells" not in output(there, "x")
    cell(there, "x").get_by_role("button", name="Reset").click()


def test_the_fold_of_a_prediction_opens_with_its_cells_run(there):
    fold = there.locator("details.prediction").first
    id = fold.get_attribute("data-cell").removeprefix("cell-")
    cell(there, id).get_by_role("button", name="Run all above").click()
    wait_for_status(there, "x", SAME)
    assert fold.get_attribute("open") is None
    assert run(there, id) == SAME
    assert fold.get_attribute("open") == ""


def test_the_door_runs_in_the_cells_namespace(there):
    write(there, "imports", "door = 'open'\nimport torch\nimport torch.nn as nn")
    run(there, "imports")
    assert door(there, "print(door)\n1 + 1") == {"text": "open\n2", "error": None}
    assert door(there, "1 / 0") == {"text": "", "error": "ZeroDivisionError: division by zero"}
    assert door(there, "torch.arange(3.)") == {"text": "tensor([0., 1., 2.])", "error": None}
    assert door(there, "input()")["error"].startswith("RuntimeError: There is nothing to type into")
    cell(there, "imports").get_by_role("button", name="Reset").click()


def test_a_grid_is_drawn_and_an_explorer_lives(there):
    write(there, "x", "from unrolled import draw_grid, explore\ndraw_grid(2)")
    run(there, "x")
    assert "2 layers high" in cell(there, "x").locator(".live-output svg").get_attribute("aria-label")
    write(there, "x", "explore(num_layers=3, bidirectional=True)")
    run(there, "x")
    shown = cell(there, "x").locator(".live-output rnn-explorer")
    there.wait_for_function("element => element.shadowRoot?.querySelector('svg')", arg=shown.element_handle())
    assert '"num_layers":3' in shown.get_attribute("settings")
    write(there, "x", "import torch, unrolled\nunrolled.explain(torch.nn.RNN(4, 5), torch.zeros(2, 3, 7))")
    run(there, "x")
    assert "needs" in output(there, "x")
    cell(there, "x").get_by_role("button", name="Reset").click()


def test_a_picture_stays_the_stored_one(there):
    source = (
        "import matplotlib.pyplot as plt\nfrom unrolled import picture\nfigure, axis = plt.subplots()\n"
        "axis.plot([1, 2])\naxis.spines['top'].set_visible(False)\n"
        "picture(figure, 'A line that rises from one to two.')"
    )
    write(there, "x", source)
    assert "matplotlib does not run in the page" in run(there, "x")
    assert cell(there, "x").locator(".live-output").count() == 0
    cell(there, "x").get_by_role("button", name="Reset").click()


REACHES_OUT = [
    "from js import fetch",
    "from js import XMLHttpRequest",
    "from js import indexedDB",
    "from js import postMessage",
    "import pyodide.code\npyodide.code.run_js('1')",
    "from js import Object\nObject.constructor('return 1')()",
    "import pyodide_js\npyodide_js.constructor.constructor('return 1')()",
    "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:1/')",
    "import socket\nsocket.create_connection(('127.0.0.1', 1), timeout=1)",
    "import pyodide.http\npyodide.http.open_url('index.html')",
    "import js\njs.document",
    "import js\njs.self",
]


@pytest.mark.parametrize("source", REACHES_OUT)
def test_code_reaches_nothing_beyond_its_worker(there, source):
    assert door(there, source)["error"] is not None


def test_what_a_cell_draws_runs_no_script(there):
    source = """class Drawn:
    def _repr_html_(self):
        return ('<b class="drawn" onclick="window.hacked=1">drawn</b><script>window.hacked=1</script>'
                '<img src="nothing.png" onerror="window.hacked=1"><iframe srcdoc="x"></iframe>'
                '<a href=" javascript:window.hacked=1">a</a><svg><script>window.hacked=1</script></svg>')
Drawn()"""
    write(there, "x", source)
    run(there, "x")
    shown = cell(there, "x").locator(".live-output")
    assert shown.locator("script, iframe, [onclick], [onerror], [href]").count() == 0
    shown.locator("b.drawn").click()
    assert there.evaluate("window.hacked") is None
    cell(there, "x").get_by_role("button", name="Reset").click()
    there.complaints.clear()  # the picture that is not there


def test_the_policy_allows_the_sites_own_scripts_alone(there, home):
    """Where what a cell draws would not be cleaned: markup put into the page as it is."""
    there.evaluate("""() => {
        window.refused = [];
        document.addEventListener("securitypolicyviolation", event => refused.push(event.effectiveDirective));
        const holder = document.body.appendChild(document.createElement("div"));
        holder.innerHTML = '<img src="data:image/png;base64,x" onerror="window.hacked=1">' +
            '<iframe src="http://127.0.0.1:1/"></iframe>';
        const script = document.createElement("script");
        script.textContent = "window.hacked = 1";
        holder.append(script);
        // Not at once: what a debugger evaluates may evaluate text itself.
        setTimeout(() => new Function("window.hacked = 1")(), 50);
        fetch("http://127.0.0.1:1/").catch(() => {});
        try { new Worker("/_static/site.js"); } catch {}
    }""")
    for directive in ("script-src-attr", "script-src-elem", "script-src", "frame-src", "connect-src", "worker-src"):
        there.wait_for_function("directive => window.refused.includes(directive)", arg=directive, timeout=60_000)
    there.evaluate("document.body.lastElementChild.remove()")
    assert there.evaluate("window.hacked") is None
    there.complaints.clear()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_running_page_has_no_violation_and_fits_a_phone(there, theme):
    write(there, "x", "print('a line that is longer than a phone is wide, ' * 5)\n1 / 0")
    run(there, "x")
    there.emulate_media(color_scheme=theme)
    there.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    there.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found = Axe().run(there, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    there.set_viewport_size({"width": 360, "height": 740})
    assert there.evaluate("document.documentElement.scrollWidth") == 360
    for box in there.locator(".live-button:visible").evaluate_all(
        "buttons => buttons.slice(0, 9).map(button => button.getBoundingClientRect().height)"
    ):
        assert box >= 24
    there.set_viewport_size({"width": 1280, "height": 900})
    cell(there, "x").get_by_role("button", name="Reset").click()


def test_by_the_keyboard_alone(there):
    field = cell(there, "x").locator(".live-editor textarea")
    field.focus()
    there.keyboard.press("ControlOrMeta+a")
    there.keyboard.type("def f():\nreturn 3\nf()")
    assert field.input_value() == "def f():\n    return 3\n    f()"
    there.keyboard.press("Shift+Tab")
    assert field.input_value() == "def f():\n    return 3\nf()"
    there.keyboard.press("Shift+Enter")
    wait_for_status(there, "x", OTHER)
    assert output(there, "x").strip() == "3"
    following = there.evaluate("document.activeElement.closest('.cell').id")
    assert following != "cell-x"
    field.focus()
    there.keyboard.press("Tab")
    assert field.input_value().endswith("    ")
    there.keyboard.press("Escape")
    there.keyboard.press("Tab")
    assert there.evaluate("document.activeElement.tagName") == "BUTTON"
    cell(there, "x").get_by_role("button", name="Reset").click()


def test_an_endless_loop_can_be_stopped(there):
    door(there, "kept = 1")
    write(there, "x", "n = 0\nwhile True:\n    n += 1\n    print(n)")
    cell(there, "x").get_by_role("button", name="Run", exact=True).click()
    cell(there, "x").locator(".live-output").wait_for()
    there.get_by_role("button", name="Stop").click()
    bar = there.locator(".live-bar__text")
    bar.filter(has_text="All names are gone").wait_for()
    assert status(there, "x").inner_text() == ""
    assert door(there, "kept")["error"] == "NameError: name 'kept' is not defined"
    cell(there, "x").get_by_role("button", name="Reset").click()


def test_without_a_network_it_goes_on(there):
    there.context.set_offline(True)
    there.get_by_role("button", name="Restart").click()
    assert run(there, "imports") == "Done"
    assert door(there, "torch.ones(2)")["text"] == "tensor([1., 1.])"
    there.context.set_offline(False)


def test_what_was_changed_is_there_after_a_reload_and_nothing_runs_by_itself(there, home):
    write(there, "x", "changed = 1")
    asked = []
    there.on("request", lambda request: asked.append(request.url))
    there.reload(wait_until="load")
    there.goto(f"{home}/{PAGE}?run=1#cell-x")
    assert not [url for url in asked if "live" in url or "python" in url]
    there.locator(".run-here").click()
    wait_for_python(there)
    assert cell(there, "x").locator(".live-editor textarea").input_value() == "changed = 1"
    assert status(there, "x").inner_text() == ""
    cell(there, "x").get_by_role("button", name="Reset").click()
    assert "torch.arange" in cell(there, "x").locator(".live-editor textarea").input_value()
