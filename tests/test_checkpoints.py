"""Checkpoints: exact resumption; damaged, missing and unwritable ones; signals; two processes."""

from __future__ import annotations

import math
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_training import quick, same_bits

from umixup import _files as files
from umixup import checkpoints
from umixup.training import Run, loop, train, trainer


def resumable(digits, folder, **options) -> Run:
    config = quick(scheme="U(B(2.2,0.9))", loss="nc", label_dim=24, epochs=4, milestones=(2,))
    options = {"every": 1, **options}
    return train(config, data=digits, device="cpu", progress=False, checkpoints=folder, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("unbroken")


@pytest.fixture(scope="module")
def unbroken(digits, folder) -> Run:
    return resumable(digits, folder)


@pytest.fixture
def saved(unbroken, folder, tmp_path) -> Path:
    """A folder with the unbroken run's last two checkpoints."""
    return shutil.copytree(folder, tmp_path / "saved")


def the_same(run: Run, other: Run) -> bool:
    return same_bits(run.model, other.model) and (
        (run.train_losses, run.test_errors) == (other.train_losses, other.test_errors)
    )


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


def test_resuming_a_compiled_run_gives_the_same_bits(digits, tmp_path):
    config = quick(scheme="B(1,1)", epochs=3)
    options = dict(data=digits, device="cpu", progress=False, compile="aot_eager")
    unbroken = train(config, checkpoints=tmp_path, every=1, **options)
    (tmp_path / "epoch-0003-step-000000.pt").unlink()
    again = train(config, checkpoints=tmp_path, resume=True, **options)
    assert same_bits(again.model, unbroken.model)
    assert [session["compiled"] for session in again.sittings] == ["aot_eager"] * 2


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


def test_partial_files_of_a_killed_process_are_removed_once_they_are_old(tmp_path):
    names = [f".epoch-{k:04d}-step-000000.{k}.part" for k in (1, 2)]
    for name in names:
        (tmp_path / name).write_bytes(b"half")
    os.utime(tmp_path / names[0], (0, 0))
    checkpoints.check_folder(tmp_path)
    assert [path.name for path in tmp_path.glob(".*")] == names[1:]


def test_resuming_needs_a_folder(digits):
    with pytest.raises(ValueError, match="resume = True: it needs the folder"):
        train(quick(), data=digits, resume=True)


# Damaged checkpoints

LAST, BEFORE = "epoch-0004-step-000000.pt", "epoch-0003-step-000000.pt"


def content(path: Path) -> dict:
    """What a checkpoint holds, without its format."""
    state = torch.load(path, weights_only=True)
    assert state.pop("format") == 2
    return state


@pytest.fixture(scope="module")
def tiny(digits, tmp_path_factory) -> Path:
    """A small checkpoint."""
    folder = tmp_path_factory.mktemp("tiny")
    config = quick(width=1, train_size=64, epochs=1)
    train(config, data=digits, device="cpu", progress=False, checkpoints=folder)
    return folder / "epoch-0001-step-000000.pt"


def refused(path: Path, changed: bytes) -> bool:
    path.write_bytes(changed)
    with warnings.catch_warnings(record=True, action="always") as given:
        try:
            checkpoints.latest(path.parent, quick(width=1, train_size=64, epochs=1).plain())
        except ValueError as error:
            return len(given) == 1 and path.name in str(given[0].message) and "none" in str(error)
    return False


def test_any_change_of_a_file_is_noticed(tiny, tmp_path):
    good, path, draw = tiny.read_bytes(), tmp_path / tiny.name, random.Random(0)
    assert not refused(path, good)
    n = len(good)
    # 100 anywhere, and each bit of the end: the comment's length, the archive's directory, ...
    for place in [draw.randrange(8 * n) for _ in range(100)] + list(range(8 * (n - 60), 8 * n)):
        flipped = bytearray(good)
        flipped[place // 8] ^= 1 << place % 8
        assert refused(path, bytes(flipped)), place
    for length in [*range(60), *(draw.randrange(n) for _ in range(60)), *range(n - 60, n)]:
        assert refused(path, good[:length]), length
        assert refused(path, good[:length] + bytes(n - length)) or good[length:] == bytes(
            n - length
        )
    for other in (good + b"x", good + good, b"x" + good, bytes(n), bytes(10**7), good[::-1]):
        assert refused(path, other)


def without_digest(path: Path, **changes) -> bytes:
    """The file as it was before there was a digest."""
    torch.save({**content(path), **changes}, path)
    return path.read_bytes()


def test_an_old_checkpoint_without_a_digest_is_used_if_its_parts_are_whole(
    digits, unbroken, saved, tmp_path
):
    (saved / LAST).unlink()
    without_digest(saved / BEFORE)
    assert the_same(resumable(digits, saved, resume=True), unbroken)


def test_a_changed_weight_of_an_old_checkpoint_is_noticed(tiny, tmp_path):
    path = Path(shutil.copy(tiny, tmp_path))
    old, state = without_digest(path), content(tiny)
    assert not refused(path, old)
    for tensor in (state["label_vectors"], *state["model"].values()):
        stored = tensor.numpy().tobytes()
        assert len(stored) < 64 or old.count(stored) == 1
        place = old.index(stored)
        assert refused(path, old[:place] + bytes([old[place] ^ 1]) + old[place + 1 :])
    # A new checkpoint does not become an old one by losing its digest.
    shutil.copy(tiny, path)
    assert refused(path, without_digest(path, format=2))


def with_(part: str, **changes):
    return lambda state: state[part].update(changes)


def losing(part: str, key: object):
    return lambda state: state[part].pop(key)


def set_(**changes):
    return lambda state: state.update(changes)


def momentum(change):
    return lambda state: change(state["optimizer"]["state"])


def not_finite(state):
    state["model"]["head.weight"][3, 2] = math.nan


CHANGES = [  # to a state, and what the warning says
    *((lambda state, k=k: state.pop(k), f"not have: {k}") for k in ("seconds", "model", "config")),
    (set_(later=1), "should not have: later"),
    (set_(epoch=3), "it is epoch-0003-step-000000.pt"),
    (set_(epoch=4.0), "not a whole number"),
    (set_(epoch=True, step=0), "not a whole number"),
    (set_(step=1), "it is epoch-0004-step-000001.pt"),
    (set_(train_losses=[1.0] * 3), "not 4 train_losses"),
    (set_(test_errors=[0.5] * 5), "not 4 test_errors"),
    (set_(test_errors=[0.5, 0.5, 7.0, 0.5]), r"not all in \[0, 1\]"),
    (set_(test_errors=[0.5, 0.5, math.nan, 0.5]), r"not all in \[0, 1\]"),
    (set_(train_losses=[0.5, 0.5, math.inf, 0.5]), "not all finite"),
    (set_(train_losses="1234"), "not 4 train_losses"),
    (set_(augmented_test_errors=[0.5] * 4), "not 0 augmented"),
    (set_(seconds=-1.0), "seconds = -1.0"),
    (set_(seconds="9"), "seconds = '9'"),
    (set_(sittings=[]), "no sittings"),
    (set_(sittings=[3]), "not dicts"),
    (set_(config=3), "config is not a dict"),
    (set_(label_vectors=torch.zeros(10, 24)), "label vectors are not orthonormal"),
    (set_(label_vectors=torch.eye(10)), "label vectors have other"),
    (set_(label_vectors=None), "not what a run saves"),
    (set_(step_losses=torch.zeros(4)), "losses have other"),
    (set_(step_losses=torch.full((3,), math.nan)), "not finite"),
    (set_(model={}), "network have other"),
    (set_(optimizer={}), "not what a run saves"),
    (set_(optimizer=None), "not what a run saves"),
    (not_finite, "not finite"),
    (losing("model", "head.bias"), "network have other"),
    (with_("model", **{"head.bias": torch.zeros(9)}), "network have other"),
    (with_("model", **{"head.bias": torch.zeros(24).double()}), "network have other"),
    (with_("model", **{"head.bias": [0.0] * 24}), "in place of a tensor"),
    (losing("optimizer", "param_groups"), "not what a run saves"),
    (losing("optimizer", "state"), "not what a run saves"),
    (lambda state: state["optimizer"]["param_groups"][0].pop("momentum"), "not what a run saves"),
    (lambda state: state["optimizer"]["param_groups"][0].update(momentum=0), "other options"),
    (lambda state: state["optimizer"]["param_groups"].clear(), "other options"),
    (momentum(lambda momenta: momenta.pop(5)), "momentum have other"),
    (momentum(lambda momenta: momenta.clear()), "momentum have other"),
    (momentum(lambda momenta: momenta[5].clear()), "not what a run saves"),
    (momentum(lambda momenta: momenta[5].update(momentum_buffer=torch.ones(3))), "momentum have"),
]


@pytest.mark.parametrize(("change", "why"), CHANGES, ids=[why for _, why in CHANGES])
def test_a_state_that_is_not_that_of_a_run_is_named_and_the_one_before_is_used(
    digits, unbroken, saved, change, why
):
    state = content(saved / LAST)
    change(state)
    (saved / LAST).write_bytes(checkpoints._packed(state))
    with pytest.warns(UserWarning, match=f"{LAST} cannot be used: .*{why}"):
        again = resumable(digits, saved, resume=True)
    assert the_same(again, unbroken)
    names = {LAST, BEFORE, LAST.replace(".pt", ".unreadable")}
    assert {path.name for path in saved.iterdir()} == names


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ((5, 0), "5 of 4 epochs are done"),
        ((4, 1), "1 of 3 steps are done"),
        ((3, 4), "4 of 3 steps are done"),
    ],
)
def test_a_checkpoint_beyond_the_end_is_named_and_the_one_before_is_used(
    digits, unbroken, saved, place, why
):
    path = saved / checkpoints.name(*place)
    state = {**content(saved / LAST), "epoch": place[0], "step": place[1]}
    (saved / LAST).unlink()
    path.write_bytes(checkpoints._packed(state))
    with pytest.warns(UserWarning, match=f"{path.name} cannot be used: {why}"):
        assert the_same(resumable(digits, saved, resume=True), unbroken)


