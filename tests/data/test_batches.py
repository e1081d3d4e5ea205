import copy
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from layerlab.data import augmentation, load_data
from layerlab.data.batches import BatchPlan, FileSplit, Split, TensorSplit
from layerlab.data.preprocessing import Preprocessing
from layerlab.errors import LayerlabError

RECIPE = Preprocessing((8, 8), 1, (0.4,), (0.2,), ("a", "b", "c"))


def tensor_split(count: int = 53) -> TensorSplit:
    pixels = torch.randint(0, 256, (count, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return TensorSplit(pixels, torch.arange(count), RECIPE)


def collect(split: Split, **how: object) -> list[tuple[Tensor, Tensor]]:
    return list(split.batches(8, **{"shuffle": True, "seed": 3, **how}))  # type: ignore[arg-type]


def same(one: list[tuple[Tensor, Tensor]], other: list[tuple[Tensor, Tensor]]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(one, other, strict=True)
    )


def test_images_belong_to_their_labels_and_are_normalised() -> None:
    split = tensor_split()
    for images, labels in split.batches(8, shuffle=True, seed=0):
        assert images.dtype == torch.float32 and labels.dtype == torch.int64
        expected = (split.pixels[labels].float() / 255 - 0.4) / 0.2
        torch.testing.assert_close(images, expected)


def test_an_epoch_has_every_image_once_and_epochs_differ() -> None:
    split = tensor_split()
    epochs = [torch.cat([labels for _, labels in collect(split, epoch=epoch)]).tolist() for epoch in (0, 1)]
    assert epochs[0] != epochs[1]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(53))


def test_iterating_twice_gives_the_same() -> None:
    batches = tensor_split().batches(8, shuffle=True, seed=3, epoch=2)
    assert same(list(batches), list(batches))
    assert len(batches) == 7


@pytest.mark.parametrize("start", [0, 1, 4, 7, 9])
@pytest.mark.parametrize("name", ["none", "light", "standard", "randaugment"])
def test_starting_in_the_middle_gives_the_rest_of_the_epoch(start: int, name: str) -> None:
    transform = augmentation(name, RECIPE.shape)
    split = tensor_split()
    whole = collect(split, epoch=1, transform=transform)
    assert len(split.batches(8, start=start)) == len(whole[start:])
    assert same(collect(split, epoch=1, transform=transform, start=start), whole[start:])


@given(
    count=st.integers(0, 100),
    share=st.integers(1, 7),
    world=st.integers(1, 6),
    drop_last=st.booleans(),
    seed=st.integers(0, 2**31),
    epoch=st.integers(0, 50),
    start=st.integers(0, 5),
)
def test_shares_unite_to_the_single_process_batch(
    count: int, share: int, world: int, drop_last: bool, seed: int, epoch: int, start: int
) -> None:
    def plan(rank: int, world: int) -> BatchPlan:
        return BatchPlan(count, share * max_world, True, seed, epoch, rank, world, drop_last, start)

    max_world = world
    whole = list(plan(0, 1))
    parts = [list(plan(rank, world)) for rank in range(world)]
    assert {len(part) for part in parts} == {len(whole)} == {len(plan(0, world))}
    for number, batch in enumerate(whole):
        shares = [part[number] for part in parts]
        assert sorted(torch.cat([s.indices for s in shares]).tolist()) == sorted(batch.indices.tolist())
        sizes = [len(s.indices) for s in shares]
        assert max(sizes) - min(sizes) <= 1
        if len(batch.indices) == share * world:
            assert sizes == [share] * world
        noise = torch.cat([plan(rank, world).noise(s, 3) for rank, s in enumerate(shares)])
        assert torch.equal(noise, plan(0, 1).noise(batch, 3))


@pytest.mark.parametrize("name", ["none", "light", "standard", "trivialaugment"])
def test_processes_see_the_images_that_one_would(name: str) -> None:
    transform = augmentation(name, RECIPE.shape)
    split = tensor_split()
    alone = collect(split, transform=transform)
    together = [collect(split, transform=transform, rank=rank, world=4) for rank in range(4)]
    for number, (images, labels) in enumerate(alone):
        assert torch.equal(torch.cat([rank[number][0] for rank in together]), images)
        assert torch.equal(torch.cat([rank[number][1] for rank in together]), labels)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"world": 3}, "a batch of 8 images cannot be shared equally by 3 processes; use a batch size of 6 or 9"),
        ({"world": 16}, "use a batch size of 16"),
        ({"rank": 2, "world": 2}, "process 2 of 2 does not exist"),
        ({"seed": -1}, "seed must not be negative, got -1"),
        ({"start": -1}, "start must not be negative"),
    ],
)
def test_impossible_plans_are_refused(how: dict[str, int], said: str) -> None:
    with pytest.raises(LayerlabError, match=said):
        collect(tensor_split(), **how)


