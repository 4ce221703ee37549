"""The drop-ins on batches of all kinds; and compiled, resumed, in threads, on other devices."""

from __future__ import annotations

import copy
import pickle
import threading
from collections import OrderedDict, UserDict, namedtuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode
from torchvision import tv_tensors

from umixup import pairs
from umixup.mixing import DAT, MixUp, Parts, UMixUp, accuracy, mix
from umixup.mixing.parts import Pairs
from umixup.mixing.tensors import leaves, mixed_batch
from umixup.policies import Beta

B = 6
Two = namedtuple("Two", "image table")


def image() -> torch.Tensor:
    return torch.rand(B, 3, 4, 5, generator=torch.Generator().manual_seed(0))


def table() -> torch.Tensor:
    return torch.rand(B, 9, generator=torch.Generator().manual_seed(1))


def classes() -> torch.Tensor:
    return torch.arange(B) % 4


def mixer(**options) -> UMixUp:
    return UMixUp("U(B(2.2,0.9))", 4, **{"seed": 0, **options})


# Containers


@pytest.mark.parametrize(
    "batch",
    [
        (image(), table()),
        [image(), table()],
        {"image": image(), "table": table()},
        OrderedDict(image=image(), table=table()),
        Two(image(), table()),
        UserDict(image=image(), table=table()),
        {"a": [image(), {"b": (table(),)}], "name": "x", "none": None, "scale": 0.5},
    ],
    ids=["tuple", "list", "dict", "ordered", "named tuple", "user dict", "nested"],
)
def test_every_tensor_of_a_container_is_mixed_with_the_same_pairs(batch):
    mixed, parts = mixer()(batch, classes(), parts=True)
    assert type(mixed) is type(batch)

    def tensors(part):
        if isinstance(part, torch.Tensor):
            return [part]
        inside = part.values() if hasattr(part, "values") else part
        return [
            t for v in inside if not isinstance(v, (str, float, type(None))) for t in tensors(v)
        ]

    got, given = tensors(mixed), tensors(batch)
    assert len(got) == len(given) == 2
    for one, whole in zip(got, given, strict=True):
        torch.testing.assert_close(one, mix(whole, whole[parts.second], parts.lam))
    alone = mixer()(image(), classes())[0]
    assert torch.equal(got[0], alone)
    if isinstance(mixed, dict) and "name" in mixed:
        assert (mixed["name"], mixed["none"], mixed["scale"]) == ("x", None, 0.5)


