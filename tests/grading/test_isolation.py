"""The box holds nothing else: what an answer finds of this computer, and what it can do to it."""

import ctypes
import os
import socket
import sys
import threading
from pathlib import Path

import pytest
from classroom import RIGHT, grade, handed_in, notebook, table

from unrolled.exercises.results import Task
from unrolled.grading.judging import parsed_lines
from unrolled.grading.sandbox import box as box_module
from unrolled.grading.sandbox.box import Sandbox, environment
from unrolled.grading.sandbox.protocol import Limits, Run
from unrolled.grading.sandbox.watch import memory_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """A box from which nothing is hidden on purpose: what is not there is not there by itself."""
    with Sandbox({"probe": Task(name="probe", cases=[()])}, Limits(seconds=20, memory=300)) as opened:
        opened.start()
        assert opened.isolation, "this system does not let the tests' user into namespaces"
        yield opened


def run_probe(sandbox: Sandbox, code: str) -> Run:
    body = "\n".join(f"    {line}" for line in code.splitlines())
    return sandbox.run([f"def probe():\n{body}"])


def probe(sandbox: Sandbox, code: str) -> object:
    """What the code returns inside, or the exception it ends with."""
    run = run_probe(sandbox, code)
    answered = [line for line in parsed_lines(run.written) if line.get("exercise") == "probe"]
    assert answered, run
    return answered[0]["outcomes"][0]


def test_there_is_nothing_but_what_python_needs(sandbox):
    seen = probe(sandbox, "import os\nreturn sorted(os.listdir('/'))")
    allowed = {"dev", "etc", "home", "lib", "lib32", "lib64", "proc", "sys", "tmp", "usr"}
    above = {Path(path).parts[1] for path in (sys.prefix, sys.base_prefix, str(PROJECT))}
    above |= {Path(os.path.realpath(path)).parts[1] for path in (sys.prefix, sys.base_prefix, str(PROJECT))}
    assert set(seen) <= allowed | above
    assert probe(sandbox, "import os\nreturn sorted(os.listdir('/etc'))") == [
        *["group", "hosts", "ld.so.cache", "nsswitch.conf", "passwd"]
    ]
    code = "import os\nreturn sorted(os.listdir('/home')) + os.listdir('/tmp') + os.listdir('.')"
    inside = {part for path in (sys.prefix, str(PROJECT)) for part in Path(path).parts[2:3] if path.startswith("/tmp/")}
    assert set(probe(sandbox, code)) == {"student"} | inside
    devices = probe(sandbox, "import os\nreturn sorted(os.listdir('/dev'))")
    assert set(devices) <= {"fd", "full", "null", "random", "shm", "stdin", "stdout", "urandom", "zero"}


def test_no_repository_no_answers_and_no_book(sandbox):
    assert set(probe(sandbox, f"import os\nreturn os.listdir({str(PROJECT)!r})")) <= {"unrolled", ".venv"}
    sets = PROJECT / "unrolled" / "exercises" / "sets"
    assert probe(sandbox, f"import os\nreturn os.listdir({str(sets)!r})") == []
    code = """
import os
found = []
for folder, folders, files in os.walk('/'):
    if folder.startswith(('/proc', '/sys')):
        folders.clear()
    found += [f'{folder}/{name}' for name in [*folders, *files] if name in ('.git', 'solutions', 'directions.py', 'directions.ipynb', 'one_step.py')]
return found"""
    assert probe(sandbox, code) == []


