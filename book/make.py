"""Keep the chapters in step, execute them, and build the site. The Makefile calls this.

    python book/make.py sync       book/NN.md -> notebooks/NN.ipynb, keeping outputs that still fit
    python book/make.py execute    stale chapters -> _build/executed/, two at a time
    python book/make.py notebooks  the same, and stored in notebooks/ too
    python book/make.py site       _build/executed/, book/ and recipes/ -> _build/html
    python book/make.py coursework student and instructor notebooks -> _build/coursework/
                                   (options: --format, --chapters, --exercises, --dataset, --secret)

``book/*.md`` is the source. A chapter is stale when its cells, ``umixup/``, ``results/`` or the
installed versions have changed. Only ``sync`` and ``notebooks`` write into ``notebooks/``.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import answers
import card
import courses
import coursework
import exercises
import formats
import formulas
import generated
import jupytext
import kernels
import light
import nbformat
import pages
import plain
import previews
import searching
import works
import yaml
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image

WORKERS = 2
CELL_TIMEOUT_S = 600
README_FIGURE = "fig-moons"
# Cells that are there and out of the way: folded to one line, or (None) not on the page at all.
FOLDED = {
    "plumbing": None,
    "setup": "set-up",
    "parameters": "parameters",
    "verified": "verified",
    "hide-input": "the code",
}
# Where a hosted notebook service finds umixup; the first cell of each chapter has this line.
REPOSITORY_LINE = re.compile(r'^repository = ".*"$', re.MULTILINE)


class BookError(Exception):
    """The book cannot be made, for a reason that fits one line."""


class Book:
    """The book below a root folder: this checkout, or a small copy in a test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.executed = root / "_build" / "executed"
        self.running: list[NotebookClient] = []
        self.stopped = False

    def chapters(self) -> list[str]:
        """The names of the numbered chapters, in order: "01_mixup" and so on."""
        return [name for name in self.notebooks() if name[0].isdigit()]

    def notebooks(self) -> list[str]:
        """The names of all pages in _toc.yml that are executed: chapters, and such as "use_it"."""
        toc = yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))
        files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
        return [file.split("/")[1] for file in files if file.startswith("notebooks/")]

    def source(self, chapter: str) -> NotebookNode:
        """The chapter as written in book/, as a notebook without outputs."""
        path = self.root / "book" / f"{chapter}.md"
        if not path.is_file():
            raise BookError(f"book/{chapter}.md is missing, and _toc.yml names it")
        notebook = deepcopy(_parsed(path.read_text(encoding="utf-8")))
        repository = self.repository() or ""
        for cell in notebook.cells:
            cell.source = REPOSITORY_LINE.sub(f'repository = "{repository}"', cell.source)
            if set(cell.metadata.get("tags", [])) & {"plumbing", "setup", "verified"}:
                cell.metadata["jupyter"] = {"source_hidden": True}
        return notebook

    def plain(self, chapter: str, *, solved: bool = True) -> NotebookNode:
        """The chapter in plain Markdown, as Jupyter shows it; or a student's, without solutions."""
        return self.handout(self.source(chapter), solved=solved)

    def handout(
        self, source: NotebookNode, *, solved: bool, keep: Collection[str] | None = None
    ) -> NotebookNode:
        """The same of a chapter's source, with all its exercises or with those that are kept."""
        texts = (page.read_text(encoding="utf-8") for page in (self.root / "book").glob("*.md"))
        titles, asked, source = plain.titles(tuple(texts)), self.asked(), deepcopy(source)
        exercises.introduce(source, self.facts(), asked)
        references = self.root / "book" / "references.bib"
        cited = works.read(references) if references.is_file() else {}
        if solved:
            return coursework.instructor(source, titles, cited, keep=keep)
        return coursework.student(source, titles, asked, cited, keep=keep)

    def facts(self) -> Mapping[str, exercises.Facts]:
        """Name, minutes, points and difficulty of each exercise, by its label."""
        path = self.root / "book" / "exercises.yaml"
        return exercises.facts(path) if path.is_file() else {}

    def asked(self) -> dict[str, answers.Asked]:
        """The functions that exercises ask for, by the exercises' labels."""
        return answers.read(self.root / "book" / "checks")

    def stored(self, chapter: str) -> NotebookNode | None:
        """The chapter as stored in notebooks/, if it is there."""
        return _read(self.root / "notebooks" / f"{chapter}.ipynb")

    def in_step(self, chapter: str) -> bool:
        """Do book/ and notebooks/ hold the same cells? Outputs and the repository aside."""
        stored = self.stored(chapter)
        return stored is not None and _cells(stored) == _cells(self.plain(chapter))

    def repository(self) -> str | None:
        """Where the book lives: a setting, the hosted workflow's variable, or the remote."""
        if "UMIXUP_REPOSITORY" in os.environ:
            return os.environ["UMIXUP_REPOSITORY"] or None
        if "GITHUB_REPOSITORY" in os.environ:
            server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
            return f"{server}/{os.environ['GITHUB_REPOSITORY']}"
        if shutil.which("git") is None:
            return None
        remote = subprocess.run(
            ["git", "-C", str(self.root), "remote", "get-url", "origin"],
            capture_output=True,
            text=True,
            check=False,
        )
        return public_address(remote.stdout.strip())

    def sync(self) -> None:
        """Carry the sources over to notebooks/; outputs stay where their cell is unchanged."""
        for chapter in self.notebooks():
            if self.in_step(chapter):
                continue
            new, old = self.plain(chapter), self.stored(chapter)
            if old is not None:
                _carry_over(old, new)
            _write(new, self.root / "notebooks" / f"{chapter}.ipynb")
            print(f"synced   notebooks/{chapter}.ipynb")

    def execute(self) -> list[str]:
        """Execute the stale chapters, the longest first; returns the names of those that failed.

        Broken off by Ctrl-C, it ends the kernels that run and starts no other.
        """
        _folder(self.executed)
        pool = ThreadPoolExecutor(WORKERS)
        longest_first = sorted(self.notebooks(), key=self._took, reverse=True)
        around = self._around()
        try:
            ran = pool.map(lambda name: self._execute(name, around), longest_first)
            return [name for name in ran if name]
        except KeyboardInterrupt:
            self.stopped = True
            pool.shutdown(wait=False, cancel_futures=True)
            for client in list(self.running):
                kernels.end(client)
            raise
        finally:
            pool.shutdown()

    def _took(self, chapter: str) -> float:
        """How long the chapter took when it was stored; 0 if nobody knows."""
        stored = self.stored(chapter)
        return stored.metadata.get("umixup", {}).get("seconds", 0) if stored else 0

    def _execute(self, chapter: str, around: str) -> str | None:
        target = self.executed / f"{chapter}.ipynb"
        notebook = self.source(chapter)
        key = hashlib.sha256((repr(_cells(notebook)) + around).encode()).hexdigest()
        executed = _read(target)
        if executed is not None and executed.metadata.get("umixup", {}).get("key") == key:
            print(f"fresh    {chapter}", flush=True)
            return None
        _remove(target)
        if not self.in_step(chapter):
            print(f"note     notebooks/{chapter}.ipynb is out of step: make sync", flush=True)
        start = time.perf_counter()
        folder = {"metadata": {"path": str(self.root / "notebooks")}}
        with tempfile.TemporaryDirectory() as sockets:
            client = NotebookClient(
                notebook,
                config=kernels.listening(sockets),
                timeout=CELL_TIMEOUT_S,
                kernel_name="python3",
                resources=folder,
                shutdown_kernel="immediate",  # a kernel that tidies up takes a second more
            )
            self.running.append(client)
            try:
                client.execute()
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                if self.stopped:
                    return None
                print(f"FAILED   {chapter}\n{error}", file=sys.stderr, flush=True)
                return chapter
            finally:
                self.running.remove(client)
        seconds = time.perf_counter() - start
        notebook.metadata.umixup = {"key": key, "seconds": seconds}
        _write(notebook, target)
        print(f"executed {chapter} in {seconds:.0f} s", flush=True)
        return None

    def _around(self) -> str:
        """A digest of what every chapter depends on, beside its cells."""
        digest = hashlib.sha256()
        for folder in ("umixup", "results"):
            for path in sorted((self.root / folder).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    digest.update(str(path.relative_to(self.root)).encode() + path.read_bytes())
        digest.update(sys.version.encode())
        installed = importlib.metadata.distributions()
        digest.update(repr(sorted((d.name, d.version) for d in installed)).encode())
        return digest.hexdigest()

    def _ran(self, chapter: str) -> NotebookNode:
        """The chapter as executed; that it is fresh is not asked."""
        notebook = _read(self.executed / f"{chapter}.ipynb")
        if notebook is None or "umixup" not in notebook.metadata:
            raise BookError(f"{chapter} is not executed: python book/make.py execute")
        return notebook

    def store(self) -> None:
        """Put the executed chapters into notebooks/."""
        for chapter in self.notebooks():
            ran, notebook = self._ran(chapter), self.plain(chapter)
            _carry_over(ran, notebook)
            # The head of a chapter says how long it takes: a test holds it against this.
            notebook.metadata.umixup = {"seconds": round(ran.metadata.umixup.seconds)}
            for cell in notebook.cells:
                figure = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
                if figure == README_FIGURE:
                    image = next(o.data["image/png"] for o in cell.outputs if "data" in o)
                    _on_white(base64.b64decode(image), self.root / "book/_static/moons.png")
            _write(notebook, self.root / "notebooks" / f"{chapter}.ipynb")

    def site(self) -> int:
        """Build the site from the executed chapters; the exit status of jupyter-book."""
        stage = self.root / "_build" / "source"
        _remove(stage)
        _folder(stage / "notebooks")
        _folder(self.root / "_build" / "html")
        chapters = self.notebooks()
        self._stage(stage, chapters)
        sources = generated.Sources(self.root, {c: self.source(c) for c in chapters})
        for page in (stage / "book").glob("*.md"):
            page.write_text(generated.filled(page.read_text("utf-8"), sources), encoding="utf-8")
        facts, asked = self.facts(), self.asked()
        for chapter in chapters:
            ran, notebook = self._ran(chapter), self.source(chapter)
            _carry_over(ran, notebook)
            exercises.introduce(notebook, facts, asked)
            _fold(notebook)
            notebook.cells.append(nbformat.v4.new_markdown_cell(self._provenance(ran)))
            _write(notebook, stage / "notebooks" / f"{chapter}.ipynb")
        config = yaml.safe_load((self.root / "_config.yml").read_text(encoding="utf-8"))
        repository = self.repository() or ""
        if any(host in repository for host in ("github", "gitlab", "bitbucket")):  # the theme's
            config["repository"] = {"url": repository, "branch": "main"}
            config["html"] |= {"use_repository_button": True, "use_issues_button": True}
        if repository.startswith("https://github.com/"):  # what Colab opens
            config["launch_buttons"] = {"colab_url": "https://colab.research.google.com"}
        (stage / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        # --all, since an incremental build does not see a reference that goes dead elsewhere.
        command = [str(Path(sys.executable).with_name("jupyter-book")), "build", "--all"]
        command += [
            "-W",
            "-n",
            "--keep-going",
            "--quiet",
            "--path-output",
            str(self.root),
            str(stage),
        ]
        paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        own = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}  # for the extension "quick"
        with subprocess.Popen(command, env=own) as sphinx:
            downloads = self._downloads()
        return sphinx.returncode or self._complete(repository, downloads)

    def _stage(self, stage: Path, chapters: Sequence[str]) -> None:
        """Copy what the pages are made of; the bank of questions is never published."""
        chapters_too = (f"{chapter}.md" for chapter in chapters)
        unwanted = shutil.ignore_patterns("*.py", "__pycache__", "bank", "slides", *chapters_too)
        shutil.copytree(self.root / "book", stage / "book", ignore=unwanted)
        shutil.copy(self.root / "_toc.yml", stage)
        if (recipes := self.root / "recipes").is_dir():  # a page includes these scripts
            others = shutil.ignore_patterns("__pycache__", "*.toml")
            shutil.copytree(recipes, stage / "recipes", ignore=others)

    def _complete(self, repository: str, downloads: Mapping[str, str]) -> int:
        """Turn jupyter-book's pages into the site that is published; 0."""
        html = self.root / "_build" / "html"
        owner, _, name = repository.removeprefix("https://github.com/").partition("/")
        on_pages = repository.startswith("https://github.com/")
        citation = yaml.safe_load((self.root / "CITATION.cff").read_text(encoding="utf-8"))
        for notebook, text in downloads.items():
            path = html / "_sources" / "notebooks" / f"{notebook}.ipynb"
            path.write_text(text, encoding="utf-8")
        card.draw(html / pages.CARD, citation["title"].partition(":")[2].partition(",")[0].strip())
        light.lighten(html)
        pages.finish(html, citation, f"https://{owner}.github.io/{name}/" if on_pages else "")
        formulas.typeset(html)
        previews.write(html)
        searching.write(html)
        return 0

    def coursework(self, wanted: courses.Wanted = courses.ALL) -> list[str]:
        """Write the student's and the instructor's notebooks, with the outputs of chapters in step.

        Returns what is wrong with the exercises; then none are written, and no old ones left.

        Raises:
            BookError: something is wanted that there is not, or its tool is not installed.
        """
        folder = self.root / "_build" / "coursework"
        sources = {chapter: self.source(chapter) for chapter in self.chapters()}
        try:
            chosen = courses.chosen(wanted, sources)
            tool = formats.tool(wanted.format)
        except ValueError as error:
            raise BookError(str(error)) from error
        side = courses.side(self.root)
        secret = wanted.secret or side["secret"]
        _remove(folder)
        if wrong := exercises.problems(sources):
            return wrong
        plan = courses.plan(chosen, self.facts(), self.asked(), wanted.exercises)
        for chapter, source in chosen.items():
            stored = self.stored(chapter) if self.in_step(chapter) else None
            if stored is None:
                print(f"note     {chapter} has no outputs: make notebooks", flush=True)
            if wanted.dataset and courses.set_dataset(source, wanted.dataset):
                print(f"note     {chapter} has no outputs: they would be of other data", flush=True)
                stored = None
            made = {}
            for kind in ("student", "instructor"):
                made[kind] = self.handout(
                    source, solved=kind == "instructor", keep=wanted.exercises or None
                )
                if stored is not None:
                    _carry_over(stored, made[kind])
                if kind == "instructor" or tool is None:
                    _folder(folder / kind)
                    _write(made[kind], folder / kind / f"{chapter}.ipynb")
            if tool is not None:
                course = formats.Course(self.asked(), plan[chapter], secret, self.repository())
                tool.write(folder, chapter, made["student"], course)
        side = {"secret": secret, "chapters": side["chapters"] | plan}
        (self.root / courses.SIDE).write_text(json.dumps(side, indent=1), encoding="utf-8")
        if tool is None:
            _packed(folder / "student")
        many = "" if len(chosen) == 1 else "s"
        print(f"written  {folder.relative_to(self.root)}: {len(chosen)} chapter{many}", flush=True)
        return []

    def _downloads(self) -> dict[str, str]:
        """What is behind the site's buttons: plain notebooks without outputs, and a student's."""
        made = {chapter: self.plain(chapter) for chapter in self.notebooks()}
        for chapter in self.chapters():
            made[f"{chapter}_exercises"] = self.plain(chapter, solved=False)
        return {
            name: json.dumps(notebook, ensure_ascii=False, separators=(",", ":"))
            for name, notebook in made.items()
        }

    def _provenance(self, notebook: NotebookNode) -> str:
        """A chapter's last lines: when, how long, with what and on which profile it ran."""
        from umixup.training.environment import environment

        ran = [c.metadata.execution for c in notebook.cells if "execution" in c.metadata]
        date = ran[-1]["iopub.status.idle"][:16].replace("T", " ") if ran else "an unknown date"
        about = environment()
        profile = _parameters(notebook).get("profile")
        return (
            ":::{admonition} How this page was made\n:class: tip provenance\n"
            f"Executed on {date} UTC in {notebook.metadata.umixup.seconds:.0f} s, "
            + (f"profile `{profile}`, " if profile else "")
            + f"with Python {about['python']}, umixup {about['umixup']}, torch {about['torch']}, "
            f"numpy {about['numpy']} on {about['system']}"
            + (f", commit `{about['commit'][:10]}`" if about["commit"] else "")
            + ".\n:::\n"
        )


@lru_cache(maxsize=64)
def _parsed(text: str) -> NotebookNode:
    notebook = jupytext.reads(text, "md:myst")
    notebook.metadata.pop("jupytext", None)
    return notebook


def public_address(remote: str) -> str | None:
    """The web address that anybody can clone, of a git remote; ``None`` of one on this machine.

    >>> public_address("git@gitlab.com:someone/book.git")
    'https://gitlab.com/someone/book'
    """
    if short := re.fullmatch(r"[\w.-]+@([\w.-]+):(.+)", remote):
        remote = f"ssh://{short[1]}/{short[2]}"
    url = urlsplit(remote)
    if url.scheme not in ("http", "https", "ssh", "git") or "." not in (url.hostname or ""):
        return None
    on_the_web = url.scheme.startswith("http")
    host = url.netloc.rpartition("@")[2] if on_the_web else url.hostname  # never a password
    scheme = url.scheme if on_the_web else "https"
    return f"{scheme}://{host}{url.path.rstrip('/').removesuffix('.git')}"


def _parameters(notebook: NotebookNode) -> dict[str, str]:
    """Names and default values in the cell tagged "parameters"."""
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            return dict(re.findall(r'^(\w+)\s*=\s*"?([^"#\n]*?)"?\s*(?:#.*)?$', cell.source, re.M))
    return {}


def _cells(notebook: NotebookNode) -> list[tuple[str, str, str]]:
    """What makes two notebooks the same chapter: type, text and metadata of each cell."""
    return [
        (
            cell.cell_type,
            REPOSITORY_LINE.sub('repository = ""', cell.source),
            repr(sorted((k, v) for k, v in cell.metadata.items() if k != "execution")),
        )
        for cell in notebook.cells
    ]


def _carry_over(old: NotebookNode, new: NotebookNode) -> None:
    """Give the new notebook's code the identities and outputs of the old one's equal cells."""
    new.metadata |= {k: old.metadata[k] for k in ("language_info", "umixup") if k in old.metadata}
    left = [cell for cell in old.cells if cell.cell_type == "code"]
    for cell in new.cells:
        for same in left:
            if (same.cell_type, same.source) == (cell.cell_type, cell.source):
                left.remove(same)
                cell.update({k: same[k] for k in ("id", "outputs", "execution_count") if k in same})
                break


def _on_white(png: bytes, path: Path) -> None:
    """Figures are transparent; where a page cannot invert them, they need a ground."""
    figure = Image.open(io.BytesIO(png)).convert("RGBA")
    ground = Image.new("RGBA", figure.size, "white")
    Image.alpha_composite(ground, figure).convert("RGB").save(path, optimize=True)


def _fold(notebook: NotebookNode) -> None:
    """Tell the site which cells it folds, and what it writes on them."""
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        for tag, prompt in FOLDED.items():
            if tag not in tags:
                continue
            if prompt is None:
                tags.append("remove-cell")
                continue
            if tag != "hide-input":
                tags.append("hide-cell")
            shown = {"code_prompt_show": prompt, "code_prompt_hide": prompt}
            cell.metadata["mystnb"] = cell.metadata.get("mystnb", {}) | shown


def _read(path: Path) -> NotebookNode | None:
    """The notebook in a file; ``None`` if there is none, or none that can be read."""
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, nbformat.ValidationError):
        return None