def masks() -> dict:
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]]).repeat(B // 2, 1)
    return {"x": torch.rand(B, 3, 2), "mask": mask, "padded": mask == 0, "ids": torch.arange(B)}


def test_integer_tensors_follow_the_rule_that_is_given():
    rules = {"mask": "union", "padded": "intersection", "ids": "keep"}
    batch = masks()
    mixed, parts = mixer(integers=rules)(batch, classes(), parts=True)
    mask, padded, second = batch["mask"], batch["padded"], parts.second
    assert torch.equal(mixed["mask"], mask | mask[second])
    assert torch.equal(mixed["padded"], padded & padded[second])
    assert torch.equal(mixed["padded"], mixed["mask"] == 0)
    assert torch.equal(mixed["ids"], batch["ids"])
    assert torch.equal(mixer(integers="keep")(batch, classes())[0]["mask"], mask)


@pytest.mark.parametrize("rules", [None, {"mask": "union"}])
def test_integer_tensor_without_a_rule_is_refused_by_its_name(rules):
    with pytest.raises(TypeError, match=r"inputs\['(mask|padded)'\], a Tensor of .* in a dict"):
        mixer(integers=rules)(masks(), classes())


@pytest.mark.parametrize("key", ["a[0]", "it's", 'say "x"', 5, "['b']"])
def test_rules_go_by_any_key(key):
    batch = {"x": torch.rand(B, 2), "more": [{key: torch.arange(B)}]}
    mixed, parts = mixer(integers={str(key): "union"})(batch, classes(), parts=True)
    expected = torch.maximum(torch.arange(B), parts.second)
    assert torch.equal(mixed["more"][0][key], expected)


def test_a_container_that_contains_itself_is_refused():
    batch = {"x": torch.rand(B, 2)}
    batch["again"] = batch
    with pytest.raises(ValueError, match="inputs: a container in it contains itself"):
        mixer()(batch, classes())
    labels = [classes()]
    labels.append(labels)
    with pytest.raises(ValueError, match="labels: a container in it contains itself"):
        mixer()(torch.rand(B, 2), labels)


@pytest.mark.parametrize("rules", ["sum", {"mask": "or"}])
def test_unknown_rule_is_refused_at_once(rules):
    with pytest.raises(ValueError, match="must be one of keep, union, intersection"):
        mixer(integers=rules)


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        (None, classes(), "inputs is a NoneType"),
        (image().numpy(), classes(), r"inputs is a ndarray: .*torch\.as_tensor"),
        ([1, 2], classes(), "inputs is a int"),
        ({}, classes(), "inputs is a dict"),
        (torch.randint(9, (B, 5)), classes(), "embeddings of tokens"),
        ({"ids": torch.randint(9, (B, 5))}, classes(), "embeddings of tokens"),
        (torch.rand(B, 2, dtype=torch.complex64), classes(), "view_as_real"),
        ({"a": table(), "z": torch.rand(B, 2, dtype=torch.complex64)}, classes(), "view_as_real"),
        (torch.rand(B, 2).to_sparse(), classes(), "dense"),
        ({"a": table(), "b": np.zeros(B)}, classes(), r"inputs\['b'\] is a ndarray"),
        (image(), None, r"labels: a NoneType; they must be a torch\.Tensor"),
        (image(), [0, 1, 2, 3, 0, 1], r"labels\[0\]: a int; they must be a torch\.Tensor"),
        (image(), classes().numpy(), "labels: a ndarray"),
        (image(), torch.rand(B, 2, dtype=torch.complex64), "view_as_real"),
    ],
)
def test_what_cannot_be_mixed_is_a_type_error_that_says_what_to_do(inputs, labels, message):
    with pytest.raises(TypeError, match=message):
        mixer()(inputs, labels)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mixer(generator=3, seed=None), TypeError, "generator = 3"),
        (lambda: mixer(pairing=3), TypeError, "pairing = 3: it must be a name or an object"),
        (lambda: mixer()(table(), classes(), pairing=3), TypeError, "pairing = 3"),
        (lambda: mixer()(table().to(torch.float8_e5m2), classes()), TypeError, "before casting"),
        (lambda: mixer().load_state_dict(None), ValueError, "what state_dict returned"),
        (lambda: mixer().load_state_dict({"seed": 0}), ValueError, "what state_dict returned"),
        (lambda: mix(table(), table(), [0.5] * B), TypeError, "lam is a list"),
        (lambda: mix(table(), table().double(), torch.rand(B)), TypeError, "of one dtype"),
        (lambda: mix(table(), table().numpy(), torch.rand(B)), TypeError, "x2 is a ndarray"),
        (
            lambda: accuracy(table().numpy(), mixer()(table(), classes(), parts=True)[1]),
            TypeError,
            "outputs is a ndarray",
        ),
        (
            lambda: accuracy(table(), mixer()(table(), {"a": classes()}, parts=True)[1]),
            TypeError,
            r"parts\.y is a dict",
        ),
    ],
)
def test_what_is_of_another_kind_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors_are_refused():
    with pytest.raises(TypeError, match="nested: pad it"):
        mixer()(torch.nested.nested_tensor([torch.rand(2), torch.rand(3)]), torch.tensor([0, 1]))


def test_gradients_flow_through_mixed_embeddings_to_both_samples():
    x = table().requires_grad_()
    mixed, parts = mixer()({"numbers": image(), "embedded": x}, classes(), parts=True)
    mixed["embedded"].sum().backward()
    share = parts.lam.index_add(0, parts.second, 1 - parts.lam)
    torch.testing.assert_close(x.grad, share[:, None].expand(B, 9))


def test_tensors_of_a_container_have_one_length():
    with pytest.raises(ValueError, match="all must have the same length"):
        mixer()((image(), table()[:3]), classes())


def test_tensor_subclasses_keep_their_class():
    mixed, _ = mixer()(tv_tensors.Image(image()), classes())
    assert type(mixed) is tv_tensors.Image
    assert torch.equal(mixed, mixer()(image(), classes())[0])
    mixed, _ = mixer()({"video": tv_tensors.Video(image()[:, None])}, classes())
    assert type(mixed["video"]) is tv_tensors.Video