def test_no_home_no_key_and_no_other_submission(tmp_path, monkeypatch):
    """A file that the teacher can read is not there, whichever folder it is in."""
    secret = tmp_path / "secret.txt"
    secret.write_text("key", encoding="utf-8")
    places = ["/root", "/etc/shadow", "/etc/ssh", "/var", "/run", "/opt", "/mnt", "/srv", os.path.expanduser("~")]
    python = os.path.realpath(sys.base_prefix), os.path.realpath(sys.prefix), str(PROJECT)
    places = [str(secret), *(place for place in places if not any(Path(one).is_relative_to(place) for one in python))]
    reading = (
        "import os\ndef final_states(output, hn):\n    found = [place for place in PLACES if os.path.exists(place)]\n"
        "    assert not found, found\n    return torch.cat([hn[-2], hn[-1]], dim=1)"
    )
    handed_in(tmp_path / "class" / "Ana.ipynb", notebook(f"PLACES = {places!r}", reading))
    out = tmp_path / "grades.csv"
    assert grade(tmp_path / "class", out).returncode == 0
    assert table(out)["Ana", "directions-3"]["status"] == "right", table(out)["Ana", "directions-3"]


def test_grades_of_classmates_are_not_read_at_a_second_run(tmp_path):
    out = tmp_path / "grades.csv"
    handed_in(tmp_path / "class" / "Ana.ipynb", notebook(RIGHT))
    assert grade(tmp_path / "class", out).returncode == 0
    looking = f"def final_states(output, hn):\n    raise ValueError(open({str(out)!r}, encoding='utf-8').read())"
    handed_in(tmp_path / "class" / "Ben.ipynb", notebook(looking))
    assert grade(tmp_path / "class", out).returncode == 0
    row = table(out)["Ben", "directions-3"]
    assert row["status"] == "could not grade"
    assert "Ana" not in row["feedback"]


def test_no_socket_is_reached_by_a_path(sandbox, tmp_path):
    path = tmp_path / "door"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        code = f"import socket\nsocket.socket(socket.AF_UNIX).connect({str(path)!r})"
        assert probe(sandbox, code)["raised"]["type"] == "FileNotFoundError"
    name = f"\0unrolled-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        code = f"import socket\nsocket.socket(socket.AF_UNIX).connect({name!r})"
        assert probe(sandbox, code)["raised"]["type"] == "ConnectionRefusedError"


def test_no_network(sandbox):
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"import socket\nsocket.create_connection({server.getsockname()!r}, timeout=2)"
        assert "raised" in probe(sandbox, code)