def test_a_run_without_momentum_is_resumed(digits, tmp_path):
    config = quick(scheme="B(1,1)", momentum=0.0)
    options = dict(data=digits, device="cpu", progress=False, checkpoints=tmp_path, every=1)
    unbroken = train(config, **options)
    (tmp_path / checkpoints.name(2, 0)).unlink()
    assert the_same(train(config, resume=True, **options), unbroken)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def of_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps(Path("/")))


def pickled_by_torch(path: Path) -> None:
    torch.save(Path("/"), path)


def linked_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing")


def linked_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def the_one_before(path: Path) -> None:
    shutil.copy(path.with_name(BEFORE), path)


def a_list(path: Path) -> None:
    torch.save([1], path)


MADE = [
    (empty, "its end is missing"),
    (of_a_folder, "not a file"),
    (pickled, "its end is missing"),
    (pickled_by_torch, "UnpicklingError"),
    (linked_to_nothing, "not a file"),
    (linked_to_itself, "not a file"),
    (a_pipe, "not a file"),
    (the_one_before, "by its content, it is epoch-0003-step-000000.pt"),
    (a_list, "it holds no run"),
]


@pytest.mark.parametrize(("make", "why"), MADE, ids=[make.__name__ for make, _ in MADE])
def test_what_is_not_a_checkpoint_is_named_and_the_one_before_is_used(
    digits, unbroken, saved, make, why
):
    make(saved / LAST)
    with pytest.warns(UserWarning, match=f"{LAST} cannot be used: .*{why}"):
        again = resumable(digits, saved, resume=True)
    assert the_same(again, unbroken)
    shutil.rmtree(saved)
    saved.mkdir()
    shutil.copy(__file__, saved / BEFORE)
    (saved / LAST).touch()
    with (
        pytest.warns(UserWarning, match="cannot be used"),
        pytest.raises(ValueError, match="none of the 2 there can be used; delete the folder to"),
    ):
        resumable(digits, saved, resume=True)
    assert len(list(saved.iterdir())) == 2


