"""Checkpoints: exact resumption; damaged, missing and unwritable ones; signals; two processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from test_training import quick, same_bits

from umixup import checkpoints
from umixup.training import Run, train


def resumable(digits, folder, **options) -> Run:
    config = quick(scheme="U(B(2.2,0.9))", loss="nc", label_dim=24, epochs=4, milestones=(2,))
    options = {"every": 1, **options}
    return train(config, data=digits, device="cpu", progress=False, checkpoints=folder, **options)


@pytest.fixture(scope="module")
def unbroken(digits, tmp_path_factory) -> Run:
    return resumable(digits, tmp_path_factory.mktemp("unbroken"))


def test_checkpoints_change_nothing_and_the_last_two_are_kept(digits, unbroken, tmp_path):
    plain = train(unbroken.config, data=digits, device="cpu", progress=False)
    assert same_bits(plain.model, unbroken.model)
    resumable(digits, tmp_path, every=3)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["epoch-0003-step-000000.pt", "epoch-0004-step-000000.pt"]


def test_resuming_from_a_checkpoint_gives_the_same_bits(digits, unbroken, tmp_path):
    resumable(digits, tmp_path)
    (tmp_path / "epoch-0004-step-000000.pt").unlink()
    again = resumable(digits, tmp_path, resume=True)
    assert same_bits(again.model, unbroken.model)
    assert torch.equal(again.label_vectors, unbroken.label_vectors)
    assert again.train_losses == unbroken.train_losses
    assert again.test_errors == unbroken.test_errors
    finished = resumable(digits, tmp_path, resume=True)  # nothing is left to do
    assert same_bits(finished.model, unbroken.model)
    assert finished.seconds == again.seconds


BROKEN_OFF = """
import os, signal
import torch
from umixup import training
from umixup.training import trainer
torch.set_num_threads(1)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
config = training.Config.from_json(os.environ["CONFIG"])
seen, gather = 0, trainer.gather_crops
def counted(*given):
    global seen
    seen += 1
    if seen == int(os.environ["AFTER"]):
        os.kill(os.getpid(), getattr(signal, os.environ["SIGNAL"]))
    return gather(*given)
trainer.gather_crops = counted
try:
    training.train(config, device="cpu", checkpoints=os.environ["FOLDER"], every=1)
except KeyboardInterrupt as stop:
    print(stop)
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_resuming_an_interrupted_epoch_gives_the_same_bits(digits, unbroken, tmp_path, name):
    done = subprocess.run(
        [sys.executable, "-c", BROKEN_OFF],
        env={
            **os.environ,
            "CONFIG": unbroken.config.to_json(),
            "FOLDER": str(tmp_path),
            "SIGNAL": name,
            "AFTER": "8",  # of three steps an epoch: the third epoch's second
        },
        capture_output=True,
        text=True,
        check=False,
    )
    names = sorted(path.name for path in tmp_path.iterdir())
    if name == "SIGKILL":
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert names[-1] == "epoch-0002-step-000000.pt"
    else:
        assert done.returncode == 0, done.stderr
        assert "stopped after 2 of 4 epochs" in done.stdout
        assert f"train(config, checkpoints={str(tmp_path)!r}, resume=True)" in done.stdout
        assert names[-1] == "epoch-0002-step-000002.pt"
    again = resumable(digits, tmp_path, resume=True)
    assert same_bits(again.model, unbroken.model)
    assert again.train_losses == unbroken.train_losses
    assert again.test_errors == unbroken.test_errors


def test_resuming_a_compiled_run_gives_the_same_bits(digits, tmp_path):
    config = quick(scheme="B(1,1)", epochs=3)
    options = dict(data=digits, device="cpu", progress=False, compile="aot_eager")
    unbroken = train(config, checkpoints=tmp_path, every=1, **options)
    (tmp_path / "epoch-0003-step-000000.pt").unlink()
    again = train(config, checkpoints=tmp_path, resume=True, **options)
    assert same_bits(again.model, unbroken.model)
    assert [session["compiled"] for session in again.sittings] == ["aot_eager"] * 2


def test_a_truncated_checkpoint_raises_a_warning_and_the_one_before_it_is_used(
    digits, unbroken, tmp_path
):
    resumable(digits, tmp_path)
    last = tmp_path / "epoch-0004-step-000000.pt"
    last.write_bytes(last.read_bytes()[:5000])
    with pytest.warns(UserWarning, match=r"epoch-0004-step-000000\.pt cannot be used: its end"):
        again = resumable(digits, tmp_path, resume=True)
    assert same_bits(again.model, unbroken.model)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        f"epoch-000{k}-step-000000.{e}" for k, e in ((3, "pt"), (4, "pt"), (4, "unreadable"))
    ]
    for path in tmp_path.glob("*.pt"):
        path.write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="cannot be used"),
        pytest.raises(ValueError, match=r"none of the 2 there can be used; delete"),
    ):
        resumable(digits, tmp_path, resume=True)


