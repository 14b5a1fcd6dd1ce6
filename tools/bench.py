"""How fast the explorer and the grader are, and how large the explorer.

Times depend on the machine: what counts is the ratios of one run.

python tools/bench.py
"""

import gzip
import http.server
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import browser_python
import build_site
import chromium
import nbformat
import numpy as np
import serve as serve_site
import student_notebooks
import torch
from nbclient import NotebookClient
from playwright.sync_api import Browser, Page, sync_playwright
from torch import nn

from unrolled.exercises.sets import SETS, exercise_set

PROJECT = Path(__file__).parents[1]
STATIC = PROJECT / "unrolled" / "explorer" / "static"
GRADED, CLASSES, KERNELS = "directions", (20, 300), 4
STUDENTS = 5000
FRAME, BUNDLE_GOAL = 16.0, 48_000  # milliseconds, bytes gzipped

SPECS = {
    "the seed's: N=2, L=3, H=5": {
        "input_size": 4,
        "hidden_size": 5,
        "num_layers": 1,
        "bidirectional": False,
        "N": 2,
        "L": 3,
    },
    "a chapter's: N=4, L=8, H=8, 2 layers": {
        "input_size": 4,
        "hidden_size": 8,
        "num_layers": 2,
        "bidirectional": False,
        "N": 4,
        "L": 8,
    },
    "large: N=16, L=64, H=64, 2 layers, both directions": {
        "input_size": 64,
        "hidden_size": 64,
        "num_layers": 2,
        "bidirectional": True,
        "N": 16,
        "L": 64,
    },
}
SETTINGS = {
    "the default": {},
    "N=4, L=16, H=16, 3 layers, both directions": {
        "N": 4,
        "L": 16,
        "hidden_size": 16,
        "num_layers": 3,
        "bidirectional": True,
        "input": "sin",
    },
}
# Times `run` for about half a second; from the second half of the runs, when the code is warm.
RUN = """spec => import('/unrolled.js').then(({ run }) => {
    const times = [], end = performance.now() + 700;
    while (performance.now() < end || times.length < 6) {
        const started = performance.now();
        for (let n = 0; n < spec.repeat; n++) run(spec);
        times.push((performance.now() - started) / spec.repeat);
    }
    return times.slice(times.length >> 1);
})"""
# A change is done when the first task after the next frame runs: computed, drawn, laid out and painted. What it costs
# is its own work and the frame's, without the wait between them. A hand knows nothing of frames, so the changes begin
# anywhere between two of them.
CHANGE = """async ([settings, rounds]) => {
    const explorer = document.querySelector('rnn-explorer');
    explorer.settings = settings;
    await explorer.updateComplete;
    const frame = () => new Promise(resolve => requestAnimationFrame(() => {
        const began = performance.now(), { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.now() - began);
        port2.postMessage(0);
    }));
    const seed = () => explorer.shadowRoot.querySelector('[aria-label="more seed"]');
    const work = [], whole = [], painted = [];
    for (let round = 0; round < rounds; round++) {
        await frame();
        await new Promise(resolve => setTimeout(resolve, 1 + round * 7 % 15));
        const started = performance.now();
        seed().click();
        await explorer.updateComplete;
        explorer.getBoundingClientRect();
        work.push(performance.now() - started);
        whole.push(work.at(-1) + await frame());
        painted.push(performance.now() - started);
    }
    return { work, whole, painted };
}"""


def serve() -> str:
    """Serve the bundle and a page that holds it; return the address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.path != "/":
                return super().do_GET()
            page = b"<!doctype html><title>bench</title><rnn-explorer></rnn-explorer>"
            page += b'<script type="module" src="/unrolled.js"></script>'
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(STATIC)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def timed(call: Callable[[], object]) -> float:
    """The median milliseconds of a call, warm."""
    times: list[float] = []
    end = time.perf_counter() + 0.7
    while time.perf_counter() < end or len(times) < 6:
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times[len(times) // 2 :])


def numpy_forward(module: nn.RNN, x: np.ndarray) -> Callable[[], np.ndarray]:
    """The same forward pass as one would write it with numpy: all samples of a step at once."""
    weights = {name: value.detach().numpy() for name, value in module.named_parameters()}

    def forward() -> np.ndarray:
        below = x
        for layer in range(module.num_layers):
            halves = []
            for end in [f"l{layer}", f"l{layer}_reverse"][: 1 + module.bidirectional]:
                w_ih, w_hh = weights[f"weight_ih_{end}"].T, weights[f"weight_hh_{end}"].T
                bias = weights[f"bias_ih_{end}"] + weights[f"bias_hh_{end}"]
                h = np.zeros((x.shape[0], module.hidden_size), np.float32)
                out = np.empty((*x.shape[:2], module.hidden_size), np.float32)
                steps = range(x.shape[1])
                for step in reversed(steps) if end.endswith("reverse") else steps:
                    h = np.tanh(below[:, step] @ w_ih + bias + h @ w_hh)
                    out[:, step] = h
                halves.append(out)
            below = np.concatenate(halves, -1)
        return below

    return forward


@torch.no_grad()
def bench_engine(page: Page) -> None:
    print("A forward pass of nn.RNN, with the weights made from the seed in the engine's case (median, warm)")
    for name, sizes in SPECS.items():
        arguments = {key: sizes[key] for key in ("input_size", "hidden_size", "num_layers", "bidirectional")}
        torch.manual_seed(0)
        module = nn.RNN(**arguments, batch_first=True)
        x = torch.rand(sizes["N"], sizes["L"], sizes["input_size"])
        spec = {
            "module": "RNN",
            **arguments,
            "batch_first": True,
            "input": x.tolist(),
            "repeat": 20 if sizes["N"] < 16 else 1,
        }
        engine = statistics.median(page.evaluate(RUN, spec))
        in_numpy, in_torch = timed(numpy_forward(module, x.numpy())), timed(partial(module, x))
        print(f"  {name}")
        print(
            f"    engine {engine:.3f} ms, {engine / in_numpy:.2f} × numpy ({in_numpy:.3f} ms), "
            f"{engine / in_torch:.2f} × torch ({in_torch:.3f} ms)"
        )


def bench_view(page: Page) -> None:
    print(f"From a control's change to the page, median and worst of 200, in frames of {FRAME:.0f} ms")
    for name, settings in SETTINGS.items():
        page.evaluate(CHANGE, [settings, 30])
        found = page.evaluate(CHANGE, [settings, 200])
        print(f"  {name}")
        for what, times in zip(
            ("computed, drawn and laid out", "painted as well", "the wait for the frame included"),
            found.values(),
            strict=True,
        ):
            median, worst = statistics.median(times), max(times)
            print(
                f"    {what}: {median:.1f} ms, worst {worst:.1f} ms: "
                f"{median / FRAME:.2f} of a frame, worst {worst / FRAME:.2f}"
            )


def seconds_to_grade(master: nbformat.NotebookNode, submissions: int, jobs: int) -> float:
    """How long the command takes for so many notebooks that are right, from its start to its report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "class")
        folder.mkdir()
        for number in range(submissions):
            nbformat.write(student_notebooks.solution_notebook(master), folder / f"student {number}.ipynb")
        command = ["grade", str(folder), "--out", f"{name}/grades.csv", "--seed", "1", "--jobs", str(jobs)]
        started = time.perf_counter()
        run = subprocess.run(
            [sys.executable, "-m", "unrolled", *command], capture_output=True, encoding="utf-8", check=True
        )
        took = time.perf_counter() - started
    expected = f"{submissions * len(exercise_set(GRADED))} right"
    assert run.stdout.startswith(f"{expected}\n"), run.stdout
    return took


