"""The parts of the back pages that are computed when the site is built.

A page of book/ has a line ``% generated: name words``; the function of that name below writes what
stands there in the built page, as MyST. So a list of exercises, of chapters or of functions
cannot fall behind what it lists.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import symtable
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any, TypeVar

import answers
import exercises
import needs
import yaml
from nbformat import NotebookNode
from plain import Piece
from sphinx.pycode import ModuleAnalyzer

from umixup.training.environment import git

MARK = re.compile(r"^% generated: ([\w -]+)$", re.MULTILINE)
HEADING = re.compile(r"^\((\S+)\)=\n+# (?:(\d+)\. )?(.*)$", re.MULTILINE)
WORDS = 16  # of an exercise, in the index
# What stands or falls as one word: code, a formula, a reference.
ATOM = re.compile(r"(?:\{[\w:]+\})?`[^`]*`\S*|\$[^$]*\$\S*|\S+")


@dataclass(frozen=True)
class Sources:
    """What the book is made from, read once."""

    root: Path
    notebooks: dict[str, NotebookNode]  # by name, in the order of the book, without outputs

    @property
    def chapters(self) -> dict[str, NotebookNode]:
        """The numbered ones."""
        return {name: one for name, one in self.notebooks.items() if name[0].isdigit()}

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """All runs that are recorded."""
        from umixup import results

        folder = self.root / "results"
        return results.records(folder) if folder.exists() else []

    @cached_property
    def users(self) -> Mapping[tuple[str, str], list[Chapter]]:
        """For each name of the library, the executed pages whose code writes it."""
        found: dict[tuple[str, str], list[Chapter]] = defaultdict(list)
        for notebook in self.notebooks.values():
            code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
            for name in used_names("\n".join(code)):
                found[name].append(chapter(notebook))
        return found


def filled(text: str, book: Sources) -> str:
    """A page with each of its marks replaced by what it asks for."""

    def write(mark: re.Match[str]) -> str:
        name, *words = mark[1].split()
        if name not in WRITERS:
            raise ValueError(f"% generated: {name}: it must be one of {', '.join(WRITERS)}")
        return WRITERS[name](book, *words)

    return MARK.sub(write, text)


@dataclass(frozen=True)
class Chapter:
    """What a page that runs says of itself at its top."""

    label: str
    number: str  # "" for a page without one
    title: str
    builds_on: str  # as written, without what is the same everywhere
    time: str

    @property
    def link(self) -> str:
        """Its title, as a link."""
        return f"{{ref}}`{self.label}`"

    @property
    def needs(self) -> list[str]:
        """The labels of the chapters that it builds on."""
        return re.findall(r"\{ref\}`(?:[^`<]*<)?(ch-[\w-]+)>?`", self.builds_on)


def chapter(notebook: NotebookNode) -> Chapter:
    """What a notebook says of itself; a page that is no chapter says less."""
    text = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    label, number, title = HEADING.search(text).groups()  # type: ignore[union-attr]
    said = dict(re.findall(r"^- \*\*(Builds on|Time):\*\* (.*)$", text, re.MULTILINE))
    on = said.get("Builds on", "").replace("Symbols are collected in {ref}`notation`.", "")
    return Chapter(label, number or "", title, on.strip(), said.get("Time", ""))


# --- exercises ----------------------------------------------------------------------------------


def first_words(exercise: Piece, most: int = WORDS) -> str:
    """How an exercise begins: to the end of a sentence, or to so many words."""
    text = re.split(r"\n\s*\n|\$\$", exercise.body.strip())[0]
    atoms = ATOM.findall(text)
    for k, atom in enumerate(atoms[:most]):
        if k >= most // 2 and re.search(r"\w[.?!]$", atom):
            return _in_table(" ".join(atoms[: k + 1]))
    short = " ".join(atoms[:most])
    whole = len(atoms) <= most and not short.endswith(":")
    return _in_table(short if whole else short.rstrip(",;:") + " …")


def _in_table(text: str) -> str:
    """Strokes would end a table's cell: in formulas by their names, elsewhere escaped."""

    def spelt(formula: re.Match[str]) -> str:
        return formula[0].replace(r"\|", r"\Vert ").replace("|", r"\vert ")

    return re.sub(r"(?<!\\)\|", r"\|", re.sub(r"\$[^$]*\$", spelt, text))