def test_error_for_a_checkpoint_of_another_config_names_the_field(digits, tmp_path):
    resumable(digits, tmp_path)
    other = quick(scheme="B(1,1)", loss="nc", label_dim=24, epochs=4, milestones=(2,))
    with pytest.raises(
        ValueError,
        match=r"of another config: scheme = 'U\(B\(2\.2,0\.9\)\)' there, 'B\(1,1\)' here",
    ):
        train(other, data=digits, progress=False, checkpoints=tmp_path, resume=True)


def test_a_checkpoint_of_other_data_is_refused(digits, tmp_path):
    resumable(digits, tmp_path)
    changed = digits.test_y.clone()
    changed[0] = (changed[0] + 1) % 10
    with pytest.raises(ValueError, match="is of other data: 'digits' has fingerprint"):
        resumable(replace(digits, test_y=changed), tmp_path, resume=True)


def test_each_session_is_recorded(digits, tmp_path):
    resumable(digits, tmp_path)
    (tmp_path / "epoch-0004-step-000000.pt").unlink()
    torch.set_num_threads(2)
    try:
        run = resumable(digits, tmp_path, resume=True)
    finally:
        torch.set_num_threads(1)
    assert [session["threads"] for session in run.sittings] == [1, 2]
    assert run.data == digits.first(160).fingerprint()


@pytest.fixture
def ctrl_c_at_each_save(monkeypatch):
    save = checkpoints.save

    def pressed(*given):
        os.kill(os.getpid(), signal.SIGINT)
        return save(*given)

    monkeypatch.setattr(checkpoints, "save", pressed)
    return monkeypatch


def test_ctrl_c_in_the_last_epoch_is_not_swallowed(digits, tmp_path, ctrl_c_at_each_save):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt, match="stopped after 4 of 4 epochs"):
            resumable(digits, tmp_path, every=4)
    finally:
        signal.signal(signal.SIGINT, before)
    ctrl_c_at_each_save.undo()
    assert len(resumable(digits, tmp_path, resume=True).test_errors) == 4


@pytest.mark.usefixtures("ctrl_c_at_each_save")
def test_a_process_that_ignores_ctrl_c_goes_on_ignoring_it(digits, tmp_path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert len(resumable(digits, tmp_path).test_errors) == 4
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_folder_that_holds_a_run_needs_resume(digits, tmp_path):
    resumable(digits, tmp_path)
    with pytest.raises(
        ValueError, match="holds a run that has begun; continue it with resume=True"
    ):
        resumable(digits, tmp_path)


def test_a_run_can_be_resumed_in_another_memory_layout(digits, tmp_path):
    # With width 8 the layout depends on the threads; momentum must not be read in the other one.
    config = quick(scheme="B(1,1)", width=8, epochs=3, learning_rate=0.01)
    options = dict(data=digits, device="cpu", progress=False)
    unbroken = train(config, checkpoints=tmp_path, every=1, **options)
    (tmp_path / "epoch-0003-step-000000.pt").unlink()
    torch.set_num_threads(2)
    try:
        again = train(config, checkpoints=tmp_path, resume=True, **options)
    finally:
        torch.set_num_threads(1)
    for one, other in zip(again.model.parameters(), unbroken.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=2e-4, rtol=0)
    assert again.train_losses == pytest.approx(unbroken.train_losses, rel=1e-3)


def test_the_checkpoint_just_written_is_never_dropped(tmp_path):
    for epoch in (3, 4):
        (tmp_path / f"epoch-{epoch:04d}-step-000000.pt").write_bytes(b"")
    path = checkpoints.save(tmp_path, {"epoch": 2, "step": 1})
    assert path.exists()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "make", [lambda p: p / "file", lambda p: p / "file" / "below", lambda p: ""]
)
def test_a_folder_that_cannot_be_written_to_is_refused_before_the_first_epoch(
    digits, tmp_path, make
):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"checkpoints = .*: it must be a folder to write to"):
        resumable(digits, make(tmp_path))


@pytest.mark.parametrize("content", [{"config": 3}, {"config": {}}, [1]])
def test_a_checkpoint_with_unexpected_content_is_reported(digits, tmp_path, content):
    torch.save(content, tmp_path / "epoch-0001-step-000000.pt")
    with (
        pytest.warns(UserWarning, match="cannot be used"),
        pytest.raises(ValueError, match="none of the 1 there can be used; delete"),
    ):
        resumable(digits, tmp_path, resume=True)


def test_partial_files_of_a_killed_process_are_removed_once_they_are_old(tmp_path):
    names = [f".epoch-{k:04d}-step-000000.{k}.part" for k in (1, 2)]
    for name in names:
        (tmp_path / name).write_bytes(b"half")
    os.utime(tmp_path / names[0], (0, 0))
    checkpoints.check_folder(tmp_path)
    assert [path.name for path in tmp_path.glob(".*")] == names[1:]


@pytest.mark.parametrize("every", [0, 1.5, "1", True])
def test_every_must_be_a_whole_number(digits, tmp_path, every):
    with pytest.raises(ValueError, match=r"every = .*: it must be a whole number ≥ 1"):
        resumable(digits, tmp_path, every=every)


def test_resuming_needs_a_folder(digits):
    with pytest.raises(ValueError, match="resume = True: it needs the folder"):
        train(quick(), data=digits, resume=True)
