"""Installing: what is set up for pip counts for uv, and pip does what uv cannot. The lock covers what is required."""

import hashlib
import re
import zipfile
from importlib.metadata import requires

import install
import lock
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "only-in-this-folder"
# What PyPI's torch brings on Linux, and PyTorch's CPU build does not.
CUDA = re.compile(r"cuda-|nvidia-|triton")


def test_a_variable_goes_before_a_section_and_a_section_before_the_global_one():
    listing = (
        "global.find-links='/a'\ninstall.find-links='/b'\nglobal.timeout='9'\n:env:.timeout='180'\nlist.format='json'"
    )
    assert install.effective_settings(listing) == {"find-links": "/b", "timeout": "180"}


def test_several_values_are_separated_as_uv_wants_them():
    settings = install.for_uv({"find-links": "/a\n/b", "extra-index-url": "https://a.example https://b.example"})
    assert settings.variables["UV_FIND_LINKS"] == "/a,/b"
    assert settings.variables["UV_INDEX"] == "https://a.example https://b.example"
    assert settings.unknown == ()


def test_a_switch_that_is_off_stays_off():
    assert "UV_NO_CACHE" not in install.for_uv({"no-cache-dir": "false"}).variables
    assert install.for_uv({"no-cache-dir": "true"}).variables["UV_NO_CACHE"] == "true"


@pytest.fixture
def folder_of_wheels(tmp_path, monkeypatch):
    """A machine whose pip knows the wheels of one folder, and no index."""
    name = PACKAGE.replace("-", "_")
    with zipfile.ZipFile(tmp_path / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        of = f"{name}-1.0.dist-info"
        archive.writestr(f"{of}/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n")
        archive.writestr(f"{of}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{of}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path


def test_what_is_set_up_for_pip_counts_for_uv(folder_of_wheels, monkeypatch, capfd):
    assert install.install_packages(["--dry-run", PACKAGE]) == 0
    assert capfd.readouterr().out == ""
    constraint = folder_of_wheels / "constraint.txt"
    constraint.write_text(f"{PACKAGE}<1", encoding="utf-8")
    monkeypatch.setenv("PIP_CONSTRAINT", str(constraint))
    assert install.install_packages(["--dry-run", PACKAGE]) != 0


def test_pip_installs_where_uv_cannot_be_had(folder_of_wheels, monkeypatch, capfd):
    monkeypatch.setattr(install, "UV", folder_of_wheels / "uv")
    assert install.install_packages(["--dry-run", PACKAGE]) == 0
    assert capfd.readouterr().out.splitlines()[0] == "uv cannot be had here: pip installs instead, and takes longer"


def test_pip_installs_where_uv_does_not_know_a_setting(folder_of_wheels, monkeypatch, capfd):
    monkeypatch.setenv("PIP_PREFER_BINARY", "1")
    assert install.install_packages(["--dry-run", PACKAGE]) == 0
    said = capfd.readouterr().out.splitlines()[0]
    assert (
        said == "pip is set up here with prefer-binary, which uv does not know: pip installs instead, and takes longer"
    )


def test_uv_refuses_a_file_that_the_lock_does_not_know(folder_of_wheels, monkeypatch, capfd):
    wheel, changed = next(folder_of_wheels.glob("*.whl")), folder_of_wheels / "requirements.lock"
    monkeypatch.setattr(install, "LOCK", changed)
    into = ["--target", str(folder_of_wheels / "into"), PACKAGE]
    changed.write_text(f"{PACKAGE}==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    assert install.install_packages(into) != 0
    assert "Hash mismatch" in capfd.readouterr().err
    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    changed.write_text(f"{PACKAGE}==1.0 --hash=sha256:{right}\n", encoding="utf-8")
    assert install.install_packages(into) == 0


# The lock


def locked() -> dict[str, Requirement]:
    """The lock's entry for each package that this Python on this system needs."""
    entries = map(
        Requirement, filter(re.compile(r"\w").match, lock.CONSTRAINTS.read_text(encoding="utf-8").splitlines())
    )
    return {canonicalize_name(entry.name): entry for entry in entries if not entry.marker or entry.marker.evaluate()}


def brought_in(requirements: list[str]) -> set[str]:
    """The names of the packages that these requirements bring in here, as they are installed."""
    reached: set[tuple[str, frozenset[str]]] = set()
    ahead = [Requirement(line) for line in requirements]
    while ahead:
        requirement = ahead.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key not in reached:
            reached.add(key)
            for line in requires(requirement.name) or []:
                needed = Requirement(line)
                if not needed.marker or any(needed.marker.evaluate({"extra": extra}) for extra in [*key[1], ""]):
                    ahead.append(needed)
    return {name for name, _ in reached}


def test_the_lock_has_what_is_required_and_nothing_else():
    entries = locked()
    for line in lock.requirements():
        requirement = Requirement(line)
        assert entries[canonicalize_name(requirement.name)].specifier == requirement.specifier, "run `make lock`"
    needed = brought_in(lock.requirements())
    assert needed <= entries.keys(), "run `make lock`"
    assert {name for name in entries.keys() - needed if not CUDA.match(name)} == set()


def test_the_lock_holds_on_the_other_systems_too():
    names = {line.split("==")[0] for line in lock.CONSTRAINTS.read_text(encoding="utf-8").splitlines()}
    assert {"colorama", "pywinpty", "appnope", "triton", "overrides"} <= names, "Windows, macOS, Linux, Python 3.11"


def test_every_locked_package_but_torch_has_hashes():
    text = install.LOCK.read_text(encoding="utf-8")
    entries = re.findall(r"^(\S+)==(?:.*\\\n)*.*$", text, re.MULTILINE)
    without = [name for name in entries if not re.search(rf"^{re.escape(name)}==.*\\\n +--hash", text, re.MULTILINE)]
    assert without == ["torch"]


def test_pip_goes_by_the_same_versions():
    assert lock.CONSTRAINTS.read_text(encoding="utf-8") == lock.without_hashes(install.LOCK.read_text(encoding="utf-8"))