def _remove(path: Path) -> None:
    """Whatever stands where a file of ours is to be."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists() or path.is_symlink():
        path.unlink()


def _folder(path: Path) -> None:
    """Make a folder of ours; a file that stands in its way goes."""
    for one in (*reversed(path.parents), path):
        if one.exists() and not one.is_dir():
            one.unlink()
    path.mkdir(parents=True, exist_ok=True)


def _write(notebook: NotebookNode, path: Path) -> None:
    beside = path.with_suffix(".part")
    nbformat.write(notebook, beside)
    beside.replace(path)


def _packed(folder: Path) -> None:
    """A folder as an archive beside it, to upload; the same bytes each time."""
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(f"{folder.name}/{path.name}"), path.read_bytes())


def main(arguments: list[str]) -> int:
    """Run one command; the exit status."""
    commands = ("sync", "execute", "notebooks", "site", "coursework")
    wanted = courses.ALL
    if arguments[:1] == ["coursework"]:
        wanted = courses.parsed(arguments[1:])
    elif len(arguments) != 1 or arguments[0] not in commands:
        print(f"usage: python book/make.py {{{'|'.join(commands)}}}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(arguments[0], Book(Path.cwd()), wanted)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BookError as error:
        print(f"book/make.py: {error}", file=sys.stderr)
        return 1


def _run(command: str, book: Book, wanted: courses.Wanted) -> int:
    match command:
        case "sync":
            book.sync()
        case "site":
            return book.site()
        case "coursework":
            if wrong := book.coursework(wanted):
                print("\n".join(wrong), file=sys.stderr)
                return 1
        case _:
            if failed := book.execute():
                print(f"failed: {', '.join(failed)}", file=sys.stderr)
                return 1
            if command == "notebooks":
                book.store()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