def test_batch_size_must_be_positive() -> None:
    with pytest.raises(LayerlabError, match="batch size must be at least 1, not 0"):
        tensor_split().batches(0)


def test_drop_last() -> None:
    assert [len(labels) for _, labels in collect(tensor_split(17), drop_last=True)] == [8, 8]


def test_channels_last_changes_the_layout_only() -> None:
    pixels = torch.randint(0, 256, (20, 3, 8, 8), dtype=torch.uint8)
    split = TensorSplit(pixels, torch.arange(20), Preprocessing((8, 8), 3, (0.5,) * 3, (0.2,) * 3, ("a",)))
    plain = collect(split)
    laid_out = collect(split, memory_format=torch.channels_last)
    assert all(images.is_contiguous(memory_format=torch.channels_last) for images, _ in laid_out)
    assert same(plain, laid_out)


def test_the_kept_float_copy_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = collect(tensor_split())
    monkeypatch.setattr("layerlab.data.batches._CACHE_LIMIT", 0)
    assert same(kept, collect(tensor_split()))


def test_a_torchvision_transform_is_taken_as_it_is() -> None:
    from torchvision.transforms import v2

    split = tensor_split()
    flipped = collect(split, transform=v2.RandomVerticalFlip(1.0))
    assert all(
        torch.equal(a[0].flip(2), b[0]) and torch.equal(a[1], b[1])
        for a, b in zip(collect(split), flipped, strict=True)
    )


# Streaming from files ------------------------------------------------------------------------------------------


@pytest.fixture
def files(make_folder, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """A data set that streams, and the same one in memory."""
    folder = make_folder({"cats": 30, "dogs": 25}, size=(12, 10))
    in_memory = load_data(folder, size=8)
    monkeypatch.setattr("layerlab.data.assembly.MEMORY_LIMIT", 0)
    return load_data(folder, size=8, workers=0), load_data(folder, size=8, workers=2), in_memory


def test_streamed_images_are_those_in_memory(files) -> None:  # type: ignore[no-untyped-def]
    here, workers, in_memory = files
    assert isinstance(here.train, FileSplit) and isinstance(in_memory.train, TensorSplit)
    for name in ("none", "standard", "randaugment"):
        how = {"epoch": 1, "transform": augmentation(name, in_memory.shape)}
        expected = collect(in_memory.train, **how)
        assert same(collect(here.train, **how), expected)
        assert same(collect(workers.train, **how), expected)
        assert same(collect(workers.train, **how, start=2), expected[2:])
    assert here.mean == in_memory.mean
    assert torch.equal(here.test.images([0, 1]), in_memory.test.images([0, 1]))
    assert here.test.name_of(0) == in_memory.test.name_of(0)


def test_workers_outlive_an_epoch_even_one_that_was_left_early(files) -> None:  # type: ignore[no-untyped-def]
    _, workers, in_memory = files
    for _ in workers.train.batches(4, shuffle=True):
        break
    assert same(collect(workers.train, epoch=1), collect(in_memory.train, epoch=1))
    processes = [worker.pid for worker in workers.train._loader._loader._iterator._workers]
    assert same(collect(workers.train, epoch=2), collect(in_memory.train, epoch=2))
    assert processes == [worker.pid for worker in workers.train._loader._loader._iterator._workers]


def test_two_epochs_at_once_do_not_mix(files) -> None:  # type: ignore[no-untyped-def]
    _, workers, in_memory = files
    pairs = zip(collect(in_memory.train), workers.train.batches(8, shuffle=True, seed=3), strict=True)
    for number, (expected, got) in enumerate(pairs):
        assert torch.equal(expected[0], got[0])
        if number == 1:
            assert same(collect(workers.train, epoch=4), collect(in_memory.train, epoch=4))


def test_streaming_leaves_torchs_generator_alone(files) -> None:  # type: ignore[no-untyped-def]
    _, workers, _ = files
    before = torch.get_rng_state()
    collect(workers.train, transform=augmentation("trivialaugment", (3, 8, 8)))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_file_that_vanishes_is_named(files) -> None:  # type: ignore[no-untyped-def]
    _, workers, _ = files
    Path(workers.train.paths[3]).unlink()
    with pytest.raises(LayerlabError, match=r'no image file ".*\.png"') as caught:
        collect(workers.train)
    assert "\n" not in str(caught.value)


def test_a_part_can_be_copied_and_leaves_its_workers_behind(files) -> None:  # type: ignore[no-untyped-def]
    _, workers, in_memory = files
    collect(workers.train)
    assert same(collect(copy.deepcopy(workers.train)), collect(in_memory.train))