def _exercises(notebook: NotebookNode) -> list[Piece]:
    found = [piece for _, piece, _ in exercises.walk(notebook)]
    return [piece for piece in found if piece is not None and piece.name == "exercise"]


def exercise_counts(book: Sources) -> str:
    """A table of how many exercises of each kind each chapter has."""
    rows, total = [], Counter[str]()
    for notebook in book.chapters.values():
        kinds = Counter(piece.argument for piece in _exercises(notebook))
        total += kinds
        rows.append([chapter(notebook).link, *_numbers(kinds)])
    rows.append(["all", *_numbers(total)])
    return _table(["chapter", *exercises.KINDS, "together"], rows)


def _numbers(kinds: Counter[str]) -> list[str]:
    return [*(str(kinds[kind]) for kind in exercises.KINDS), str(kinds.total())]


def exercise_tables(book: Sources) -> str:
    """For each chapter, a table of its exercises."""
    parts = []
    facts = exercises.facts(book.root / "book" / "exercises.yaml")
    for notebook in book.chapters.values():
        about = chapter(notebook)
        rows = []
        for piece in _exercises(notebook):
            label = piece.options["label"]
            name, minutes, points, difficulty = facts[label]
            rows.append(
                [
                    f"{{ref}}`{name} <{label}>`",
                    piece.argument,
                    *map(str, (minutes, points, difficulty)),
                    first_words(piece),
                    f"{{ref}}`solution <sol-{label.removeprefix('ex-')}>`",
                ]
            )
        heading = f"## {about.number}. {about.title}\n\n"
        table = _table(
            ["exercise", "kind", "minutes", "points", "difficulty", "how it begins", "solved"], rows
        )
        parts.append(f"{heading}:::{{div}} stacked exercises\n{table}\n:::")
    return "\n\n".join(parts)


def known_errors(book: Sources) -> str:
    """By chapter, for each exercise that asks for a function: known errors, and what to say."""
    facts = exercises.facts(book.root / "book" / "exercises.yaml")
    asked = answers.read(book.root / "book" / "checks")
    parts = []
    for notebook in book.chapters.values():
        labels = [piece.options["label"] for piece in _exercises(notebook)]
        found = [_errors(asked[label], facts[label].name) for label in labels if label in asked]
        if found:
            about = chapter(notebook)
            parts += [f"## {about.number}. {about.title}", *found]
    return "\n\n".join(parts) or "No exercise asks for a function yet."


def _errors(asked: answers.Asked, name: str) -> str:
    rows = []
    for wrong, (error, say) in asked.wrong.items():
        said = answers.visible(asked, getattr(asked.module, wrong))
        shown = f"“{_verbatim(said)}”" if said else "It passes; the other calls find it."
        begins = say[0].upper() if say[0].isascii() else say[0]  # a λ stays small
        rows.append([_in_table(_ticks(error)), shown, _in_table(_ticks(begins + say[1:]))])
    table = _table(["the error", "what the check says", "what to say"], rows)
    head = f"{{ref}}`{name} <{asked.label}>` asks for `{asked.name}`."
    return f"{head}\n\n:::{{div}} stacked errors\n{table}\n:::"


def _verbatim(text: str) -> str:
    """A line of plain text as Markdown shows it."""
    return re.sub(r"([\\`*_$|<>{}\[\]#~])", r"\\\1", " ".join(text.split()))


# --- chapters, for a course ---------------------------------------------------------------------


def chapters(book: Sources) -> str:
    """A table of what each chapter builds on, all that it needs, and the time it takes."""
    about = [chapter(notebook) for notebook in book.chapters.values()]
    rows = []
    for one in about:
        needed = before(one, about)
        numbers = [f"{{ref}}`{c.number} <{c.label}>`" for c in about if c.label in needed]
        reading, _, running = one.time.rstrip(".").partition("; ")
        reading = reading.removesuffix(", exercises apart").removesuffix(" to read")
        running = running.replace(" to run on one core", "")
        rows.append([one.link, one.builds_on, ", ".join(numbers) or "none", reading, running])
    return _table(["chapter", "builds on", "all before it", "to read", "to run"], rows)