def test_boxes_are_refused():
    boxes = tv_tensors.BoundingBoxes(torch.rand(B, 4), format="XYXY", canvas_size=(4, 5))
    with pytest.raises(TypeError, match="boxes cannot be mixed"):
        mixer()({"x": image(), "boxes": boxes}, classes())


# Targets


def test_dense_and_real_targets_are_mixed_as_they_are():
    for shape in [(B,), (B, 2), (B, 5, 4), (B, 4, 3, 3)]:
        y = torch.rand(shape)
        untied = UMixUp("U(B(2.2,0.9))", seed=0)
        _, target = untied(table(), y)
        _, parts = UMixUp("U(B(2.2,0.9))", seed=0)(table(), y, parts=True)
        torch.testing.assert_close(target, mix(y, y[parts.second], parts.gamma))


def test_maps_of_class_numbers_become_maps_of_vectors_and_ignored_ones_stay_ignored():
    y = torch.randint(4, (B, 3, 3), generator=torch.Generator().manual_seed(0))
    y[0, 0, 0] = y[1] = 255
    target = mixer(ignore_index=255).targets(y)
    assert target.shape == (B, 4, 3, 3)
    kept = y != 255
    assert torch.equal(target.sum(dim=1), kept.float())
    assert torch.equal(target.argmax(dim=1)[kept], y[kept])
    logits = torch.randn(B, 4, 3, 3)
    ours = -(target * logits.log_softmax(dim=1)).sum() / kept.sum()
    torch.testing.assert_close(ours, F.cross_entropy(logits, y, ignore_index=255))
    with pytest.raises(ValueError, match=r"labels from 0 to 255: they must be in 0 … 3"):
        mixer().targets(y)


def test_sequences_of_class_numbers_become_vectors_along_the_second_dimension():
    y = torch.randint(4, (B, 7))
    assert torch.equal(mixer().targets(y), F.one_hot(y, 4).movedim(2, 1).float())


@pytest.mark.parametrize("y", [F.one_hot(classes(), 4), F.one_hot(classes(), 4).bool()])
@pytest.mark.parametrize("num_classes", [4, None])
def test_integer_and_boolean_vectors_become_floating(y, num_classes):
    got = mixer().targets(y) if num_classes else UMixUp("B(1,1)").targets(y)
    assert torch.equal(got, y.float())


def test_class_numbers_of_both_samples_without_vectors():
    _, parts = UMixUp("U(B(2.2,0.9))", seed=0)(table(), classes(), parts=True)
    assert torch.equal(parts.y, classes())
    assert torch.equal(parts.y2, classes()[parts.second])
    _, dense = mixer()(table(), classes(), parts=True)
    logits = torch.randn(B, 4)
    one, two = (F.cross_entropy(logits, y, reduction="none") for y in (parts.y, parts.y2))
    mixed = (parts.gamma * one + (1 - parts.gamma) * two).mean()
    target = mix(dense.y, dense.y2, dense.gamma)
    torch.testing.assert_close(mixed, F.cross_entropy(logits, target))


def test_parts_alone_need_no_labels():
    mixed, parts = mixer()(table(), None, parts=True)
    expected, with_labels = mixer()(table(), classes(), parts=True)
    assert torch.equal(mixed, expected)
    assert parts.y is parts.y2 is None
    assert torch.equal(parts.second, with_labels.second)
    assert torch.equal(parts.gamma, with_labels.gamma)


def test_labels_in_a_container_become_targets_one_by_one():
    labels = {"kind": classes(), "size": table()[:, :4]}
    _, targets = mixer()(image(), labels)
    _, kind = mixer()(image(), classes())
    assert torch.equal(targets["kind"], kind)
    assert targets["size"].shape == (B, 4)


# Pairings, probability, switching off


