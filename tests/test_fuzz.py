"""Random input, good and bad: nothing is silently wrong, and nothing ends in an internal error.

The unit tests draw a few examples of each; ``make fuzz`` draws thousands.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import strategies
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from umixup import checkpoints, data, results, schemes, training
from umixup.experiments import cli
from umixup.training import Config

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@given(strategies.all_schemes())
def test_text_of_a_scheme_reads_back_as_the_same_scheme(scheme):
    text = str(scheme)
    back = schemes.parse(text)
    assert str(back) == text
    generator = torch.Generator()
    drawn = [s.draw(9, generator.manual_seed(0), stratified=True) for s in (back, scheme)]
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*drawn, strict=True))


@given(st.text("BUDATMixERPSCniCDF()*+,.0123456789e- ", max_size=40))
def test_any_text_is_a_scheme_or_an_error_that_points_at_it(text):
    try:
        scheme = schemes.parse(text)
    except ValueError as error:
        assert "^" in str(error)  # noqa: PT017 – an error is one of two right answers
    else:
        assert str(schemes.parse(str(scheme))) == str(scheme)


@given(strategies.configs())
def test_config_has_one_hash_as_object_as_json_and_with_its_fields_in_any_order(config):
    back = Config.from_json(config.to_json())
    assert back == config
    assert back.hash() == config.hash()
    shuffled = dict(reversed(json.loads(config.to_json()).items()))
    assert Config.from_json(json.dumps(shuffled)).hash() == config.hash()


@given(st.sampled_from(sorted(vars(Config()))), strategies.json_values)
def test_any_value_of_a_field_is_taken_or_refused_by_name(name, value):
    try:
        config = Config.from_json(json.dumps({name: value}))
    except (ValueError, TypeError) as error:
        assert name in str(error) or "scheme" in str(error)  # noqa: PT017
    else:
        assert Config.from_json(config.to_json()).hash() == config.hash()


@given(strategies.records())
def test_record_is_read_as_it_was_written(record):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        results.write(record, folder)
        assert results.records(folder) == [record]
        assert results.load(folder)["error"].tolist() == [record["error"]]
        results.pack(folder)
        assert results.records(folder) == [record]


@given(strategies.records(), st.data())
def test_record_with_any_value_changed_is_left_out_or_still_possible(record, drawn):
    name = drawn.draw(st.sampled_from(sorted(record)))
    record[name] = drawn.draw(strategies.json_values)
    loaded(json.dumps(record).encode())


@given(strategies.records(), st.data())
def test_record_with_any_bytes_changed_is_left_out_or_still_possible(record, drawn):
    loaded(drawn.draw(strategies.damaged(json.dumps(record).encode())))


def loaded(content: bytes) -> None:
    """Load a folder with this content, single and packed, and check what is in the rows."""
    for name in ("x.json", "x.jsonl"):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / name).write_bytes(content)
            runs = results.load(folder)
            assert runs["error"].between(0, 1).all()
            for config in results.records(folder):
                Config(**config["config"])
            if len(runs):
                table = results.summary(runs)
                assert table["mean"].between(0, 100).all()
            status = cli.main(["results", "--results", folder])
            assert status == (0 if len(runs) else 2)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A small run's config and its last checkpoint."""
    folder = tmp_path_factory.mktemp("checkpoints")
    config = training.profile("quick", epochs=2, milestones=(), train_size=160, width=1)
    training.train(config, checkpoints=folder, every=1, progress=False)
    [path] = folder.glob("epoch-0002-*.pt")
    return config, path.name, path.read_bytes()


@given(drawn=st.data())
def test_damaged_checkpoint_is_noticed(checkpoint, drawn):
    config, name, content = checkpoint
    damaged = drawn.draw(strategies.damaged(content))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(damaged)
        if damaged == content:
            assert checkpoints.latest(folder, config.plain()) is not None
            return
        with pytest.raises(ValueError, match="checkpoint"):
            checkpoints.latest(folder, config.plain())


FORMATS = {"png": {}, "jpg": {}, "bmp": {}, "ppm": {}, "tiff": {}, "webp": {"lossless": True}}


@pytest.mark.parametrize("suffix", FORMATS)
@settings(max_examples=max(5, settings().max_examples // len(FORMATS)))
@given(drawn=st.data())
def test_damaged_image_is_refused_by_name_or_has_the_shape_of_an_image(suffix, drawn):
    buffer = BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    kind = {"jpg": "jpeg"}.get(suffix, suffix)
    Image.fromarray(pixels).save(buffer, kind, **FORMATS[suffix])
    damaged = drawn.draw(strategies.damaged(buffer.getvalue()))
    with tempfile.TemporaryDirectory() as root:
        for part in ("train", "test"):
            for name in ("cat", "dog"):
                folder = Path(root, "pets", part, name)
                folder.mkdir(parents=True)
                (folder / f"0.{suffix}").write_bytes(buffer.getvalue())
        broken = Path(root, "pets", "train", "dog", f"0.{suffix}")
        broken.write_bytes(damaged)
        try:
            pets = data.load("folder:pets@5", root)
        except ValueError as error:
            assert str(broken) in str(error)  # noqa: PT017
        else:
            assert pets.train_x.shape == (2, 3, 5, 5)


WORDS = (
    *("--table", "--profile", "--runs", "--workers", "--losses", "--results", "--threads"),
    *("--scheme", "--width", "--config", "--dataset", "--csv", "--json", "--study", "pack"),
    *("-1", "0", "3", "5", "ce", "digits", "quick", "nowhere", "1e999", "λ", "", "\0"),
)


@given(
    st.sampled_from(["train", "sweep", "results", "data", "config"]),
    st.lists(st.sampled_from(WORDS), max_size=5),
)
def test_any_arguments_of_the_command_end_in_a_status(command, options):
    dry = {"sweep": ["--dry-run"], "train": ["--train-size", "0"]}.get(command, [])
    try:
        status = cli.main([command, *options, *dry])
    except SystemExit as stop:  # what tyro does
        status = stop.code
    assert status in (0, 1, 2)