def citation(book: Sources) -> str:
    """This version of the book as BibTeX: title, version, commit and the commit's date."""
    about = yaml.safe_load((book.root / "CITATION.cff").read_text(encoding="utf-8"))
    commit, _, date = (git(book.root, "log", "-1", "--format=%h %cs") or "").partition(" ")
    note = f"version {about['version']}" + (f", commit {commit}, {date}" if commit else "")
    lines = [
        "```bibtex",
        "@misc{umixup,",
        f"  title        = {{{about['title']}}},",
        "  author       = {{the umixup authors}},",
        f"  year         = {{{date[:4]}}},",
        f"  howpublished = {{{note}}},",
        "}",
        "```",
    ]
    return "\n".join(lines)


def needs_map(book: Sources) -> str:
    """The chapters as a map, a row for each part."""
    toc = yaml.safe_load((book.root / "_toc.yml").read_text(encoding="utf-8"))
    every = [chapter(notebook) for notebook in book.chapters.values()]
    parts = {}
    for part in toc["parts"]:
        names = [entry["file"].split("/")[1] for entry in part["chapters"]]
        about = {name: chapter(book.chapters[name]) for name in names if name in book.chapters}
        if about:
            parts[part["caption"]] = [
                needs.Box(
                    c.label, f"{c.number}. {c.title}", f"../notebooks/{name}.html", direct(c, every)
                )
                for name, c in about.items()
            ]
    return f"```{{raw}} html\n{needs.drawn(parts)}\n```"


def alone(book: Sources) -> str:
    """In words: the chapters that need no other, and those that need few."""
    about = [chapter(notebook) for notebook in book.chapters.values()]
    needed = {one.label: before(one, about) for one in about}

    def those(n: int) -> str:
        return ", ".join(one.link for one in about if len(needed[one.label]) == n) or "none"

    return (
        f"To be taught without any other chapter: {those(0)}. With one chapter before it: "
        f"{those(1)}. With two: {those(2)}."
    )


def before(one: Chapter, about: list[Chapter]) -> set[str]:
    """The labels of all chapters that come before this one, by what each builds on."""
    direct = [each for each in about if each.label in one.needs]
    return {each.label for each in direct}.union(*(before(each, about) for each in direct))


def direct(one: Chapter, about: list[Chapter]) -> list[str]:
    """The labels of what a chapter builds on, without what these build on themselves."""
    needed = [each for each in about if each.label in one.needs]
    indirect = set[str]().union(*(before(each, about) for each in needed))
    return [each.label for each in needed if each.label not in indirect]


def parameters(book: Sources) -> str:
    """A table of the parameters of each chapter, with their defaults."""
    rows = []
    for name, notebook in book.chapters.items():
        for cell in notebook.cells:
            if "parameters" in cell.metadata.get("tags", []):
                nodes = [n for n in ast.parse(cell.source).body if isinstance(n, ast.Assign)]
                shown = [f"`{ast.unparse(node.targets[0])}`" for node in nodes]
                rows.append([chapter(notebook).link, f"`notebooks/{name}.ipynb`", ", ".join(shown)])
    return _table(["chapter", "notebook", "parameters"], rows)


def profiles(book: Sources) -> str:
    """A table of what each profile trains."""
    from umixup import training

    rows = []
    for name in training.PROFILES:
        config = training.profile(name)
        size = "all" if config.train_size is None else f"{config.train_size:,}"
        shown = [config.dataset, str(config.width), str(config.epochs), size]
        rows.append([f"`{name}`", *shown])
    head = ["profile", "data set, unless named", "width", "epochs", "training samples"]
    return _table(head, rows)


# --- records ------------------------------------------------------------------------------------


