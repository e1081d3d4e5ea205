import pytest
import torch

from layerlab.data.augmentation import AUGMENTATIONS, Chain, CropAndFlip, PerImage, Wobble, augmentation
from layerlab.data.randomness import uniform
from layerlab.errors import LayerlabError


def photographs(count: int = 12, channels: int = 3, size: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, size, size), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS.keys() - {"none"}))
@pytest.mark.parametrize("channels", [1, 3])
def test_every_augmentation_keeps_shape_and_range_and_depends_on_its_row_alone(name: str, channels: int) -> None:
    images = photographs(channels=channels)
    change = augmentation(name, images.shape[1:])
    assert change is not None
    noise = uniform(12, change.draws, 1)
    before, state = images.clone(), torch.get_rng_state()
    changed = change(images, noise)
    assert torch.equal(torch.get_rng_state(), state)  # the network's dropout must not notice
    assert torch.equal(images, before)
    assert changed.shape == images.shape
    assert changed.min() >= 0 and changed.max() <= 255
    assert not torch.equal(changed, images.to(changed.dtype))
    assert torch.equal(change(images[5:7], noise[5:7]), changed[5:7])
    # Images are changed each in its own way.
    alike = change(images[:1].expand(12, -1, -1, -1).contiguous(), noise)
    assert len({tuple(image.flatten().tolist()) for image in alike}) > 3
    assert change(images[:0], noise[:0]).shape == (0, *images.shape[1:])


def test_none() -> None:
    assert augmentation("none", (1, 8, 8)) is None
    assert augmentation(None, (1, 8, 8)) is None


def test_unknown_name() -> None:
    with pytest.raises(LayerlabError, match=r'no augmentation "standrad"; did you mean "standard"\?'):
        augmentation("standrad", (1, 8, 8))


def test_digits_are_not_mirrored_unless_asked() -> None:
    assert augmentation("standard", (1, 28, 28)).flip is False  # type: ignore[union-attr]
    assert augmentation("standard", (3, 32, 32)).flip is True  # type: ignore[union-attr]
    assert augmentation("light", (3, 32, 32), flip=False).flip is False  # type: ignore[union-attr]


def test_crop_shifts_by_whole_pixels_and_mirrors_what_leaves() -> None:
    image = torch.arange(4, dtype=torch.uint8).view(1, 1, 1, 4).expand(1, 1, 4, 4).contiguous()
    crop = CropAndFlip(1, flip=True)
    stay, right, mirrored = 0.5, 0.99, 0.1
    assert crop(image, torch.tensor([[stay, stay, 0.9]]))[0, 0, 0].tolist() == [0, 1, 2, 3]
    assert crop(image, torch.tensor([[stay, right, 0.9]]))[0, 0, 0].tolist() == [1, 2, 3, 2]
    assert crop(image, torch.tensor([[stay, stay, mirrored]]))[0, 0, 0].tolist() == [3, 2, 1, 0]


@pytest.mark.parametrize("padding", [0, 1, 5, 40])
def test_crop_of_any_padding_stays_inside(padding: int) -> None:
    images = photographs(size=5)
    assert CropAndFlip(padding, flip=False)(images, uniform(12, 3, 2)).shape == images.shape


def test_wobble_without_motion_changes_nothing() -> None:
    images = photographs()
    still = Wobble(flip=False)(images, torch.full((12, 5), 0.5, dtype=torch.float64))
    torch.testing.assert_close(still, images.float(), atol=1e-2, rtol=0)


def test_wobble_flips_half() -> None:
    images = photographs()
    noise = torch.full((12, 5), 0.5, dtype=torch.float64)
    noise[:, 4] = 0.1
    torch.testing.assert_close(Wobble(flip=True)(images, noise), images.float().flip(3), atol=1e-2, rtol=0)


@pytest.mark.parametrize("upright", [False, True])
def test_wobble_turns_around_the_centre_whatever_the_aspect_ratio(upright: bool) -> None:
    images = torch.zeros(1, 1, 21, 41, dtype=torch.uint8)
    if upright:
        images[0, 0, 2:19, 20] = 255
    else:
        images[0, 0, 10, 5:36] = 255
    turn = Wobble(degrees=45, shift=0, scale=0)
    noise = torch.tensor([[1.0, 0.5, 0.5, 0.5, 0.9]], dtype=torch.float64)
    turned = turn(images, noise)[0, 0]
    ys, xs = torch.nonzero(turned > 100, as_tuple=True)
    assert turned[10, 20] > 200
    assert (ys.max() - ys.min()) / (xs.max() - xs.min()) == pytest.approx(1, abs=0.15)


def test_any_torchvision_transform_can_be_used() -> None:
    from torchvision.transforms import v2

    change = augmentation(v2.RandomHorizontalFlip(), (3, 16, 16))
    assert isinstance(change, PerImage)
    images = photographs(40)
    changed = change(images, uniform(40, 1, 4))
    flipped = [torch.equal(a, b.flip(2)) for a, b in zip(changed, images, strict=True)]
    assert 5 < sum(flipped) < 35


def test_chain_gives_each_step_its_own_draws() -> None:
    chain = Chain(CropAndFlip(2, flip=False), Wobble())
    images, noise = photographs(), uniform(12, 8, 0)
    assert chain.draws == 8
    assert torch.equal(chain(images, noise), Wobble()(CropAndFlip(2, flip=False)(images, noise[:, :3]), noise[:, 3:]))


def test_negative_padding() -> None:
    with pytest.raises(ValueError, match="padding must not be negative, got -1"):
        CropAndFlip(-1, flip=False)