@pytest.mark.parametrize("newer", [3, 99])
def test_a_checkpoint_of_a_newer_umixup_is_refused_and_left_alone(
    digits, saved, monkeypatch, newer
):
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "_FORMAT", newer)
        checkpoints.save(saved, {**content(saved / LAST), "more": 1})
    before = (saved / LAST).read_bytes()
    with pytest.raises(ValueError, match=rf"{LAST} has format {newer}.*: update umixup"):
        resumable(digits, saved, resume=True)
    assert (saved / LAST).read_bytes() == before


UNPRIVILEGED = """
import os, sys
from umixup import checkpoints
checkpoints._read  # imported before the privileges go
if not os.getuid():
    os.setuid(65534)
try:
    checkpoints.latest(sys.argv[1], {})
except PermissionError as error:
    print(error.filename)
"""


@pytest.mark.process
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_checkpoint_that_may_not_be_read_is_not_taken_for_damaged_or_missing(saved, what):
    with tempfile.TemporaryDirectory() as parent:  # pytest's own folders are root's alone
        folder = Path(shutil.copytree(saved, Path(parent) / "run"))
        for each in (folder, folder.parent):
            each.chmod(0o755)
        path, mode = {"file": (folder / LAST, 0), "folder": (folder, 0o333)}[what]
        path.chmod(mode)
        done = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, folder],
            capture_output=True,
            text=True,
            check=False,
        )
        folder.chmod(0o755)
    assert done.stdout.strip() == str(path), done.stderr


