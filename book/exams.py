"""Write the bank's questions of a seed, and two exams made of them. The Makefile calls this.

    python book/exams.py 7    questions, solutions, a mid-term and a final -> _build/bank/7

An exam has 60 points and takes 90 minutes. The mid-term has a question of each of the chapters 1 to
6, the final is about the chapters 1 to 15 and repeats nothing of the mid-term.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import bank
from bank import Question

POINTS = 60
MINUTES = range(80, 91)
TRIES = 100_000
SAMPLES = Path(__file__).parent / "bank" / "samples.md"


def exams(seed: int, questions: Sequence[Question]) -> tuple[list[Question], list[Question]]:
    """The mid-term and the final of a seed, each in the order of the book."""
    asked = [q for q in questions if q.kind != "open"]
    early = [q for q in asked if q.chapter <= 6]
    midterm = _chosen(seed, "midterm", early, lambda exam: len({q.chapter for q in exam}) == 6)
    left = [q for q in asked if q.chapter <= 15 and q not in midterm]
    final = _chosen(seed, "final", left, lambda exam: sum(q.chapter > 6 for q in exam) >= 4)
    return midterm, final


def _chosen(
    seed: int,
    name: str,
    questions: Sequence[Question],
    covers: Callable[[list[Question]], bool],
) -> list[Question]:
    """Questions of different chapters that make an exam: points, minutes, and both kinds."""
    rng = bank.generator(seed, name)
    for _ in range(TRIES):
        exam: list[Question] = []
        for i in rng.permutation(len(questions)):
            question = questions[i]
            taken = question.chapter in {q.chapter for q in exam}
            if not taken and sum(q.points for q in exam) + question.points <= POINTS:
                exam.append(question)
        kinds = [q.kind for q in exam]
        if (
            sum(q.points for q in exam) == POINTS
            and sum(q.minutes for q in exam) in MINUTES
            and min(kinds.count("pen and paper"), kinds.count("code")) >= 2
            and covers(exam)
        ):
            return sorted(exam, key=lambda q: (q.chapter, q.label))
    raise AssertionError(f"no {name} from these questions")


def head(question: Question, number: int | None = None) -> str:
    """The line above a question."""
    name = question.label.split("-", 2)[2].replace("-", " ").capitalize().replace(" dat", " DAT")
    title = f"## {number}. {name}" if number else f"### {name}"
    about = f"{question.kind}, {question.points} points, {question.minutes} minutes"
    return f"{title}\n\n*{about}*"


def solved(question: Question, number: int | None = None) -> str:
    """A question's solution and its marking scheme."""
    steps = "\n".join(f"| {points} | {step} |" for points, step in question.marking)
    return (
        f"{head(question, number)}\n\n`{question.label}`, in the spirit of `{question.after}`.\n\n"
        f"{question.solution}\n\n"
        f"| points | for |\n| ---: | --- |\n{steps}\n| **{question.points}** | **all** |"
    )


def pages(seed: int) -> dict[str, str]:
    """The text of each file, by its name."""
    questions = bank.questions(seed)
    found = {"questions.md": ["# Questions"]}  # students see it: without the seed
    found["solutions.md"] = [f"# Solutions and marks, seed {seed}"]
    for chapter in bank.CHAPTERS:
        own = [q for q in questions if q.chapter == chapter]
        for name, shown in (
            ("questions.md", [f"{head(q)}\n\n{q.text}" for q in own]),
            ("solutions.md", [solved(q) for q in own]),
        ):
            found[name] += [f"## Chapter {chapter}", *shown]
    titles = {"midterm": "Mid-term, chapters 1 to 6", "final": "Final, chapters 1 to 15"}
    for (name, title), exam in zip(titles.items(), exams(seed, questions), strict=True):
        minutes = sum(q.minutes for q in exam)
        about = f"{len(exam)} questions, {POINTS} points, {minutes} minutes."
        found[f"{name}.md"] = [
            f"# {title}",
            about,
            "Paper, pen and a pocket calculator; no computer. A number without its derivation has "
            "no marks. Write $\\bar\\lambda$ for $1 - \\lambda$.",
            *(f"{head(q, k)}\n\n{q.text}" for k, q in enumerate(exam, 1)),
        ]
        found[f"{name}-marking.md"] = [
            f"# {title}: marking scheme",
            f"{about} Seed {seed}.",
            "A wrong number that is carried on rightly costs the step in which it was made, and no "
            "other.",
            *(solved(q, k) for k, q in enumerate(exam, 1)),
        ]
    texts = {name: "\n\n".join(parts) + "\n" for name, parts in found.items()}
    return texts | {"samples.md": SAMPLES.read_text(encoding="utf-8")}


def main(arguments: list[str]) -> int:
    """Write the files of one seed; the exit status."""
    seed = arguments[0].strip() if len(arguments) == 1 else ""
    if not re.fullmatch(r"[0-9]{1,18}", seed):
        got = f"SEED = {seed!r}" if seed else "SEED is missing"
        print(f"{got}: a whole number, 0 or larger, as in: make bank SEED=7", file=sys.stderr)
        return 2
    texts = pages(int(seed))
    folder = Path("_build") / "bank" / str(int(seed))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    print(f"written  {folder}: {', '.join(texts)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
