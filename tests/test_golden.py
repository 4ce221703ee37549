"""What must never change unnoticed: hashes of the recorded runs and studies, draws, short runs.

The expected values are in golden.json. ``python tests/test_golden.py`` writes the file anew: do
that only for a change of random streams that is meant, and say in CHANGELOG.md which and why.
"""

import json
import sys
from pathlib import Path

import pytest
import torch

from umixup import data, losses, mixing, pairs, results, schemes, studies, training

RESULTS = Path(__file__).parents[1] / "results"
FILE = Path(__file__).with_name("golden.json")
SCHEMES = (
    *("ERM", "B(1,1)", "B(0.2,0.2)", "DAT(B(2,1))", "DAT(Uni(0.5,1))", "U(B(2.2,0.9))"),
    *("U(Uni(0.5,1))", "U(0.5*B(2,1)+0.5*P(1))", "UMixUp(B(1,1),S(inf))"),
    *("UMixUp(B(0.4,0.4),CDF(2,3))", "0.25*B(2,0.5)+0.75*Uni(0,0.3)"),
)


def generator():
    return torch.Generator().manual_seed(7)


def study_hashes():
    """For each study, one hash of the hashes of all its configs, in order."""
    return {
        name: results.digest({"hashes": [config.hash() for config in study.configs()]})
        for name, study in studies.STUDIES.items()
    }


def draws():
    """(λ, γ) of each scheme, independent and stratified."""
    return {
        f"{text}{' stratified' * stratified}": [
            v.tolist() for v in schemes.parse(text).draw(5, generator(), stratified=stratified)
        ]
        for text in SCHEMES
        for stratified in (False, True)
    }


def plans():
    """One epoch of every pairing, and with one λ a batch."""
    return {
        f"{pairing} {per}": [
            v.tolist()
            for v in pairs.plan_epoch(
                "B(1,1)", pairing, 7, batch_size=3, seed=5, epoch=2, lam_per=per
            )
        ]
        for pairing in pairs.PAIRINGS
        for per in ("sample", "batch")
    }


def others():
    """The label vectors of NC, and a batch by the drop-in."""
    mixer = mixing.UMixUp("U(B(2.2,0.9))", num_classes=3, seed=3)
    images, targets = mixer(torch.arange(8.0).reshape(4, 2), torch.tensor([0, 1, 2, 0]))
    return {
        "label_vectors": losses.label_vectors(2, 4, generator()).tolist(),
        "mixer": [images.tolist(), targets.tolist()],
    }


def short_runs(folder):
    """Two epochs with each loss, crops and flips; the second after a checkpoint."""
    found = {}
    for loss in training.TRAINED_LOSSES:
        config = training.profile(
            "quick", scheme="U(B(1.7,1))", loss=loss, epochs=2, train_size=300, flip=True, seed=4
        )
        run = training.train(
            config, data=data.load("digits"), checkpoints=folder / loss, every=1, progress=False
        )
        found[loss] = {"train_losses": run.train_losses, "test_errors": run.test_errors}
    return found


@pytest.fixture(scope="module")
def golden():
    return json.loads(FILE.read_text(encoding="utf-8"))


def recorded():
    for path in sorted(RESULTS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def test_every_recorded_config_still_has_its_hash(golden):
    hashes = set()
    for record in recorded():
        config = training.Config(**record["config"])
        assert config.hash() == record["hash"]
        assert results.digest(config.recipe()) == record["recipe"]
        assert config.profile == record["profile"]
        hashes.add(record["hash"])
    assert len(hashes) == golden["records"]


def test_every_study_still_asks_for_the_same_runs(golden):
    assert study_hashes() == golden["studies"]


@pytest.mark.parametrize("made", [draws, plans, others])
def test_random_streams_give_what_they_gave(golden, made):
    expected = golden[made.__name__]
    found = made()
    assert found.keys() == expected.keys()
    for name, value in found.items():
        flat, flat2 = (torch.tensor(_flat(v), dtype=torch.float64) for v in (value, expected[name]))
        torch.testing.assert_close(flat, flat2, rtol=1e-6, atol=1e-9, msg=name)


def test_short_runs_give_what_they_gave(golden, tmp_path):
    for loss, found in short_runs(tmp_path).items():
        expected = golden["short_runs"][loss]
        # other processors and versions round otherwise, and training magnifies it
        assert found["train_losses"] == pytest.approx(expected["train_losses"], rel=1e-2)
        assert found["test_errors"] == pytest.approx(expected["test_errors"], abs=0.05)


def _flat(value):
    return [x for part in value for x in _flat(part)] if isinstance(value, list) else [value]


if __name__ == "__main__":
    import tempfile

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "records": len({record["hash"] for record in recorded()}),
            "studies": study_hashes(),
            **{made.__name__: made() for made in (draws, plans, others)},
            "short_runs": short_runs(Path(folder)),
        }
    (Path(sys.argv[1]) if sys.argv[1:] else FILE).write_text(json.dumps(found, indent=1) + "\n")