# Folders


FOLDERS = [  # that cannot be used
    (lambda p: p / "file", ValueError),
    (lambda p: p / "file" / "below", ValueError),
    (lambda p: p / "to_nothing", ValueError),
    (lambda p: "", ValueError),
    (lambda p: " ", ValueError),
    (lambda p: str(p / "a\0b"), ValueError),
    (lambda p: p / "a\0b", ValueError),
    (lambda p: p / ("x" * 300), ValueError),
    (lambda p: bytes(p / "below"), TypeError),
    (lambda p: 3, TypeError),
    (lambda p: True, TypeError),
    (lambda p: [str(p)], TypeError),
]


@pytest.mark.parametrize(("make", "kind"), FOLDERS)
def test_a_folder_that_cannot_be_written_to_is_refused_before_the_first_epoch(
    digits, tmp_path, make, kind
):
    (tmp_path / "file").touch()
    (tmp_path / "to_nothing").symlink_to("nothing")
    with pytest.raises(kind, match=r"^checkpoints = .*: it must be (a folder to wr|the path of)"):
        resumable(digits, make(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"file", "to_nothing"}


LIMITED = """
import os, resource, sys, signal, warnings
import torch
from umixup.training import Config, train
torch.set_num_threads(1)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
config = Config.from_json(os.environ["CONFIG"])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
try:
    train(config, device="cpu", checkpoints=sys.argv[2])
except ValueError as error:
    print(error)
"""


@pytest.mark.process
def test_a_folder_without_space_for_a_checkpoint_is_refused(digits, unbroken, saved, tmp_path):
    size, new = (saved / LAST).stat().st_size, tmp_path / "new"
    for limit, message in (
        (size - 1, "checkpoints = .*: it must be a folder to write to .*"),
        (2 * size, ""),
    ):
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, str(limit), new],
            env={**os.environ, "CONFIG": unbroken.config.to_json()},
            capture_output=True,
            text=True,
            check=True,
        )
        assert re.fullmatch(message, done.stdout.strip()), done
        assert len(list(new.iterdir())) == (0 if message else 1)


def test_the_space_that_is_tried_is_that_of_a_checkpoint(digits, unbroken, saved):
    run = trainer.Trainer(unbroken.config, digits.first(160), torch.device("cpu"))
    size = (saved / LAST).stat().st_size
    assert size <= run.largest_state <= size + 2**18


@contextmanager
def after_test(monkeypatch, number: int, act):
    """Act after the test of the epoch of this number."""
    seen, wrong = [], trainer.wrong

    def test(*given):
        seen.append(True)
        found = wrong(*given)
        if len(seen) == number:
            act()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "wrong", test)
        yield