def test_the_environment_is_a_list(sandbox, monkeypatch):
    for name in ("SSH_AUTH_SOCK", "TMUX", "MY_TOKEN", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.setenv(name, "secret")
    assert set(environment()) <= {
        *("HOME", "USER", "LOGNAME", "LANG", "MPLBACKEND", "OMP_NUM_THREADS", "PATH", "PYTHONHASHSEED", "PYTHONPATH"),
        *("PYTHONSAFEPATH", *box_module.KEPT_VARIABLES),
    }
    seen = probe(sandbox, "import os\nreturn sorted(os.environ)")
    assert "secret" not in str(probe(sandbox, "import os\nreturn list(os.environ.values())"))
    assert not {"SSH_AUTH_SOCK", "TMUX", "MY_TOKEN"} & set(seen)
    assert "secret" not in str(probe(sandbox, "return open('/proc/self/environ').read()"))


def test_no_terminal_and_no_open_file_of_the_teachers(sandbox):
    assert "raised" in probe(sandbox, "open('/dev/tty', 'w')")
    assert "raised" in probe(sandbox, "open('/dev/pts/0', 'w')")
    code = (
        "import os\nfiles = sorted(os.listdir('/proc/self/fd'), key=int)\n"
        "return [os.readlink(f'/proc/self/fd/{file}') for file in files if os.path.exists(f'/proc/self/fd/{file}')]"
    )
    open_files = probe(sandbox, code)
    assert open_files[:3] == ["/dev/null"] * 3
    assert all(file == "/dev/null" or file.startswith(("pipe:", "/proc/")) for file in open_files)


def test_no_other_process_is_seen_and_no_right_is_left(sandbox):
    assert probe(sandbox, "import os\nreturn [name for name in os.listdir('/proc') if name.isdigit()]") == ["1"]
    status = probe(sandbox, "return open('/proc/self/status').read()[:2000]")
    assert "CapEff:\t0000000000000000" in status
    assert "CapBnd:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


UNDOING = {
    "a namespace": "return libc.unshare(0x10000000)",
    "a mount namespace": "return libc.unshare(0x10020000)",
    "a mount": "return libc.mount(b'none', b'/usr', b'tmpfs', 0, None)",
    "a writable root": "return libc.mount(None, b'/', None, 32 | 4096, None)",
    "an unmounted folder": "return libc.umount2(b'/tmp', 2)",
    "another root": "return libc.chroot(b'/tmp')",
    "a key": "return libc.syscall(248, b'user', b'x', b'y', 1, -3)",
    "shared memory": "return libc.shmget(0, 1000, 0o1600)",
    "semaphores": "return libc.semget(0, 32000, 0o1600)",
    "a memory file": "return libc.memfd_create(b'x', 0)",
}


@pytest.mark.parametrize("what", UNDOING)
def test_the_box_cannot_be_undone(sandbox, what):
    assert probe(sandbox, f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n{UNDOING[what]}") == -1


@pytest.mark.parametrize(
    "place", ["/x", "/usr/x", "/etc/passwd", "/home/x", "../x", "/proc/sys/kernel/hostname", "/dev/x"]
)
def test_nothing_is_written_but_at_home(sandbox, place):
    assert probe(sandbox, f"open({place!r}, 'w')")["raised"]["type"] in (
        "OSError",
        "PermissionError",
        "FileNotFoundError",
    )
    assert probe(sandbox, "open('/tmp/written-in-the-box', 'w').write('y')\nopen('x', 'w').write('z')\nreturn 1") == 1
    assert not os.path.exists("/tmp/written-in-the-box")


TOO_MUCH = {
    "memory files": "import os\nfiles = []\nfor number in range(45):\n    files.append(os.memfd_create(str(number)))\n    os.write(files[-1], b'x' * 10_000_000)\ntime.sleep(3)",
    "memory files in flight": "import os, socket\na, b = socket.socketpair()\nfor number in range(60):\n    file = os.memfd_create(str(number))\n    os.write(file, b'x' * 10_000_000)\n    socket.send_fds(a, [b'x'], [file])\n    os.close(file)\ntime.sleep(3)",
    "memory of several processes": "import os\nfor _ in range(4):\n    if os.fork() == 0:\n        x = bytearray(b'x') * 200_000_000\n        time.sleep(5)\ntime.sleep(5)",
    "shared memory": "import mmap\nx = mmap.mmap(-1, 450_000_000)\nfor at in range(0, 450_000_000, 4096): x[at] = 1\ntime.sleep(3)",
    "memory of one that hides": "import ctypes, os\nctypes.CDLL(None).prctl(4, 0)\nif os.fork() == 0:\n    x = bytearray(b'x') * 200_000_000\n    time.sleep(5)\nx = bytearray(b'x') * 200_000_000\ntime.sleep(5)",
}  # fmt: skip


@pytest.mark.parametrize("what", TOO_MUCH)
def test_memory_is_limited_as_a_sum(sandbox, what):
    run = run_probe(sandbox, f"import time\n{TOO_MUCH[what]}")
    refused = b"Cannot allocate memory" in run.written or b"Function not implemented" in run.written
    assert run.end in ("memory", "died") or refused


def test_processes_are_limited_as_a_sum(sandbox):
    code = "import os, time\nfor _ in range(200):\n    try:\n        if os.fork() == 0:\n            time.sleep(10)\n            os._exit(0)\n    except OSError:\n        pass\ntime.sleep(3)\nreturn 1"
    run = run_probe(sandbox, code)
    assert run.end == "processes" or any(line.get("exercise") for line in parsed_lines(run.written))


def test_open_files_that_a_thread_has_for_itself_count(monkeypatch):
    """Only Linux's list of that thread's files shows them."""
    open_now, looked = threading.Event(), threading.Event()

    def hold() -> None:
        assert ctypes.CDLL(None).unshare(0x400) == 0
        pipes = [os.pipe() for _ in range(20)]
        open_now.set()
        looked.wait()
        for file in (file for pipe in pipes for file in pipe):
            os.close(file)

    monkeypatch.setattr("unrolled.grading.sandbox.watch.BUFFER", 10**9)  # so that a pipe is more than all the rest
    before = memory_of([os.getpid()])
    thread = threading.Thread(target=hold)
    thread.start()
    open_now.wait()
    with_pipes = memory_of([os.getpid()])
    looked.set()
    thread.join()
    assert with_pipes - before > 19 * 10**9


def test_files_are_limited_in_number(sandbox):
    """An empty one takes a thousand bytes of the system's memory, and none of the space of its folder."""
    code = "try:\n    for number in range(100_000): open(str(number), 'w').close()\nexcept OSError as error:\n    return [number, error.strerror]"
    number, why = probe(sandbox, code)
    assert number < 5000
    assert why == "No space left on device"


def test_a_little_memory_is_no_matter(sandbox):
    assert (
        probe(sandbox, "x = bytearray(b'x') * 100_000_000\nimport time\ntime.sleep(0.5)\nreturn len(x)") == 100_000_000
    )


def test_a_link_to_a_classmates_notebook_is_not_followed(tmp_path):
    handed_in(tmp_path / "class" / "Ana" / "directions.ipynb", notebook(RIGHT))
    (tmp_path / "class" / "Ben").mkdir()
    (tmp_path / "class" / "Ben" / "directions.ipynb").symlink_to(tmp_path / "class" / "Ana" / "directions.ipynb")
    (tmp_path / "class" / "Cem").symlink_to(tmp_path / "class" / "Ana")
    result = grade(tmp_path / "class", tmp_path / "grades.csv")
    assert result.returncode == 0
    rows = table(tmp_path / "grades.csv")
    assert {student for (student, _), row in rows.items() if row["status"] == "right"} == {"Ana"}
    assert "symbolic link" in result.stderr


def test_names_with_escape_sequences_are_not_printed_raw(tmp_path):
    handed_in(tmp_path / "class" / "Ana.ipynb", notebook(RIGHT))
    (tmp_path / "class" / "\x1b]0;evil\x07").mkdir()
    result = grade(tmp_path / "class", tmp_path / "grades.csv")
    assert "\x1b" not in result.stderr + result.stdout
    assert "evil" in result.stderr


@pytest.mark.parametrize(
    "start", ["=1+1", " =1+1", "\r=1+1", "\n=1+1", "\t=1+1", "+1", "-1", "@x", "  @x", "\u00a0=1", "\ufeff=1"]
)
def test_no_cell_of_the_table_is_a_formula(start):
    from unrolled.grading.grade_table import without_formula

    assert str(without_formula(start)).startswith("'")
    assert without_formula(f"a{start}") == f"a{start}"


def test_without_isolation_every_run_says_so_and_can_be_refused(tmp_path, monkeypatch):
    """The code that runs here is harmless."""
    monkeypatch.setattr(Sandbox, "isolation", property(lambda self: [], lambda self, value: None), raising=False)
    handed_in(tmp_path / "class" / "Ana.ipynb", notebook(RIGHT))
    out = tmp_path / "grades.csv"
    refused = grade(tmp_path / "class", out, "--require-isolation")
    assert refused.returncode == 2
    assert "Nothing was run." in refused.stderr
    assert not out.exists()
    for _ in range(2):
        said = grade(tmp_path / "class", out).stdout
        assert "Nothing else kept the submissions from the rest of this computer" in said
        report = (tmp_path / "grades" / "report.html").read_text(encoding="utf-8")
        assert "Nothing else kept the submissions from the rest of this computer" in report
        assert '"isolation": []' in (tmp_path / "grades" / "results.jsonl").read_text(encoding="utf-8")
