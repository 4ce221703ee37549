"""Data sets and augmentation, against scikit-learn and torchvision."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision.transforms.functional as TF
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from umixup import data

# Loading


def test_digits_are_those_of_scikit_learn(digits):
    theirs = load_digits()
    x, y = torch.cat([digits.train_x, digits.test_x]), torch.cat([digits.train_y, digits.test_y])
    assert x.dtype == torch.uint8
    assert y.dtype == torch.int64
    assert digits.train_x.shape == (1437, 1, 8, 8)
    assert digits.test_x.shape == (360, 1, 8, 8)
    np.testing.assert_allclose(
        x[:, 0].double().numpy() * 16 / 255, theirs.images, atol=16 / 255 / 2
    )
    np.testing.assert_array_equal(y.numpy(), theirs.target)
    assert digits.classes == tuple("0123456789")
    assert (digits.name, digits.title) == ("digits", "digits")


def test_normalized_training_pixels_have_mean_zero_and_variance_one(digits):
    x = digits.normalize(digits.train_x)
    assert x.dtype == torch.float32
    assert x.mean().item() == pytest.approx(0, abs=1e-5)
    assert x.var().item() == pytest.approx(1, abs=1e-5)


def test_normalize_is_that_of_torchvision_and_leaves_its_argument(digits):
    before = digits.test_x[:5].clone()
    expected = TF.normalize(before / 255, [digits.mean], [digits.std])
    torch.testing.assert_close(digits.normalize(digits.test_x[:5]), expected)
    assert torch.equal(digits.test_x[:5], before)


def idx(path: Path, values: np.ndarray) -> None:
    """Write an IDX file as Fashion-MNIST has it: magic number, sizes, bytes."""
    head = np.array([0x0800 + values.ndim, *values.shape], dtype=">u4")
    path.write_bytes(head.tobytes() + values.astype(np.uint8).tobytes())


@pytest.fixture
def tiny_fashion(tmp_path):
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    made = {}
    for stem, n in (("train", 7), ("t10k", 3)):
        made[stem] = rng.integers(0, 256, (n, 28, 28)), rng.integers(0, 10, n)
        idx(raw / f"{stem}-images-idx3-ubyte", made[stem][0])
        idx(raw / f"{stem}-labels-idx1-ubyte", made[stem][1])
    return tmp_path, made


def test_fashion_mnist_is_read_from_its_files(tiny_fashion):
    root, made = tiny_fashion
    got = data.load("fashion-mnist", root)
    assert got.train_x.shape == (7, 1, 28, 28)
    assert got.test_x.shape == (3, 1, 28, 28)
    assert got.train_x.dtype == torch.uint8
    assert got.train_y.dtype == torch.int64
    for x, y, stem in ((got.train_x, got.train_y, "train"), (got.test_x, got.test_y, "t10k")):
        np.testing.assert_array_equal(x[:, 0].numpy(), made[stem][0])
        np.testing.assert_array_equal(y.numpy(), made[stem][1])
    assert len(got.classes) == 10
    assert got.classes[0] == "T-shirt/top"
    assert (got.mean, got.std) == (0.2860, 0.3530)


def test_the_environment_says_where_the_data_lie(tiny_fashion, monkeypatch):
    root, _ = tiny_fashion
    monkeypatch.setenv("UMIXUP_DATA", str(root))
    assert len(data.load("fashion-mnist").train_x) == 7


@pytest.mark.skipif(
    not (data.folder() / "FashionMNIST" / "raw").is_dir(), reason="Fashion-MNIST is not here"
)
def test_the_real_fashion_mnist_has_its_sizes_and_moments():
    got = data.load("fashion-mnist")
    assert got.train_x.shape == (60_000, 1, 28, 28)
    assert got.test_x.shape == (10_000, 1, 28, 28)
    assert torch.bincount(got.train_y).tolist() == [6000] * 10
    assert torch.bincount(got.test_y).tolist() == [1000] * 10
    pixels = got.train_x.float() / 255
    assert pixels.mean().item() == pytest.approx(got.mean, abs=1e-4)
    assert pixels.std().item() == pytest.approx(got.std, abs=1e-4)


def test_the_folder_is_the_argument_then_the_environment_then_here_then_above(
    tmp_path, monkeypatch
):
    here = tmp_path / "notebooks"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("UMIXUP_DATA", raising=False)
    assert data.folder() == Path("data")
    (tmp_path / "data").mkdir()
    assert data.folder() == Path("../data")
    (here / "data").mkdir()
    assert data.folder() == Path("data")
    monkeypatch.setenv("UMIXUP_DATA", "elsewhere")
    assert data.folder() == Path("elsewhere")
    assert data.folder("mine") == Path("mine")


def test_missing_files_are_told_with_the_command_that_fetches_them(tmp_path, monkeypatch):
    monkeypatch.setenv("UMIXUP_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"dataset = 'fashion-mnist': no files in") as told:
        data.load("fashion-mnist")
    message = str(told.value)
    assert str(tmp_path / "FashionMNIST") in message
    assert "UMIXUP_DATA" in message
    (command,) = [line for line in message.splitlines() if "python -c" in line]
    python, flag, code = shlex.split(command)
    assert (python, flag) == ("python", "-c")
    compile(code, "command", "exec")
    assert f"um.data.fetch('fashion-mnist', root='{tmp_path}')" in code


@pytest.mark.parametrize("use", [data.load, data.fetch, data.check_name])
def test_an_unknown_data_set_is_told_with_those_there_are(use):
    with pytest.raises(ValueError, match=r"dataset = 'imagenet': it must be one of digits") as told:
        use("imagenet")
    for name in data.NAMES:
        assert name in str(told.value)


def test_fetching_the_digits_needs_no_network(digits):
    assert torch.equal(data.fetch("digits").train_x, digits.train_x)


# DataSet


def test_first_takes_the_first_training_samples_and_keeps_the_test_set(digits):
    part = digits.first(10)
    assert torch.equal(part.train_x, digits.train_x[:10])
    assert torch.equal(part.train_y, digits.train_y[:10])
    assert torch.equal(part.test_x, digits.test_x)
    assert digits.first(None) is digits
    assert len(digits.first(1437).train_x) == 1437
    assert len(digits.first(1).train_x) == 1


@pytest.mark.parametrize("n", [0, -1, 1438])
def test_a_train_size_out_of_range_is_refused(digits, n):
    with pytest.raises(ValueError, match=rf"train_size = {n}: digits has 1 to 1437"):
        digits.first(n)


def test_to_moves_all_four_tensors(digits):
    moved = digits.to("meta")
    tensors = (moved.train_x, moved.train_y, moved.test_x, moved.test_y)
    assert {t.device.type for t in tensors} == {"meta"}
    assert digits.train_x.device.type == "cpu"
    assert moved.classes == digits.classes


# gather_crops and crop_and_flip


@given(
    st.integers(0, 2**31),
    st.integers(1, 5),
    st.sampled_from([1, 3]),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(0, 4),
)
def test_crop_and_flip_is_that_of_torchvision(seed, batch, channels, height, width, padding):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(
        1, 256, (batch, channels, height, width), generator=generator, dtype=torch.uint8
    )
    offsets = torch.randint(2 * padding + 1, (batch, 2), generator=generator)
    flips = torch.rand(batch, generator=generator) < 0.5
    expected = []
    for image, (top, left), flip in zip(x, offsets.tolist(), flips.tolist(), strict=True):
        image = TF.crop(TF.pad(image, [padding]), top, left, height, width)
        expected.append(TF.hflip(image) if flip else image)
    for given_x in (x, x.contiguous(memory_format=torch.channels_last), x.float()):
        got = data.crop_and_flip(given_x, offsets, flips, padding)
        assert got.dtype == given_x.dtype
        assert torch.equal(got.byte(), torch.stack(expected))
    indices = torch.randint(batch, (2 * batch,), generator=generator)
    padded = F.pad(torch.cat([x, x]), (padding,) * 4)[batch:]  # one that does not begin at 0
    got = data.gather_crops(padded, indices, offsets[indices], flips[indices], padding)
    assert torch.equal(got, torch.stack(expected)[indices])


def test_without_padding_and_flips_images_stay_as_they_are(digits):
    x = digits.test_x[:4]
    still = data.crop_and_flip(x, torch.zeros(4, 2, dtype=torch.int64), torch.zeros(4).bool(), 0)
    assert torch.equal(still, x)
    centred = data.crop_and_flip(x, torch.full((4, 2), 3), torch.zeros(4).bool(), 3)
    assert torch.equal(centred, x)


def test_every_offset_gives_its_own_crop_of_test_images(digits):
    """Against slices, to the last pixel of the last image, and for images that are not square."""
    x, padding = digits.test_x[-4:, :, :, :5], 2
    padded = F.pad(x, (padding,) * 4)
    for top in range(2 * padding + 1):
        for left in range(2 * padding + 1):
            offsets, flips = torch.tensor([[top, left]] * 4), torch.tensor([False, True] * 2)
            expected = padded[:, :, top : top + 8, left : left + 5].clone()
            expected[1::2] = expected[1::2].flip(3)
            got = data.crop_and_flip(x, offsets, flips, padding)
            assert torch.equal(got, expected)