def test_a_checkpoint_that_cannot_be_written_does_not_end_the_run(
    digits, unbroken, tmp_path, monkeypatch
):
    folder = tmp_path / "run"

    def spoil():
        shutil.rmtree(folder)
        folder.touch()

    with (
        after_test(monkeypatch, 2, spoil),
        pytest.warns(UserWarning, match=r"a checkpoint cannot be written \(") as given,
    ):
        run = resumable(digits, folder)
    assert the_same(run, unbroken)
    assert len(given) == 1
    assert f"checkpoints = {str(folder)!r}: " in str(given[0].message)
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_that_is_removed_in_the_middle_is_made_again(
    digits, unbroken, tmp_path, monkeypatch
):
    folder = tmp_path / "run"
    with after_test(monkeypatch, 4, lambda: shutil.rmtree(folder)):
        run = resumable(digits, folder)
    assert the_same(run, unbroken)
    assert [path.name for path in folder.iterdir()] == [LAST]


# Two processes


def test_a_part_that_a_live_process_writes_is_left_alone(tmp_path):
    target = tmp_path / LAST
    with files.written_whole(target) as part:
        part.write_bytes(b"x")
        checkpoints.check_folder(tmp_path)
    assert target.read_bytes() == b"x"


def test_a_folder_that_another_run_uses_is_refused(digits, unbroken, tmp_path):
    with checkpoints.reserved(tmp_path):
        for resume in (False, True):
            with pytest.raises(ValueError, match="another process is training with this folder"):
                resumable(digits, tmp_path, resume=resume)
    assert not list(tmp_path.iterdir())
    assert the_same(resumable(digits, tmp_path), unbroken)


# Signals


BROKEN_OFF = """
import os, signal
import torch
from umixup import training
from umixup.training import trainer
torch.set_num_threads(1)
config = training.Config.from_json(os.environ["CONFIG"])
seen, gather = 0, trainer.gather_crops
def counted(*given):
    global seen
    seen += 1
    if seen == 8:  # of three steps an epoch: the third epoch's second
        os.kill(os.getpid(), signal.SIGKILL)
    return gather(*given)
trainer.gather_crops = counted
training.train(config, device="cpu", checkpoints=os.environ["FOLDER"], every=1)
"""


