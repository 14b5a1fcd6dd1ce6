"""The package as it is installed: one version, and nothing missing."""

import tomllib

import yaml
from notebooks import ROOT

import unrolled


def test_the_version_has_one_source():
    """`__version__`; pyproject.toml reads it, the citation and the changelog agree with it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "unrolled/__init__.py"
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == unrolled.__version__
