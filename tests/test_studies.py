"""Studies: lists of configs by name, and where their recorded runs come from."""

from dataclasses import replace

import pytest

from umixup import studies, training


@pytest.fixture
def tiny(monkeypatch):
    """A study of two settings and three seeds, of which nothing was found in anybody's folder."""

    def settings():
        return [training.profile("quick", scheme=scheme, epochs=1) for scheme in ("ERM", "B(1,1)")]

    study = studies.Study("tiny", "A question", "ch-tables", 3, settings)
    monkeypatch.setattr(studies, "STUDIES", {"tiny": study})
    return study


def record(config, seconds=1800.0, **sitting):
    run = training.Run(config, [0.2], [], [1.0], seconds, [], "0" * 16, None, None)
    about = {"date": "2026-01-02T03:04:05+00:00", "commit": "abc", "device": "cpu", "torch": "2"}
    return {**run.record(), "sittings": [about | sitting]}


@pytest.mark.parametrize("study", studies.STUDIES.values(), ids=studies.STUDIES)
def test_the_settings_of_a_study_differ_and_have_seed_0(study):
    settings = study.settings()
    assert len({config.hash() for config in settings}) == len(settings) > 1
    assert {config.seed for config in settings} == {0}
    assert study.command.startswith(f"umixup sweep --study {study.name} ")
    assert studies.by_name(study.name) is study


def test_configs_come_seed_by_seed():
    study = studies.by_name("pairings")
    configs = study.configs(2)
    assert configs == study.settings() + [replace(c, seed=1) for c in study.settings()]
    assert len(study.configs()) == study.runs * len(study.settings())


@pytest.mark.parametrize("runs", [0, -1, 1.5, True])
def test_runs_are_a_whole_number(runs):
    with pytest.raises(ValueError, match="runs = "):
        studies.by_name("alpha").configs(runs)


def test_an_unknown_study_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"study = 'pairing'.*pairings"):
        studies.by_name("pairing")


def test_what_is_chosen_is_chosen_by_validation():
    for name in ("alpha", "plane", "slope"):
        for config in studies.by_name(name).settings():
            assert config.dataset == studies.VALIDATION


def test_provenance_counts_runs_and_names_what_they_were_made_with(tiny):
    erm, mixup = tiny.settings()
    other = training.profile("quick", scheme="B(2,2)")
    found = studies.provenance(
        [
            record(erm),
            record(replace(erm, seed=2), commit="def", date="2026-01-05T03:04:05+00:00"),
            record(mixup, seconds=3600.0),
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


def test_a_setting_without_a_run_is_told(tiny):
    (row,) = studies.provenance([record(tiny.settings()[0])]).to_dict("records")
    assert (row["settings"], row["fewest"]) == (1, 0)


def test_a_run_may_be_in_two_studies():
    both = studies.by_name("digits-table").configs(1)[1]
    assert both in studies.by_name("pairings").configs(1)
    found = studies.provenance([record(both)])
    assert found["study"].tolist() == ["digits-table", "pairings"]


def test_no_records_give_no_rows():
    assert len(studies.provenance([])) == 0