@pytest.mark.process
def test_resuming_a_killed_run_gives_the_same_bits(digits, unbroken, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", BROKEN_OFF],
        env={**os.environ, "CONFIG": unbroken.config.to_json(), "FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    names = sorted(path.name for path in tmp_path.glob("*.pt"))
    assert names[-1] == "epoch-0002-step-000000.pt"
    assert the_same(resumable(digits, tmp_path, resume=True), unbroken)


@pytest.fixture
def sent(monkeypatch):
    """Send signals to this process in the n-th call of a function of a module."""

    def send(module, function: str, number: int, signals: tuple[signal.Signals, ...], act=None):
        seen, wanted = [], getattr(module, function)

        def call(*given):
            seen.append(True)
            if len(seen) == number:
                if act is not None:
                    act()
                for each in signals:
                    os.kill(os.getpid(), each)
            return wanted(*given)

        monkeypatch.setattr(module, function, call)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job may ignore it
    yield send
    signal.signal(signal.SIGINT, before)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


INT, TERM = signal.SIGINT, signal.SIGTERM
MOMENTS = [  # where, in which call, and where the run then stands
    (trainer, "gather_crops", 1, (0, 1)),
    (trainer, "gather_crops", 2, (0, 2)),
    (trainer, "gather_crops", 3, (0, 3)),  # the first epoch's last step
    (trainer, "gather_crops", 8, (2, 2)),
    (trainer, "wrong", 1, (0, 3)),
    (trainer, "wrong", 4, (3, 3)),
    (checkpoints.os, "fsync", 1, (1, 1)),  # the next epoch's first step
    (checkpoints.os, "fsync", 4, (4, 0)),
    (checkpoints.os, "replace", 2, (2, 1)),
]


@pytest.mark.parametrize("signals", [(INT,), (TERM,), (INT, INT), (TERM, INT, TERM)], ids=str)
@pytest.mark.parametrize(("module", "function", "number", "place"), MOMENTS)
def test_a_stopped_run_is_saved_and_resumed_to_the_same_bits(
    digits, unbroken, tmp_path, sent, module, function, number, place, signals
):
    sent(module, function, number, signals)
    with pytest.raises(KeyboardInterrupt) as stop:
        resumable(digits, tmp_path)
    path = tmp_path / checkpoints.name(*place)
    assert path.exists()
    assert str(stop.value) == (
        f"stopped after {place[0]} of 4 epochs; saved in {path}. To continue: "
        f"train(config, checkpoints={str(tmp_path)!r}, resume=True)"
    )
    assert not list(tmp_path.glob(".*"))
    assert the_same(resumable(digits, tmp_path, resume=True), unbroken)


@pytest.mark.parametrize(("number", "left"), [(2, []), (8, [1, 2])])
def test_a_late_second_ctrl_c_stops_at_once(digits, tmp_path, sent, monkeypatch, number, left):
    monkeypatch.setattr(loop, "_GRACE", 0)
    sent(trainer, "gather_crops", number, (INT, INT))
    with pytest.raises(KeyboardInterrupt, match=r"epochs; (nothing is|saved in .*-0002-)"):
        resumable(digits, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [checkpoints.name(epoch, 0) for epoch in left]


def test_a_resumed_run_that_stops_at_once_names_where_it_came_from(
    digits, saved, sent, monkeypatch
):
    (saved / LAST).unlink()
    monkeypatch.setattr(loop, "_GRACE", 0)
    sent(trainer, "gather_crops", 1, (INT, INT))
    with pytest.raises(KeyboardInterrupt, match=f"after 3 of 4 epochs; saved in {saved / BEFORE}"):
        resumable(digits, saved, resume=True)


def test_ctrl_c_without_checkpoints_stops_at_once(digits, sent):
    sent(trainer, "gather_crops", 2, (INT,))
    with pytest.raises(KeyboardInterrupt):
        train(quick(), data=digits, device="cpu", progress=False)
    assert signal.getsignal(INT) == signal.default_int_handler


@pytest.mark.parametrize("left", [False, True])
def test_ctrl_c_says_so_if_no_checkpoint_can_be_written(digits, unbroken, tmp_path, sent, left):
    folder = tmp_path / "run"

    def spoil():
        if left:  # the last checkpoint, but no way to write this one
            (folder / checkpoints.name(2, 2)).mkdir()
        else:
            shutil.rmtree(folder)
            folder.touch()

    sent(trainer, "gather_crops", 8, (INT,), spoil)
    with (
        pytest.warns(UserWarning, match="a checkpoint cannot be written"),
        pytest.raises(KeyboardInterrupt) as stop,
    ):
        resumable(digits, folder)
    message, last = str(stop.value), folder / checkpoints.name(2, 0)
    assert f"after 2 of 4 epochs; no checkpoint could be written to {folder} (" in message
    assert f"; the last one is {last}. To continue: train(" in message or not left
    assert message.endswith("; nothing is saved") or left
    if left:
        with pytest.warns(UserWarning, match=r"cannot be used: it is not a file"):
            assert the_same(resumable(digits, folder, resume=True), unbroken)


def test_a_process_that_ignores_ctrl_c_goes_on_ignoring_it(digits, tmp_path, sent):
    signal.signal(INT, signal.SIG_IGN)
    sent(trainer, "gather_crops", 8, (INT,))
    assert len(resumable(digits, tmp_path).test_errors) == 4
    assert signal.getsignal(INT) == signal.SIG_IGN


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_stands_in_place_of_the_lock_is_refused(digits, tmp_path, kind):
    mine = tmp_path / "mine.txt"
    mine.write_text("somebody's")
    folder = tmp_path / "run"
    folder.mkdir()
    if kind == "link":
        (folder / ".lock").symlink_to(mine)
    else:
        (folder / ".lock").mkdir()
    with pytest.raises(FileExistsError, match="in place of a lock; remove it"):
        resumable(digits, folder)
    assert mine.read_text() == "somebody's"
