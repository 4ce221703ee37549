"""What a release holds, that it installs where nothing else is, and how it would be published.

With ``UMIXUP_DIST=dist`` the wheel and the archive in that folder are judged, as ``make release``
does. Without it, both are built here, in a copy of the repository in which there is junk as well.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, environment, linked
from packaging.requirements import Requirement

import umixup

pytestmark = pytest.mark.process

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME = f"umixup-{umixup.__version__}"
# What git has and the archive of the sources has not.
LEFT_OUT = re.compile(r"\.|notebooks/|results/unfinished/")
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt"}
EGG_INFO = {"PKG-INFO", "SOURCES.txt", "dependency_links.txt", "entry_points.txt"}
EGG_INFO |= {"requires.txt", "top_level.txt"}
JUNK = (
    "_build/html/index.html",
    "build/lib/umixup/gone.py",
    "data/mnist/x",
    "results/0123.json",
    "umixup/__pycache__/a.cpython-311.pyc",
    "tests/__pycache__/a.cpython-311.pyc",
    "book/.ipynb_checkpoints/a.ipynb",
    "book/.hidden",
    "recipes/.ruff_cache/CACHEDIR.TAG",
    "out.ipynb",
)


def tracked() -> list[str]:
    """The files of the repository: those of git, and new ones that it does not ignore."""
    command = ["git", "-C", ROOT, "ls-files", "-coz", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no clone: what belongs into a release is what git has")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """The wheel and the archive of the sources."""
    if given := os.environ.get("UMIXUP_DIST"):
        dist = ROOT / given
    else:
        copy = tmp_path_factory.mktemp("release") / "umixup"
        for name in tracked():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
        for name in JUNK:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).touch()
        # an older build's list of files, which setuptools reads again
        (copy / "umixup.egg-info").mkdir()
        (copy / "umixup.egg-info/SOURCES.txt").write_text("notebooks/01_mixup.ipynb\n.ci/run\n")
        dist = copy / "dist"
        build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", dist]
        done = subprocess.run(build, cwd=copy, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert sorted(p.name for p in dist.iterdir()) == [f"{NAME}-py3-none-any.whl", f"{NAME}.tar.gz"]
    return dist / f"{NAME}-py3-none-any.whl", dist / f"{NAME}.tar.gz"


# --- what is in them ----------------------------------------------------------------------------


def test_the_wheel_holds_the_package_and_its_metadata_alone(built):
    package = {name for name in tracked() if name.startswith("umixup/")}
    assert {"umixup/py.typed", "umixup/experiments/paper.csv"} <= package
    with zipfile.ZipFile(built[0]) as wheel:
        held = set(wheel.namelist())
    assert held == package | {f"{NAME}.dist-info/{name}" for name in METADATA}


def test_the_archive_holds_what_builds_and_tests_the_library_alone(built):
    wanted = {name for name in tracked() if not LEFT_OUT.match(name)}
    wanted |= {"PKG-INFO", "setup.cfg", *(f"umixup.egg-info/{name}" for name in EGG_INFO)}
    with tarfile.open(built[1]) as archive:
        held = {m.name.removeprefix(f"{NAME}/") for m in archive.getmembers() if m.isfile()}
    assert held == wanted
    for name in ("book/make.py", "tests/conftest.py", "results/digits.jsonl", "LICENSE"):
        assert name in held


def test_both_are_small(built):
    wheel, archive = (path.stat().st_size for path in built)
    assert wheel < 400_000
    assert archive < 12_000_000


def test_the_metadata_say_what_pyproject_says(built):
    with zipfile.ZipFile(built[0]) as wheel:
        text = wheel.read(f"{NAME}.dist-info/METADATA").decode()
    head, _, readme = text.partition("\n\n")
    for line in (
        f"Version: {umixup.__version__}",
        "License-Expression: MIT AND CC-BY-4.0",
        "License-File: LICENSE",
        "Requires-Python: >=3.11",
        "Description-Content-Type: text/markdown",
        *(f"Requires-Dist: {need}" for need in PROJECT["dependencies"]),
    ):
        assert line in head.splitlines(), line
    assert readme == (ROOT / "README.md").read_text(encoding="utf-8")


def test_twine_finds_nothing(built):
    done = subprocess.run(
        [sys.executable, "-m", "twine", "--no-color", "check", "--strict", *built],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASSED") == 2


# --- installed where nothing else is ------------------------------------------------------------

DOCTESTS = """
import doctest, importlib, importlib.metadata, os, pkgutil, sys

import umixup

ROOMS = ("training", "experiments", "_book")
here = os.path.realpath(sys.prefix)
assert os.path.realpath(umixup.__file__).startswith(here), umixup.__file__
assert umixup.__version__ == importlib.metadata.version("umixup")
assert os.path.isfile(os.path.join(os.path.dirname(umixup.__file__), "py.typed"))
modules = [m.name for m in pkgutil.walk_packages(umixup.__path__, "umixup.")]
if sys.argv[1] == "library":  # the trainer and the evidence need the extras
    modules = [name for name in modules if name.split(".")[1] not in ROOMS]
attempted = failed = 0
for name in sorted(modules):
    done = doctest.testmod(importlib.import_module(name))
    attempted, failed = attempted + done.attempted, failed + done.failed