def bench_grading() -> None:
    """The command on a small and a large class, with one process and with two, against a kernel for each notebook."""
    master = nbformat.read(PROJECT / "book" / "solutions" / f"{GRADED}.ipynb", as_version=4)
    print(f"Grading the set {GRADED}, start-up and report included")
    for jobs in (1, 2):
        small, large = (seconds_to_grade(master, submissions, jobs) for submissions in CLASSES)
        each = (large - small) / (CLASSES[1] - CLASSES[0])
        for submissions, took in zip(CLASSES, (small, large), strict=True):
            print(f"  --jobs {jobs}, {submissions} notebooks: {took:.1f} s, {submissions / took:.1f} a second")
        hours = each * STUDENTS * len(SETS) / 3600
        print(f"    {each:.3f} s for one more; {STUDENTS} students with {len(SETS)} such sets each: {hours:.1f} hours")
    started = time.perf_counter()
    for _ in range(KERNELS):
        NotebookClient(
            student_notebooks.solution_notebook(master),
            kernel_name="python3",
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
        ).execute()
    theirs = (time.perf_counter() - started) / KERNELS
    print(f"  in a kernel of its own each: {theirs:.1f} s for one; that is {theirs / each:.0f} times as long")


SLOW = 6  # how much slower a phone is


def bench_live(browser: Browser) -> None:
    """From the press of *Run here* to the first cell's output, of a chapter that this computer serves to itself."""
    site = build_site.build()
    browser_python.fetch()
    browser_python.write_into(site)
    devtools = browser.new_browser_cdp_session()

    def processor_seconds() -> float:
        return sum(float(one["cpuTime"]) for one in devtools.send("SystemInfo.getProcessInfo")["processInfo"])

    with serve_site.server(0, site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.set_default_timeout(0)
        page.goto(f"http://127.0.0.1:{server.server_port}/three-tensors.html", wait_until="networkidle")
        started, used = time.perf_counter(), processor_seconds()
        page.locator(".run-here").click()
        page.locator("#cell-x").get_by_role("button", name="Run all above").click()
        page.locator("#cell-x").get_by_role("button", name="Run", exact=True).click()
        page.locator("#cell-x .live-status", has_text="The same output").wait_for()
        seconds, used = time.perf_counter() - started, processor_seconds() - used
        runs = page.evaluate(
            "async () => { const { run } = await unrolled.live(); const times = [];"
            "for (let i = 0; i < 50; i++) { const begun = performance.now(); await run('print(nn.RNN(4, 5)(x))');"
            "times.push(performance.now() - begun); } return times; }"
        )
        page.close()
        server.shutdown()
    sizes = json.loads((site / "_static/python/manifest.json").read_text(encoding="utf-8"))["files"]
    print("Running cells in the page")
    print(f"  {sum(sizes.values()) / 1e6:.2f} MB on demand")
    print(
        f"  the first output after {seconds:.1f} s, and {used:.1f} s of processor time: "
        f"{SLOW * used:.0f} s where a processor is {SLOW} times as slow"
    )
    print(f"  a cell after that: {statistics.median(runs):.0f} ms")


def main() -> None:
    path = chromium.find() or sys.exit("The benchmark needs Chromium: run make bench.")
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright, path)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(serve())
        page.evaluate("customElements.whenDefined('rnn-explorer').then(() => {})")
        bench_engine(page)
        bench_view(page)
        bench_live(browser)
        browser.close()
    size = len(gzip.compress((STATIC / "unrolled.js").read_bytes(), 9))
    bench_grading()
    print(f"The bundle: {size / 1000:.1f} KB gzipped, {size / BUNDLE_GOAL:.2f} of its budget")


if __name__ == "__main__":
    main()
