"""Studies: named lists of configs, and the provenance of their recorded runs."""

from dataclasses import replace

import pytest

from umixup import training
from umixup.experiments import studies


@pytest.fixture
def tiny(monkeypatch):
    """The only study: two settings and three seeds."""

    def settings():
        return [training.profile("quick", scheme=scheme, epochs=1) for scheme in ("ERM", "B(1,1)")]

    study = studies.Study("tiny", "A question", 3, settings)
    monkeypatch.setattr(studies, "STUDIES", {"tiny": study})
    return study


def record(config, seconds=1800.0, **session):
    run = training.Run(config, [0.2], [], [1.0], seconds, [], "0" * 16, None, None)
    about = {"date": "2026-01-02T03:04:05+00:00", "commit": "abc", "device": "cpu", "torch": "2"}
    return {**run.record(), "sittings": [about | session]}


@pytest.mark.parametrize("study", studies.STUDIES.values(), ids=studies.STUDIES)
def test_settings_of_a_study_are_distinct_and_have_seed_0(study):
    settings = study.settings()
    assert len({config.hash() for config in settings}) == len(settings) > 1
    assert {config.seed for config in settings} == {0}
    assert study.command.startswith(f"umixup sweep --study {study.name} ")
    assert studies.by_name(study.name) is study


def test_configs_are_ordered_by_seed():
    study = studies.by_name("pairings")
    configs = study.configs(2)
    assert configs == study.settings() + [replace(c, seed=1) for c in study.settings()]
    assert len(study.configs()) == study.runs * len(study.settings())


@pytest.mark.parametrize("runs", [0, -1, 1.5, True, "2"])
def test_runs_must_be_a_positive_whole_number(runs):
    with pytest.raises(ValueError, match=f"runs = {runs!r}: it must be a whole number from 1 to"):
        studies.by_name("alpha").configs(runs)


def test_unknown_study_error_lists_the_studies():
    with pytest.raises(ValueError, match=r"study = 'pairing'.*pairings"):
        studies.by_name("pairing")


def test_studies_that_choose_a_scheme_use_validation_data():
    for name in ("alpha", "plane", "slope"):
        for config in studies.by_name(name).settings():
            assert config.dataset == "digits:validation"


def test_provenance_counts_runs_and_lists_their_origins(tiny):
    erm, mixup = tiny.settings()
    other = training.profile("quick", scheme="B(2,2)")
    found = studies.provenance(
        [
            record(erm),
            record(replace(erm, seed=2), commit="def", date="2026-01-05T03:04:05+00:00"),
            record(replace(mixup, seed=1), seconds=3600.0),
            record(other, device="cuda"),
        ]
    )
    row, rest = found.to_dict("records")
    assert (row["study"], row["settings"], row["runs"]) == ("tiny", 2, 3)
    assert (row["fewest"], row["wanted"]) == (1, 3)
    assert row["hours"] == pytest.approx(2)
    assert (row["first"], row["last"]) == ("2026-01-02", "2026-01-05")
    assert row["commits"] == ["abc", "def"]
    assert row["command"] == tiny.command
    assert (rest["question"], rest["runs"], rest["devices"]) == ("Other runs", 1, ["cuda"])


def test_fewest_is_0_if_a_setting_has_no_run(tiny):
    (row,) = studies.provenance([record(tiny.settings()[0])]).to_dict("records")
    assert (row["settings"], row["fewest"]) == (1, 0)


def test_run_may_belong_to_two_studies():
    both = studies.by_name("digits-table").configs(1)[1]
    assert both in studies.by_name("pairings").configs(1)
    found = studies.provenance([record(both)])
    assert found["study"].tolist() == ["digits-table", "pairings"]


def test_no_records_give_no_rows():
    assert len(studies.provenance([])) == 0
