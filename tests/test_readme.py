"""The README's table says what the records say; files that the documents name are there."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from conftest import ROOT

import umixup as um

pytestmark = pytest.mark.book


def signed(number: float, digits: int = 1) -> str:
    return f"{number:+.{digits}f}".replace("-", "−")


def interval(row) -> str:
    return f"{signed(row['mean'])} points [{signed(row['low'])}, {signed(row['high'])}]"


def both(mixup, steep) -> str:
    return f"{interval(mixup)} and {interval(steep)}".replace(" points", "")


def count(table, sign: int) -> tuple[int, int]:
    """In how many rows the mean has this sign, and in how many significantly so."""
    there = sign * table["mean"] > 0
    return there.sum(), (there & (table["p_holm"] < 0.05)).sum()


def compared(name: str, runs):
    plan = um.plans.read(um.plans.FOLDER / f"{name}.toml")
    table = um.plans.compare(plan, runs)
    assert not table["verdict"].str.contains("unfinished").any()
    return table


def rows(runs) -> list[str]:
    """The table, computed."""
    when = compared("when-mixing-helps", runs)
    of = {name: rows for name, rows in when.groupby("family")}
    mixup, steep, dat = of["MixUp − ERM"], of["slope 2 − slope 1"], of["DAT − MixUp"]
    lower, sure = count(mixup, -1)
    steep_lower, steep_sure = count(steep, -1)
    short = dat[dat["epochs"] == 20]
    behind, surely = count(short, 1)
    assert behind == surely == len(short) == 5
    later = count(dat[dat["epochs"] > 20], 1)[1]
    assert count(dat, -1)[1] == 0
    mnist = compared("when-mixing-helps-mnist", runs).set_index(["family", "epochs"])
    assert (mnist["p_holm"][["MixUp − ERM", "slope 2 − slope 1"]] < 0.05).all()
    there = both(mnist.loc["MixUp − ERM", 180], mnist.loc["slope 2 − slope 1", 180])
    clothes = compared("when-mixing-helps-fashion-1000", runs).set_index("family")
    photos = compared("when-mixing-helps-colour", runs).set_index(["family", "setting"])
    steep_2 = photos.loc["a steeper label − MixUp", "UMixUp(B(1,1),S(2))"]
    assert (clothes["p_holm"][["MixUp − ERM", "slope 2 − slope 1"]] < 0.05).all()
    assert photos.loc["MixUp − ERM", "p_holm"].item() < 0.05 < steep_2["p_holm"]
    seeds = clothes["n"].iloc[0], steep_2["n"]
    assert seeds == (5, 3)
    on_clothes = both(clothes.loc["MixUp − ERM"], clothes.loc["slope 2 − slope 1"])
    on_photos = both(photos.loc["MixUp − ERM"].iloc[0], steep_2)
    crops = compared("when-mixing-helps-fashion-crops", runs).set_index(["family", "epochs"])
    assert (crops["p_holm"]["MixUp − ERM"] > 0.05).all()
    on_crops = " and ".join(
        f"{interval(crops.loc['MixUp − ERM', epochs])} after {epochs}" for epochs in (60, 180)
    ).replace(" points", "")
    others = pd.concat(table.reset_index() for table in (mnist, clothes, photos, crops))
    others = others[others["family"] == "DAT − MixUp"]
    others_behind = count(others, 1)[1]
    assert (others["mean"] > 0).all()
    tested = compared("strength-and-slope-tested", runs)
    chosen = tested[tested["setting"] == "U(B(12,8))"].set_index("against")
    attacked = compared("attacks-and-calibration", runs)
    attacked = attacked[attacked["against"] == "ERM"].set_index("setting")
    assert (attacked["p_holm"] < 0.05).all()
    lost = 100 * (attacked["mean"] + attacked["other"])
    paper = um.tables.overview(runs)
    done = ((paper["n"] > 0) & (paper["profile"] == "full")).sum()
    tables = um.tables.configs(3, profile="quick", runs=100, losses=["ce"])
    ours = runs[runs["hash"].isin([config.hash() for config in tables])]
    of_table = um.tables.comparisons(ours, 3).set_index("difference")
    assert of_table["verdict"]["MixUp − ERM"] == "undecided"
    assert of_table["verdict"]["UMixUp − ERM"] == "higher"

    def chapter(name: str) -> str:
        assert (ROOT / f"notebooks/{name}.ipynb").is_file()
        return f"[{int(name[:2])}](notebooks/{name}.ipynb)"

    return [
        "| question | answer | chapter |",
        "| --- | --- | --- |",
        "| Have MixUp and DAT the same expected loss? | yes, with two hypotheses made explicit; "
        f"each proof is followed by a case in which it fails | {chapter('02_one_coin')} to "
        f"{chapter('09_theorem')} |",
        f"| Does MixUp lower the test error? | in {lower} of {len(mixup)} settings, significantly "
        f"in {sure}: at once where images are few, after long training where they are many. "
        f"Significantly higher in {count(mixup, 1)[1] or 'none'} | {chapter('13_when')} |",
        f"| Do labels steeper than MixUp's help? | slope 2 has the lower mean in {steep_lower} of "
        f"{len(steep)} settings, significantly in {steep_sure} | {chapter('13_when')} |",
        "| And on other images? | MixUp without crops and flips, slope 2 on MNIST alone. Points "
        f"against plain training, and slope 2's against MixUp: MNIST {there}; Fashion-MNIST, "
        f"five seeds, {on_clothes}, with crops and flips {on_crops} epochs, not significant; "
        f"CIFAR10 as JPEG, three seeds, {on_photos} | {chapter('13_when')} |",
        "| A scheme chosen on validation images, and tested once? | "
        f"{interval(chosen.loc['B(1,1)'])} against MixUp, {interval(chosen.loc['ERM'])} against "
        f"plain training | {chapter('15_search')} |",
        "| Is DAT as good as MixUp, with the same expected loss? | not in short training: "
        f"{short['mean'].min():.1f} to {short['mean'].max():.1f} points worse. In longer training "
        f"significantly in {later} of {(dat['epochs'] > 20).sum()} settings, and on other images "
        f"in {others_behind} of {len(others)} | "
        f"{chapter('11_curves')}, {chapter('13_when')} |",
        f"| Does mixing protect from attacks? | no: MixUp loses {lost['B(1,1)']:.0f} % of the "
        f"images, plain training {100 * attacked['other'].iloc[0]:.0f} %. With the label whole "
        f"for the nearer image it is {lost['UMixUp(B(1,1),S(inf))']:.0f} % | "
        f"{chapter('17_robustness')} |",
        "| Do the paper's gains show in its own tables? | not at our small size, where UMixUp "
        f"tests worse than plain training ({interval(of_table.loc['UMixUp − ERM'])}). At the "
        f"paper's size {done or 'none'} of its rows has been run | {chapter('14_tables')} |",
    ]


def test_the_table_is_what_the_records_say():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert table == rows(um.results.load(ROOT / "results"))


def test_one_picture_ten_lines_one_table():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("![") == 1
    assert text.count("\n| --- ") == 1
    code = text.split("```python\n")[1].split("```")[0]
    assert len([line for line in code.splitlines() if line]) == 10  # with the imports
    assert len(text.split()) < 1000


# --- what the documents name --------------------------------------------------------------------

DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
PLACES = (".", "umixup", "umixup/experiments", "umixup/training", "book")
STANDS_FOR = (
    "NAME",
    "NN_name",
    "chapter_NN",
    "*",
    "_build",
    "dist",
    "data/",
)  # for others, or made here


def named(document: str) -> set[str]:
    """The files and folders that a document names, between backquotes or in a link."""
    text = re.sub(r"```.*?```", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.S)
    names = re.findall(r"`([\w./*-]+)`", text) + re.findall(r"\]\(([^):]+)\)", text)
    return {
        name
        for name in names
        if re.search(r"/|\.(py|md|yml|yaml|toml|txt|cff|json|in)$", name)
        and not any(part in name for part in STANDS_FOR)
    }


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_a_document_names_are_there(document):
    assert named(document)
    for name in named(document):
        assert any((ROOT / place / name).exists() for place in PLACES), name


def test_constants_that_the_architecture_names_are_there():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for place in ("umixup", "book")
        for path in (ROOT / place).rglob("*.py")
    )
    constants = set(re.findall(r"`(?:\w+\.)*(_?[A-Z][A-Z_]{3,})`", text)) - {"NAME"}
    assert {"PAIRINGS", "KIND", "_ADDED"} <= constants
    for name in constants:
        assert re.search(rf"^{name}\b.*=", code, re.MULTILINE), name