print(f"{attempted} examples, {failed} failed")
sys.exit(failed > 0 or attempted < int(sys.argv[2]))
"""
EXTRAS = ("train", "robustness")


def names(*extras: str) -> tuple[str, ...]:
    """What the library needs, by name, with these extras."""
    lines = PROJECT["dependencies"] + [
        need for extra in extras for need in PROJECT["optional-dependencies"][extra]
    ]
    return tuple(Requirement(line).name for line in lines)


@pytest.fixture(scope="session")
def packages(tmp_path_factory) -> dict[str, Path]:
    """Folders of packages: what the library needs, and with its extras; pip and setuptools too."""
    return {
        "library": linked(tmp_path_factory.mktemp("p"), (*names(), "pip", "setuptools")),
        "extras": linked(tmp_path_factory.mktemp("p"), (*names(*EXTRAS), "pip", "setuptools")),
    }


@pytest.mark.long
@pytest.mark.parametrize("kind", ["library", "extras"])
@pytest.mark.parametrize("which", ["wheel", "sources"])
def test_it_installs_where_nothing_else_is_and_its_examples_hold(
    which, kind, built, packages, tmp_path, monkeypatch
):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    python = environment(tmp_path / "venv", packages[kind])
    what = str(built[which == "sources"]) + (f"[{','.join(EXTRAS)}]" if kind == "extras" else "")
    # all that is required is there, or pip would say so: it may ask no index
    install = [python, "-m", "pip", "install", "-q", "--no-index", "--no-build-isolation", what]
    done = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (tmp_path / "elsewhere").mkdir()
    least = {"library": 100, "extras": 190}[kind]
    done = subprocess.run(
        [python, "-I", "-c", DOCTESTS, kind, str(least)],
        cwd=tmp_path / "elsewhere",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert not list((tmp_path / "elsewhere").iterdir())
    if kind == "extras":
        command = [python.with_name("umixup"), "--help"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "umixup sweep" in done.stdout, done.stderr


@pytest.mark.long
def test_the_unpacked_archive_tests_itself(built, tmp_path):
    with tarfile.open(built[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    files = ("test_package.py", "test_citation.py", "test_paper.py", "test_schemes.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        + [f"tests/{name}" for name in files],
        cwd=tmp_path / NAME,
        env={**os.environ, "PYTHONPATH": str(tmp_path / NAME)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE)


# --- published ----------------------------------------------------------------------------------

WORKFLOWS = ROOT / ".github/workflows"
is_clone = pytest.mark.skipif(not WORKFLOWS.is_dir(), reason="the archive has no workflows")


def workflow(name: str) -> dict:
    return yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))


def step(job: str, name: str) -> str:
    """The shell commands of a step of the release."""
    [found] = [s for s in workflow("release.yml")["jobs"][job]["steps"] if s.get("name") == name]
    return found["run"]


def typed(commands: str, folder: Path, tag: str) -> subprocess.CompletedProcess[str]:
    given = {"GITHUB_REF_NAME": tag, "GITHUB_REPOSITORY": "example/umixup"}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", commands],
        cwd=folder,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
    )


@is_clone
def test_a_tag_is_built_published_by_trust_and_attached():
    release = workflow("release.yml")
    assert release[True] == {"push": {"tags": ["v*"]}}  # YAML 1.1 reads "on" so
    jobs = release["jobs"]
    assert release["permissions"] == {"contents": "read"}
    assert "make release" in [s.get("run") for s in jobs["build"]["steps"]]
    assert jobs["pypi"]["needs"] == "build"
    assert jobs["attach"]["needs"] == "pypi"
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}
    assert jobs["pypi"]["environment"]["name"] == "pypi"
    [*_, publish] = jobs["pypi"]["steps"]
    assert publish == {"uses": "pypa/gh-action-pypi-publish@release/v1"}  # no password
    assert "secrets" not in (WORKFLOWS / "release.yml").read_text()


@is_clone
def test_actions_have_one_version_in_all_workflows():
    used: dict[str, set[str]] = {}
    for path in WORKFLOWS.iterdir():
        for job in workflow(path.name)["jobs"].values():
            for one in job["steps"]:
                name, at, version = one.get("uses", "").partition("@")
                if at:
                    used.setdefault(name, set()).add(version)
    assert used["actions/checkout"] == {"v4"}
    assert all(len(versions) == 1 for versions in used.values()), used


@is_clone
def test_a_tag_of_another_version_is_refused():
    commands = step("build", "the tag is the version")
    assert typed(commands, ROOT, f"v{umixup.__version__}").returncode == 0
    for other in ("v9.9.9", f"v{umixup.__version__}.1", umixup.__version__[1:]):
        assert typed(commands, ROOT, other).returncode != 0


@is_clone
def test_links_of_the_readme_lead_somewhere_from_elsewhere(tmp_path):
    before = (ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(before, encoding="utf-8")
    done = typed(step("build", "links of the README with an address"), tmp_path, "v1.2.3")
    assert done.returncode == 0, done.stderr
    after = (tmp_path / "README.md").read_text(encoding="utf-8")
    links = re.compile(r"\]\(([^)]+)\)")
    for old, new in zip(links.findall(before), links.findall(after), strict=True):
        if old.startswith("https://"):
            assert new == old
        else:
            assert (ROOT / old).is_file(), old
            kind = "raw.githubusercontent.com/example/umixup"
            if not old.endswith(".png"):
                kind = "github.com/example/umixup/blob"
            assert new == f"https://{kind}/v1.2.3/{old}"
    assert links.sub("", before) == links.sub("", after)


@is_clone
def test_the_notes_of_a_release_are_its_part_of_the_changelog(tmp_path):
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    done = typed(step("attach", "what changed in this version"), tmp_path, f"v{umixup.__version__}")
    assert done.returncode == 0, done.stderr
    notes = (tmp_path / "notes.md").read_text(encoding="utf-8")
    assert "twenty chapters" in notes
    assert "\n## " not in notes
    assert notes.strip() in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