def run_times(book: Sources) -> str:
    """A table of how long recorded runs took, by profile, data set and machine."""
    seconds = defaultdict(list)
    for record in book.records:
        sitting = record["sittings"][-1]
        where = f"{sitting['device']}, {sitting['processor']}", str(sitting["threads"])
        profile = record["profile"] or "another"
        data = str(record["config"]["dataset"])
        seconds[profile, data, *where].append(float(record["seconds"]))
    rows = [
        [f"`{profile}`", f"`{data}`", *where, str(len(times)), _duration(median(times))]
        for (profile, data, *where), times in sorted(seconds.items())
    ]
    return _table(["profile", "data set", "device", "threads", "runs", "median of a run"], rows)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def evidence(book: Sources) -> str:
    """How many recorded runs there are, and how many are at the paper's size or on a GPU."""
    found = book.records
    full = sum(record["profile"] == "full" for record in found)
    gpu = sum(any(s["device"] != "cpu" for s in record["sittings"]) for record in found)
    said = (
        f"Of {len(found)} recorded runs, {full or 'none'} {'are' if full > 1 else 'is'} at the "
        f"paper's size (`full`), and {gpu or 'none'} {'were' if gpu > 1 else 'was'} trained on "
        "a GPU."
    )
    if not full:
        said += " So every error that we measured is one of a reduced profile."
    if not gpu:
        said += " Nor do we give any times on a GPU."
    return said


# --- the library --------------------------------------------------------------------------------


def public_names(module: str) -> list[str]:
    """The names in ``um.MODULE``: its ``__all__``, or what it defines, in order."""
    imported = _imported(module)
    if hasattr(imported, "__all__"):
        return list(imported.__all__)
    source = inspect.getsource(imported)
    return [
        name
        for symbol in symtable.symtable(source, imported.__name__, "exec").get_symbols()
        if (symbol.is_assigned() and not symbol.is_imported())
        and not (name := symbol.get_name()).startswith("_")
        and not isinstance(getattr(imported, name, None), TypeVar)
    ]


def _imported(module: str) -> ModuleType:
    """The module that ``um.MODULE`` is."""
    import umixup

    return importlib.import_module(f"umixup.{umixup._MODULES[module]}")