@pytest.mark.parametrize("name", pairs.PAIRINGS)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_drop_in_takes_every_pairing(name, n):
    x, y = table()[:n], classes()[:n]
    mixed, parts = mixer(pairing=name)(x, y, parts=True)
    torch.testing.assert_close(mixed, mix(x[parts.first], x[parts.second], parts.lam))
    assert torch.equal(parts.y, F.one_hot(y, 4).float()[parts.first])
    assert torch.equal(parts.y2, F.one_hot(y, 4).float()[parts.second])
    if name not in ("iid", "one_way"):
        assert torch.equal(parts.first, torch.arange(n))
    if name == "derangement" and n > 1:
        assert (parts.second != torch.arange(n)).all()


def test_a_pairing_for_one_batch_as_in_c_mixup():
    y = torch.linspace(0, 1, 200)
    x = torch.rand(200, 3)
    _, parts = MixUp(2.0, seed=0)(x, y, parts=True, pairing=pairs.near_labels(y, 0.05))
    assert (parts.y - parts.y2).abs().mean() < 0.08


def test_a_pairing_that_draws_too_few_is_refused():
    class Half:
        def draw(self, n, batch_size, generator=None):
            return torch.arange(n // 2), torch.arange(n // 2)

    with pytest.raises(ValueError, match="for a batch of 6 it drew 3 numbers"):
        mixer(pairing=Half())(table(), classes())


@pytest.mark.parametrize("lam_per", ["sample", "batch"])
def test_prob_is_the_share_of_what_is_mixed(lam_per):
    n, x, y = 2000, torch.rand(2000, 3), torch.arange(2000) % 4
    some = mixer(prob=0.3, lam_per=lam_per)
    if lam_per == "sample":
        mixed, target = some(x, y)
        left = (mixed == x).all(dim=1)
        assert torch.equal(target[left], F.one_hot(y, 4).float()[left])
        share = left.float().mean().item()
    else:
        share = sum(torch.equal(some(x[:8], y[:8])[0], x[:8]) for _ in range(n)) / n
    assert share == pytest.approx(0.7, abs=0.05)
    with pytest.raises(ValueError, match=r"prob = 1\.5: it must be in \[0, 1\]"):
        mixer(prob=1.5)


def test_mixing_can_be_switched_off_in_timms_words():
    one = mixer()
    one.mixup_enabled = False
    mixed, target = one(image(), classes())
    assert torch.equal(mixed, image())
    assert torch.equal(target, F.one_hot(classes(), 4).float())
    _, parts = one(image(), classes(), parts=True)
    assert (parts.gamma == 1).all()
    with pytest.raises(AttributeError, match="label_smoothing"):
        one.label_smoothing = 0.1


def test_alpha_zero_names_erm():
    with pytest.raises(ValueError, match=r"alpha = 0: .*> 0; .*ERM, um\.erm\(\)"):
        MixUp(0)


# Infinities


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_infinities_stay_infinities(dtype):
    inf = float("inf")
    x = torch.tensor([[-inf, 1, -inf, 2], [-inf, -inf, 1, inf], [1, -inf, 2, inf]]).T.to(dtype)
    x2 = torch.tensor([[-inf, -inf, 1, 3], [-inf, 2, -inf, inf], [1, -inf, 2, inf]]).T.to(dtype)
    for lam in (0.0, 0.3, 1.0):
        got = mix(x, x2, torch.full((4,), lam))
        expected = {0.0: x2, 1.0: x}.get(lam, torch.where(x.isfinite(), x2, x))
        either = x.isinf() | x2.isinf()
        assert torch.equal(got[either], expected[either]), lam
        assert not got.isnan().any()
    mixed, _ = mixer()(torch.where(torch.rand(B, 40) < 0.5, -inf, 1.0).to(dtype), classes())
    assert not mixed.isnan().any()


# Compiled, vmapped, under autocast, faked


def test_mix_is_one_graph_when_compiled():
    lam = torch.rand(B)
    step = torch.compile(lambda a, b, v: mix(a, b, v) * 2, backend="eager", fullgraph=True)
    torch.testing.assert_close(
        step(table(), table().flip(0), lam), 2 * mix(table(), table().flip(0), lam)
    )


def test_mix_under_vmap_is_mix_for_each():
    x, x2, lam = torch.rand(3, B, 2), torch.rand(3, B, 2), torch.rand(3, B)
    got = torch.vmap(mix)(x, x2, lam)
    torch.testing.assert_close(got, torch.stack([mix(*v) for v in zip(x, x2, lam, strict=True)]))


def test_mixing_under_autocast_keeps_the_precision_of_the_inputs():
    with torch.autocast("cpu", torch.bfloat16):
        mixed, target = mixer()(image(), classes())
    expected = mixer()(image(), classes())
    assert torch.equal(mixed, expected[0])
    assert torch.equal(target, expected[1])


class Waiting(torch.utils._python_dispatch.TorchDispatchMode):
    """Refuses what would make the CPU wait for the GPU."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func is not torch.ops.aten._local_scalar_dense.default, "a value is read"
        if func is torch.ops.aten._to_copy.default:
            there = (kwargs or {}).get("device")
            if there is not None and there.type != args[0].device.type:
                assert kwargs.get("non_blocking"), "a copy that is waited for"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("pairing", ["batch_shuffle", "iid"])
def test_nothing_waits_for_a_gpu_and_everything_stays_there(pairing):
    drawn = mixer()._draw(B, pairs.by_name(pairing))
    one = mixer()
    with FakeTensorMode(allow_non_fake_inputs=True), Waiting():
        x = torch.rand(B, 3, 4, 4, device="cuda")
        y = torch.zeros(B, dtype=torch.long, device="cuda")
        moved = drawn.to(x.device)
        assert {v.device.type for v in moved[:4]} == {"cuda"}
        mixed = mixed_batch(leaves("inputs", {"x": x, "half": x.half()}), moved, None)
        assert {v.device.type for v in mixed.values()} == {"cuda"}
        assert mixed["half"].dtype == torch.float16
        assert one.targets(y).device.type == "cuda"


def test_pairs_are_moved_without_loss():
    drawn = mixer()._draw(B, pairs.by_name("iid"))
    moved = drawn.to(torch.device("meta"))
    assert [v.dtype for v in moved[:4]] == [v.dtype for v in drawn[:4]]
    big = Pairs(
        torch.arange(2**20), torch.arange(2**20), torch.rand(2**20), torch.rand(2**20), True
    )
    assert torch.equal(big.second.to(big.lam.dtype).long(), big.second)


# State


def series(one: UMixUp, steps: int) -> list[torch.Tensor]:
    return [one(table(), classes(), parts=True)[1].lam for _ in range(steps)]


def test_a_mixer_resumes_from_its_state():
    whole = series(mixer(), 10)
    first = mixer()
    series(first, 5)
    state = pickle.loads(pickle.dumps(first.state_dict()))
    again = mixer()
    again.load_state_dict(state)
    assert all(map(torch.equal, series(again, 5), whole[5:]))


def test_draws_of_an_epoch_depend_on_the_seed_and_the_epoch_alone():
    one, other = mixer(), mixer()
    series(one, 7)
    for epoch in (3, 4):
        one.set_epoch(epoch)
        other.set_epoch(epoch)
        assert torch.equal(*(series(v, 1)[0] for v in (one, other)))
    copied = copy.deepcopy(one)
    assert torch.equal(series(copied, 1)[0], series(one, 1)[0])
    state = one.state_dict()
    fresh = mixer()
    fresh.load_state_dict(state)
    assert torch.equal(series(fresh, 1)[0], series(one, 1)[0])


def _in_epoch(epoch: int) -> torch.Tensor:
    one = mixer()
    one.set_epoch(epoch)
    return series(one, 1)[0]


def collate(batch):
    one = collate.mixer
    x, y = torch.utils.data.default_collate(batch)
    return one(x, y, parts=True)[1].lam


def test_loader_workers_draw_by_epoch_whatever_torch_draws():
    data = torch.utils.data.TensorDataset(torch.rand(16, 2), torch.arange(16) % 4)

    def epoch(number: int, base: int) -> list[torch.Tensor]:
        torch.manual_seed(base)
        collate.mixer = mixer()
        collate.mixer.set_epoch(number)
        loader = torch.utils.data.DataLoader(data, 4, num_workers=2, collate_fn=collate)
        return list(loader)

    one, other, later = epoch(1, 0), epoch(1, 99), epoch(2, 0)
    assert all(map(torch.equal, one, other))
    assert not any(map(torch.equal, one, later))
    assert not torch.equal(one[0], one[1])


def test_state_is_refused_where_it_does_not_belong(monkeypatch):
    state = mixer().state_dict()
    with pytest.raises(ValueError, match="it is of seed 0, this mixer of 1"):
        mixer(seed=1).load_state_dict(state)
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(ValueError, match="it is of rank 0, this mixer of 1"):
        mixer().load_state_dict(state)
    with pytest.raises(RuntimeError, match=r"torch\.get_rng_state"):
        mixer(seed=None).state_dict()
    with pytest.raises(ValueError, match="it needs a mixer with a seed"):
        mixer(seed=None).set_epoch(1)


def test_state_of_a_given_generator_is_kept():
    one = mixer(seed=None, generator=torch.Generator().manual_seed(3))
    series(one, 2)
    other = mixer(seed=None, generator=torch.Generator())
    other.load_state_dict(one.state_dict())
    assert torch.equal(series(one, 1)[0], series(other, 1)[0])


@pytest.mark.parametrize("make", [mixer, lambda: DAT(Beta(2, 1), 4, seed=0)])
def test_a_seeded_mixer_in_a_thread_leaves_the_global_generator_alone(make):
    def plain() -> torch.Tensor:
        torch.manual_seed(1)
        return torch.stack([torch.rand(4) for _ in range(3000)])

    expected, alone, found = plain(), series(make(), 300), []
    one = make()
    thread = threading.Thread(target=lambda: found.extend(series(one, 300)))
    thread.start()
    got = plain()
    thread.join()
    assert torch.equal(got, expected)
    assert all(map(torch.equal, found, alone))


# Accuracy


def parted(y: torch.Tensor, y2: torch.Tensor, gamma: torch.Tensor) -> Parts:
    index = torch.arange(len(gamma))
    return Parts(y, y2, gamma, gamma, index, index)


def test_accuracy_of_a_binary_task_is_that_of_the_sign():
    y, y2, gamma = torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0]), torch.tensor([0.6, 0.7])
    for shape in [(2,), (2, 1)]:
        parts = parted(y.reshape(shape), y2.reshape(shape), gamma)
        got = accuracy(torch.tensor([3.0, -1.0]).reshape(shape), parts)
        assert got.item() == pytest.approx((1 + 0.7) / 2)


def test_accuracy_of_several_labels_is_refused_or_counts_each():
    y = torch.tensor([[1.0, 1.0, 0.0]])
    parts = parted(y, torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([0.75]))
    outputs = torch.tensor([[1.0, -1.0, -1.0]])
    with pytest.raises(ValueError, match="multilabel=True counts each label"):
        accuracy(outputs, parts)
    got = accuracy(outputs, parts, multilabel=True)
    assert got.item() == pytest.approx((0.75 * 2 + 0.25 * 1) / 3)


def test_accuracy_of_one_logit_and_class_numbers_and_of_what_has_no_accuracy():
    y, gamma = torch.ones(3, dtype=torch.long), torch.ones(3)
    assert accuracy(torch.full((3, 1), 5.0), parted(y, y, gamma)) == 1
    with pytest.raises(ValueError, match=r"are in \[0, 1\]"):
        accuracy(torch.rand(3), parted(torch.full((3,), 250.0), torch.rand(3), gamma))
    with pytest.raises(ValueError, match="outputs have NaN"):
        accuracy(torch.full((3, 2), float("nan")), parted(y, y, gamma))


def test_accuracy_on_class_numbers_and_on_maps_agrees_with_vectors():
    y, y2 = torch.randint(4, (2, B, 3, 3), generator=torch.Generator().manual_seed(0))
    outputs = torch.randn(B, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    gamma = torch.rand(B)
    vectors = [F.one_hot(v, 4).movedim(-1, 1).float() for v in (y, y2)]
    guess = outputs.argmax(dim=1)
    g = gamma[:, None, None]
    expected = (g * (guess == y) + (1 - g) * (guess == y2)).mean()
    torch.testing.assert_close(accuracy(outputs, parted(*vectors, gamma)), expected)
    torch.testing.assert_close(accuracy(outputs, parted(y, y2, gamma)), expected)
    with pytest.raises(ValueError, match=r"for class numbers they must be \(B, C\)"):
        accuracy(outputs[:3], parted(y, y2, gamma))
