"""What a GPU's owner runs, as far as it goes without one: check, devices, data path, Slurm job."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from processes import until
from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from umixup import results, sweep, tables, training
from umixup.experiments import _compiling, _places, cli, gpu_check
from umixup.training.evaluation import wrong

ROOT = Path(__file__).parents[1]
TINY = dict(dataset="digits", width=2, epochs=2, milestones=(), crop_padding=1, flip=False)
CONFIG = training.profile("quick", scheme="U(B(2.2,0.9))", width=2, epochs=2, milestones=())


# On a card that is not there: shapes and devices are followed, nothing is computed


@pytest.mark.parametrize(
    "change",
    [
        {},
        dict(flip=True, crop_padding=2),
        dict(loss="nc"),
        dict(lam_per="batch"),
        dict(pairing="between_classes"),
        dict(by_pair="mix_near"),
        dict(by_pair="slope_confused"),
        dict(scheme="DAT(B(2,1))", moves="at_random"),
    ],
    ids=str,
)
def test_data_path_and_network_stay_on_the_card_and_never_wait_for_it(digits, change):
    config = replace(CONFIG, **change)
    one = training.Trainer(config, digits.first(300), torch.device("cpu"), compile=False)
    drawn = one.draw_epoch()
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:

        def on_card(holder: object, *names: str) -> dict[str, torch.Tensor]:
            return {name: mode.from_tensor(getattr(holder, name)).to("cuda") for name in names}

        samples = on_card(one.data, "train_x", "train_y", "test_x", "test_y")
        one.data, one.device = replace(one.data, **samples), torch.device("cuda")
        vars(one).update(on_card(one, "padded", "vectors", "step_losses"))
        if one.by_pair is not None:
            vars(one.by_pair).update(on_card(one.by_pair, "images", "labels", "alike", "reference"))
        one.draw_epoch = lambda: drawn
        one.model.to("cuda")
        for k, (x, target) in enumerate(one.batches()):
            values = one.loss(one.forward(x), target)
            one.step_losses[k] = values.detach().sum()
            assert {v.device.type for v in (x, target, values)} == {"cuda"}
            assert x.dtype == values.dtype == torch.float32
            assert len(x) == len(target) == len(values) == (44 if k == 2 else 128)
        assert k == 2
        assert wrong(one.model, one.data, one.vectors).device.type == "cuda"
        with pytest.raises(DataDependentOutputException):  # so waiting would have been seen
            float(one.step_losses.sum())


def test_a_tensor_on_the_wrong_device_would_be_seen(digits):
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        x = mode.from_tensor(digits.test_x).to("cuda").float()
        with pytest.raises(RuntimeError, match="device"):
            x + torch.zeros_like(x, device="cpu")


# What of a card's run can be done on a CPU


def test_a_step_in_bfloat16_is_near_that_in_float32(digits):
    steps = {}
    for precision in ("float32", "bfloat16"):
        config = replace(CONFIG, width=8, precision=precision)
        one = training.Trainer(config, digits, torch.device("cpu"))
        assert one.sittings[0]["precision"] == precision
        batches = one.batches()
        steps[precision] = [one.train_on(*next(batches)) for _ in range(2)]
    for full, half in zip(*steps.values(), strict=True):
        assert half.dtype == torch.float32  # the loss is not taken in bfloat16
        assert not torch.equal(full, half)
        assert (full - half).abs().mean() < 0.03 * full.mean()


@pytest.mark.process
def test_a_run_by_inductor_goes_on_with_the_same_bits(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    try:
        torch.compile(lambda x: x + 1, backend="inductor")(torch.zeros(1))
    except Exception as error:
        pytest.skip(f"no compiler here: {type(error).__name__}")
    # Not width 1: with it, torch 2.15 died of a double free on a CPU with AVX2 alone.
    config = replace(CONFIG, width=8, epochs=3, train_size=200, batch_size=100)
    options = dict(data=digits, device="cpu", progress=False, compile=True)
    whole = training.train(config, **options)
    training.train(config, **options, checkpoints=tmp_path / "run", every=1)
    kept = sorted((tmp_path / "run").glob("*.pt"))
    kept[-1].unlink()  # as if it had been killed in the last epoch
    part = training.train(config, **options, checkpoints=tmp_path / "run", resume=True)
    assert len(part.sittings) == 2
    assert part.train_losses == whole.train_losses
    assert part.test_errors == whole.test_errors
    same = zip(part.model.parameters(), whole.model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)


# Devices of workers


@pytest.fixture
def can_spawn(monkeypatch):
    """IPython, which other tests run in this process, may leave a __main__ that cannot spawn."""
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)


def hold_a_place(folder: str, found: multiprocessing.Queue) -> None:
    with _places.place(Path(folder)) as k:
        found.put((os.getpid(), k))
        while not (Path(folder) / "enough").exists():
            time.sleep(0.05)


@pytest.mark.process
@pytest.mark.usefixtures("can_spawn")
def test_places_differ_between_processes_and_are_freed_by_kill(tmp_path):
    context = multiprocessing.get_context("spawn")
    found = context.Queue()

    def start() -> multiprocessing.Process:
        one = context.Process(target=hold_a_place, args=(str(tmp_path), found))
        one.start()
        return one

    processes = [start() for _ in range(3)]
    places = dict(found.get(timeout=60) for _ in processes)
    assert sorted(places.values()) == [0, 1, 2]
    killed = next(one for one in processes if places[one.pid] == 1)
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    processes.append(start())
    assert found.get(timeout=60)[1] == 1
    (tmp_path / "enough").touch()
    for one in processes:
        one.join(timeout=60)
    with _places.place(tmp_path) as k:
        assert k == 0


def test_runs_go_round_the_cards(monkeypatch, tmp_path):
    monkeypatch.setattr(_places, "_folder", lambda: tmp_path / "places")
    with _places.device_of_a_run() as device:
        assert device is None  # no card here: the trainer's default
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with _places.device_of_a_run() as device:
        assert device is None
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with _places.device_of_a_run() as one, _places.device_of_a_run() as two:
        with _places.device_of_a_run() as three:
            assert [one, two, three] == ["cuda:0", "cuda:1", "cuda:0"]
        with _places.device_of_a_run() as again:
            assert again == "cuda:0"
    (tmp_path / "file").touch()
    monkeypatch.setattr(_places, "_folder", lambda: tmp_path / "file")
    with _places.device_of_a_run() as device:  # no place to hold: any card
        assert device in ("cuda:0", "cuda:1")


def test_a_sweep_trains_on_the_device_of_its_place(monkeypatch, tmp_path, digits):
    given = []

    def train(config, **how):
        given.append(how["device"])
        return training.train(config, **{**how, "device": "cpu"})

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(_places, "_folder", lambda: tmp_path / "places")
    monkeypatch.setattr("umixup.experiments.worker.train", train)
    configs = [replace(CONFIG, epochs=1, seed=seed) for seed in range(2)]
    assert sweep.run(configs, tmp_path / "records").done == 2
    assert given == ["cuda:0", "cuda:0"]  # one after the other


# Compiled sweeps, and their time


def test_a_sweep_compiles_if_it_is_told_to(tmp_path):
    config = replace(CONFIG, epochs=1)
    assert sweep.run([config], tmp_path, compile="aot_eager").done == 1
    [record] = results.records(tmp_path)
    assert record["sittings"][0]["compiled"] == "aot_eager"
    with pytest.raises(ValueError, match=r"compile = 'tvm'"):
        sweep.run([replace(config, seed=1)], tmp_path, compile="tvm")
    with pytest.raises(ValueError, match=r"compile = 3"):
        sweep.plan([replace(config, seed=1)], tmp_path, compile=3)


def test_a_long_sweep_on_digits_compiles_by_itself_and_no_other(tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(_compiling, "backend", lambda *given: tried.append(given) or "aot_eager")
    long = [replace(CONFIG, seed=s, epochs=1000, train_size=1280) for s in range(2)]
    assert _compiling.pays(long, 1, 1)  # 20,000 steps
    assert len(tried) == 1
    assert not _compiling.pays(long, 2, 1)
    assert not _compiling.pays(long, 1, 2)
    assert not _compiling.pays([*long, replace(CONFIG, dataset="mnist")], 1, 1)
    assert len(tried) == 1  # nothing is compiled to find that out

    def no_compiler(*given: object) -> str:
        raise ValueError

    monkeypatch.setattr(_compiling, "backend", no_compiler)
    assert not _compiling.pays(long, 1, 1)

    monkeypatch.setattr(_compiling, "pays", lambda *given: "aot_eager")
    for name, how in (
        ("a", {}),
        ("b", dict(checkpoints=tmp_path / "c")),
        ("d", dict(compile=False)),
    ):
        config = replace(CONFIG, epochs=1)
        assert sweep.run([config], tmp_path / name, **how).done == 1
        [record] = results.records(tmp_path / name)
        assert record["sittings"][0]["compiled"] == ("aot_eager" if name == "a" else None)


def test_an_estimate_is_about_what_a_run_takes(digits):
    config = replace(CONFIG, width=8, epochs=6)
    found = training.estimate(config, digits, device="cpu")
    assert found.total == pytest.approx(6 * (12 * found.step + found.test))
    last = training.estimate(replace(config, tested="last"), digits, device="cpu")
    assert last.total < 6 * 12 * last.step + 1.5 * last.test
    run = training.train(config, data=digits, device="cpu", progress=False)
    assert 0.4 < found.total / run.seconds < 2.5


def test_dry_run_times_steps_where_no_runs_are_recorded(tmp_path, capsys):
    command = f"sweep --table 3 --profile quick --runs 2 --losses ce --results {tmp_path} --dry-run"
    assert cli.main(command.split()) == 0
    assert "--timed times a few steps" in capsys.readouterr().out
    assert cli.main([*command.split(), "--timed"]) == 0
    assert "min with 1 workers" in capsys.readouterr().out
    configs = tables.configs(3, profile="quick", runs=2, losses=["ce"])
    one, two = (sweep.plan(configs, tmp_path, timed=True, workers=n, threads=1) for n in (1, 2))
    assert one.seconds == pytest.approx(2 * two.seconds, rel=0.5)
    assert cli.main(["sweep", "--table", "3", "--timed"]) == 2
    assert "only with --dry-run" in capsys.readouterr().err


# The check


def checked(folder: Path, **options) -> str:
    given = dict(table=4, results=folder / "records", device="cpu", changes=TINY, images=300)
    given |= dict(seconds=0.5, say=lambda text: None, minutes=0)
    return gpu_check.gpu_check(folder / "report", **{**given, **options}).read_text("utf-8")


@pytest.mark.process
@pytest.mark.usefixtures("can_spawn")
def test_a_check_goes_on_where_it_was_cut_off_and_ends_with_a_report(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_check.GPUCheck, "tests", lambda self: {"left_out": "these are tests"})
    together = gpu_check.GPUCheck.together

    def cut_off(self: gpu_check.GPUCheck) -> dict:
        raise KeyboardInterrupt

    monkeypatch.setattr(gpu_check.GPUCheck, "together", cut_off)
    with pytest.raises(KeyboardInterrupt):
        checked(tmp_path)
    text = (tmp_path / "report/report.md").read_text("utf-8")
    assert text.count("Not reached yet") == 3
    assert "ms, in float32" in text
    step = (tmp_path / "report/step.json").read_bytes()

    def fail(self: gpu_check.GPUCheck) -> dict:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(gpu_check.GPUCheck, "together", fail)
    text = checked(tmp_path)
    assert "Failed: `RuntimeError: out of luck`" in text
    assert "0 runs done this time, 0 of 1000 recorded" in text

    monkeypatch.setattr(gpu_check.GPUCheck, "together", together)
    checked(tmp_path)
    text = checked(tmp_path, minutes=0.15)  # the runs are all that is left
    assert "Failed" not in text
    assert "Not reached" not in text
    assert "3 at once do" in text
    assert "| 4 |" in text
    assert (tmp_path / "report/step.json").read_bytes() == step  # kept
    recorded = results.records(tmp_path / "records")
    assert f" {len(recorded)} of 1000 recorded" in text
    assert len(recorded) >= 2
    configs = [replace(config, **TINY) for config in tables.configs(4)]
    hashes = {config.hash() for config in configs[: len(recorded)]}  # seed by seed
    assert {record["hash"] for record in recorded} == hashes
    costs = json.loads((tmp_path / "report/costs.json").read_text())
    assert all(costs[str(t)]["runs"] == 1000 and costs[str(t)]["run"] > 0 for t in (1, 2, 3, 4))


def test_without_a_card_the_command_says_so(capsys):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert cli.main(["gpu-check"]) == 2
    assert "there is no GPU that torch can use here" in capsys.readouterr().err
    with pytest.raises(ValueError, match="device = 'cuda'"):
        gpu_check.gpu_check("nowhere")
    assert not Path("nowhere").exists()


def test_share_of_the_card_counts_the_recipe_s_products():
    one = gpu_check.GPUCheck(Path(), torch.device("cpu"), 1, "", 0, {})
    config, data = one.config(1), replace(one, images=100).made_up(1)
    assert config == tables.configs(1, runs=1, losses=["ce"])[3]
    assert data.train_x.shape == (100, 3, 32, 32)
    assert isinstance(training.new_model(config, data), nn.Module)


# The Slurm job


@pytest.mark.process
def test_a_slurm_job_saves_its_run_at_its_time_limit_and_goes_on_with_it(tmp_path):
    """bash runs the job's script as it is; of Slurm only the command that requeues is made up."""
    (tmp_path / "bin").mkdir()
    scontrol = tmp_path / "bin/scontrol"
    scontrol.write_text('#!/bin/sh\necho "$@" >> requeued\n')
    scontrol.chmod(0o755)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    environment = {
        **os.environ,
        **{
            "SLURM_SUBMIT_DIR": str(tmp_path),
            "SLURM_ARRAY_JOB_ID": "7",
            "SLURM_ARRAY_TASK_ID": "2",
        },
        **{"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
    }
    one_run = "--table 3 --profile quick --runs 1 --losses ce --schemes ERM --threads 1"
    command = ["bash", str(ROOT / "recipes/table1.slurm"), *one_run.split()]
    job = subprocess.Popen(command, env=environment, cwd="/", text=True, stderr=subprocess.PIPE)
    state = tmp_path / "checkpoints-full"
    until(lambda: any(state.glob("*/*")) or job.poll() is not None, 120)  # the run has begun
    assert job.poll() is None, job.stderr.read()
    time.sleep(1.5)  # some steps
    job.send_signal(signal.SIGTERM)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 0, said
    assert (tmp_path / "requeued").read_text() == "requeue 7_2\n"
    assert not list((tmp_path / "results-full").glob("*.json")), "it was done before: too fast"
    assert list(state.glob("*/*.pt"))
    done = subprocess.run(
        command, env=environment, cwd="/", check=False, timeout=120, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "1 runs done" in done.stdout
    [record] = results.records(tmp_path / "results-full")
    assert len(record["sittings"]) == 2
    assert not list(state.glob("*/*.pt"))
    assert (tmp_path / "requeued").read_text().count("\n") == 1


def test_the_slurm_job_asks_for_what_it_needs():
    text = (ROOT / "recipes/table1.slurm").read_text("utf-8")
    wanted = [line.split()[1] for line in text.splitlines() if line.startswith("#SBATCH")]
    assert {option.split("=")[0] for option in wanted} >= {
        *("--gres", "--time", "--signal", "--requeue", "--array", "--cpus-per-task", "--mem"),
    }
    assert "--signal=B:TERM@120" in wanted
