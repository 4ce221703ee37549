"""What machines read about this project says what the project says of itself."""

import json
import re
import tomllib

import pytest
import yaml
from conftest import ROOT

import umixup

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
CODEMETA = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
RESCIENCE = yaml.safe_load((ROOT / "metadata.yaml").read_text(encoding="utf-8"))


def test_one_version():
    """The library's own; the others are held against it."""
    assert CITATION["version"] == CODEMETA["version"] == umixup.__version__
    assert PROJECT["dynamic"] == ["version"]
    date = CITATION["date-released"]
    assert CODEMETA["datePublished"] == date.isoformat()
    shown = f"{umixup.__version__}, {date.day} {date:%B %Y}"
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", changes, re.MULTILINE)[0] == shown
    page = (ROOT / "book/changes.md").read_text(encoding="utf-8")
    assert re.findall(r"^## .*$", page, re.MULTILINE)[0].endswith(f"({shown})")


def test_the_library_is_described_alike():
    for ours, theirs in (
        ("description", "description"),
        ("dependencies", "softwareRequirements"),
        ("keywords", "keywords"),
    ):
        assert PROJECT[ours] == CODEMETA[theirs]
    assert {f"https://spdx.org/licenses/{name}" for name in CITATION["license"]} == set(
        CODEMETA["license"]
    )


def test_one_paper():
    (paper,) = CITATION["references"]
    assert RESCIENCE["title"] == f"[Re] {paper['title']}"
    assert CODEMETA["referencePublication"]["name"] == paper["title"]
    number = paper["identifiers"][0]["value"].removeprefix("arXiv:")
    about = {k: v for one in RESCIENCE["replication"] for k, v in one.items()}
    assert about["doi"] == f"10.48550/arXiv.{number}"
    assert CODEMETA["referencePublication"]["identifier"] == f"https://doi.org/{about['doi']}"
    assert number in about["url"]
    assert all(author["family-names"] in about["cite"] for author in paper["authors"])
    assert f"{{{about['bib']}," in (ROOT / RESCIENCE["bibliography"]).read_text(encoding="utf-8")


@pytest.mark.parametrize("field", ["code", "data", "abstract", "type", "domain", "language"])
def test_the_journal_s_fields_are_there(field):
    assert field in RESCIENCE


def test_nobody_is_invented():
    names = [a["name"] for about in (RESCIENCE, CITATION) for a in about["authors"]]
    assert {*names, *(a["name"] for a in CODEMETA["author"])} == {"the umixup authors"}