def used_names(code: str) -> set[tuple[str, str]]:
    """(module, name) of the library that this code writes, such as um.losses.brier or um.parse."""
    import umixup

    tree = ast.parse(code)
    means: dict[str, tuple[str, ...]] = {"um": (), "umixup": ()}
    written = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "umixup":
            for alias in node.names:
                path = (*(node.module or "").split(".")[1:], alias.name)
                means[alias.asname or alias.name] = path
                written.add(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (chain := _chain(node)) and chain[0] in means:
            written.add((*means[chain[0]], *chain[1:]))
    found = set()
    for path in written:
        if path[0] in umixup._NAMES:
            found.add((umixup._NAMES[path[0]], path[0]))
        elif path[0] in umixup._MODULES and len(path) > 1:
            found.add((path[0], path[1]))
    return found


def _chain(node: ast.expr) -> tuple[str, ...]:
    match node:
        case ast.Name(id=name):
            return (name,)
        case ast.Attribute(value=value, attr=attr):
            return (*start, attr) if (start := _chain(value)) else ()
    return ()


def api(book: Sources, *modules: str) -> str:
    """The reference of these modules: what autodoc reads, and the pages that use each name."""
    return "\n\n".join(_module(module, book.users) for module in modules)


def _module(module: str, used: Mapping[tuple[str, str], list[Chapter]]) -> str:
    imported = _imported(module)
    lines = [f"(api-{module})=", f"## {module}", "", "```{eval-rst}"]
    lines += [f".. py:module:: umixup.{module}", "```", ""]
    lines += [f"`um.{module}` is the module `{imported.__name__}`.", ""]
    lines += [_as_markdown(imported.__doc__ or ""), ""]
    lines += ["```{eval-rst}"]
    for name in public_names(module):
        lines += [*_directive(module, name), ""]
        if pages := used.get((module, name)):
            lines += [f"   *Used in* {_listed(pages)}.", ""]
    return "\n".join([*lines, "```"])


def _listed(pages: list[Chapter]) -> str:
    numbers = [f":ref:`{one.number} <{one.label}>`" for one in pages if one.number]
    others = [f":ref:`{one.title} <{one.label}>`" for one in pages if not one.number]
    named = "chapter" if len(numbers) == 1 else "chapters"
    first = f"{named} {', '.join(numbers)}" if numbers else ""
    return "; ".join(filter(None, [first, *others]))


def _directive(module: str, name: str) -> Iterator[str]:
    value = getattr(_imported(module), name)
    full = f"umixup.{module}.{name}"
    if inspect.isclass(value) and issubclass(value, BaseException):
        yield f".. autoexception:: {full}"
    elif inspect.isclass(value):
        yield f".. autoclass:: {full}"
        yield "   :members:"
        if fields := getattr(value, "_fields", ()):  # of a NamedTuple: its docstring has them
            yield f"   :exclude-members: {', '.join(fields)}"
    elif inspect.isfunction(value):
        yield f".. autofunction:: {full}"
    else:
        yield f".. py:data:: {name}"
        if len(repr(value)) <= 80 and max(map(len, repr(value).split())) <= 30:  # on a phone
            yield f"   :value: {value!r}"
        yield ""
        yield from (f"   {line}" for line in _comment(module, name))


def _comment(module: str, name: str) -> list[str]:
    """The ``#:`` comment above a constant, wherever in the library it is defined."""
    import umixup

    library = Path(umixup.__file__).parent
    home = Path(inspect.getsourcefile(_imported(module)) or "").parent
    for path in sorted(library.rglob("*.py"), key=lambda path: path.parent != home):
        parts = path.relative_to(library.parent).with_suffix("").parts
        docs = ModuleAnalyzer.for_file(str(path), ".".join(parts)).find_attr_docs()
        if found := docs.get(("", name)):
            return found
    raise LookupError(f"um.{module}.{name} has no comment that begins with #:")


def _as_markdown(docstring: str) -> str:
    """A module's docstring: its indented lines are code."""
    text = []
    for block in re.split(r"\n\n(?=\S)", inspect.cleandoc(docstring)):
        words, *code = re.split(r"\n\n(?= {4})", block, maxsplit=1)
        text.append(words)
        if code:
            shown = inspect.cleandoc("\n" + code[0])
            language = "sh" if shown.startswith("umixup ") else "python"
            text.append(f"```{language}\n{shown}\n```")
    return _ticks("\n\n".join(text))


def _ticks(text: str) -> str:
    return re.sub(r"(?<!`)``([^`\n]+)``(?!`)", r"`\1`", text)


def api_names(book: Sources) -> str:
    """A table of the names that umixup itself has."""
    import umixup

    rows = []
    for name, module in umixup._NAMES.items():
        value = getattr(umixup, name)
        says = inspect.cleandoc(value.__doc__ or "").split("\n")[0]
        says = _ticks(re.sub(r":math:`([^`]*)`", r"$\1$", says))
        role = "class" if inspect.isclass(value) else "func"
        link = f"{{py:{role}}}`um.{name} <umixup.{module}.{name}>`"
        rows.append([link, _in_table(says), f"{{ref}}`api-{module}`"])
    return _table(["name", "what it is", "from"], rows)


def api_modules(book: Sources, room: str) -> str:
    """A table of a room's modules: their first lines, and how many names each has."""
    import umixup

    rows = []
    for module, home in umixup._MODULES.items():
        first = home.split(".")[0]
        if room != (first if first in ("training", "experiments", "_book") else "core"):
            continue
        says = (_imported(module).__doc__ or "").split("\n")[0]
        rows.append(
            [
                f"{{ref}}`um.{module} <api-{module}>`",
                _in_table(says),
                str(len(public_names(module))),
            ]
        )
    return _table(["module", "what it holds", "names"], rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


WRITERS: dict[str, Callable[..., str]] = {
    "alone": alone,
    "api": api,
    "api-modules": api_modules,
    "api-names": api_names,
    "chapters": chapters,
    "citation": citation,
    "evidence": evidence,
    "exercise-counts": exercise_counts,
    "exercise-tables": exercise_tables,
    "known-errors": known_errors,
    "needs-map": needs_map,
    "parameters": parameters,
    "profiles": profiles,
    "run-times": run_times,
}
