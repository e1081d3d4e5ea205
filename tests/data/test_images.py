import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from layerlab.data import read_image
from layerlab.errors import LayerlabError

RED, GREEN = (200, 30, 30), (20, 180, 40)


def saved(path: Path, image: Image.Image, **how: object) -> Path:
    image.save(path, **how)
    return path


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("1", 1, ("L", 255)),
        ("L", 77, ("L", 77)),
        ("LA", (77, 255), ("L", 77)),
        ("LA", (0, 0), ("L", 255)),  # transparent: the white behind it
        ("RGB", RED, ("RGB", RED)),
        ("RGBA", (*RED, 255), ("RGB", RED)),
        ("RGBA", (*RED, 0), ("RGB", (255, 255, 255))),
        ("I;16", 257 * 100, ("L", 100)),
        ("I;16", 255, ("L", 1)),
    ],
)
def test_modes_of_png(mode: str, value: object, expected: tuple[str, object], tmp_path: Path) -> None:
    image = read_image(saved(tmp_path / "x.png", Image.new(mode, (5, 3), value)))  # type: ignore[arg-type]
    assert (image.mode, image.getpixel((2, 1))) == expected
    assert image.size == (5, 3)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "RGB", "L"])
def test_modes_of_jpeg(mode: str, tmp_path: Path) -> None:
    colour = Image.new("RGB", (16, 16), GREEN).convert(mode)
    image = read_image(saved(tmp_path / "x.jpg", colour, quality=100), channels=3)
    expected = GREEN if mode != "L" else (colour.getpixel((0, 0)),) * 3
    assert np.abs(np.subtract(image.getpixel((8, 8)), expected)).max() <= 4


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0.0, 51.0, 255.0]], np.float32), [0, 51, 255]),
        (np.array([[-1.0, 0.0, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0, 128, 255]], np.int32), [0, 128, 255]),
        (np.array([[0, 25700, 65535]], np.int32), [0, 100, 255]),
        (np.array([[-100, 0, 155]], np.int32), [0, 100, 255]),
        (np.array([[7.0, 7.0, 7.0]], np.float32), [7, 7, 7]),
        (np.array([[900.0, 900.0, 900.0]], np.float32), [0, 0, 0]),
    ],
)
def test_numbers_of_more_than_8_bits(values: np.ndarray, expected: list[int], tmp_path: Path) -> None:
    image = read_image(saved(tmp_path / "x.tiff", Image.fromarray(values)))
    assert np.asarray(image).tolist() == [expected]


def test_a_pixel_that_is_no_number(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.tiff", Image.fromarray(np.array([[np.nan, 1.0]], np.float32)))
    with pytest.raises(LayerlabError, match="a pixel is not a finite number"):
        read_image(path)


def test_palette_with_transparency(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([*RED, *GREEN])
    image.putpixel((1, 1), 1)
    path = saved(tmp_path / "x.gif", image, transparency=0)
    read = read_image(path, channels=3)
    assert read.getpixel((0, 0)) == (255, 255, 255)
    assert read.getpixel((1, 1)) == GREEN


def test_of_an_animation_the_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (6, 6), colour) for colour in (RED, GREEN)]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "x.gif").getpixel((0, 0)) == RED


def test_the_cameras_orientation(tmp_path: Path) -> None:
    image = Image.new("RGB", (20, 10), RED)
    image.paste(GREEN, (0, 0, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side: to be turned clockwise
    read = read_image(saved(tmp_path / "x.png", image, exif=exif))
    assert read.size == (10, 20)
    assert read.getpixel((5, 2)) == GREEN


def test_damaged_exif_does_not_matter(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.png", Image.new("RGB", (4, 4), RED), exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xffgarbage")
    assert read_image(path).getpixel((0, 0)) == RED


def test_channels_and_size(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.png", Image.new("RGB", (40, 20), GREEN))
    assert read_image(path, channels=1, size=(7, 9)).size == (9, 7)
    assert read_image(path, channels=1).mode == "L"
    assert read_image(path, size=5).size == (5, 5)
    with pytest.raises(LayerlabError, match=r"1 channel \(grey\) or 3"):
        read_image(path, channels=4)


def test_the_centre_is_kept(tmp_path: Path) -> None:
    image = Image.new("L", (30, 10), 0)
    image.paste(255, (10, 0, 20, 10))
    read = read_image(saved(tmp_path / "x.png", image), size=10)
    assert np.asarray(read).min() == 255


def bomb(side: int) -> bytes:
    """Return a PNG of a few bytes that claims to be large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def encoded(form: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)).save(buffer, form)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"not an image at all", "not an image, or of an unknown format"),
        (encoded("PNG")[:-300], "the file is truncated"),
        (encoded("JPEG")[:500], "the file is truncated"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "not an image, or of an unknown format"),
        (bomb(30_000), "more than 89 million pixels"),
        (bomb(10_000), "more than 89 million pixels"),  # Pillow itself would only warn
    ],
)
def test_unreadable_files_are_one_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    with pytest.raises(LayerlabError, match=said) as caught:
        read_image(path)
    assert str(caught.value).startswith(f'"{path}" cannot be read as an image: ')
    assert "\n" not in str(caught.value)


def test_absent_files_and_folders(tmp_path: Path) -> None:
    saved(tmp_path / "three.png", Image.new("L", (2, 2)))
    with pytest.raises(LayerlabError, match=r'no image file ".*tree\.png"; did you mean "three\.png"\?'):
        read_image(tmp_path / "tree.png")
    with pytest.raises(LayerlabError, match="there is no folder"):
        read_image(tmp_path / "nowhere" / "three.png")
    with pytest.raises(LayerlabError, match="is a folder; an image file is expected"):
        read_image(tmp_path)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]),
    changes=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=12),
    cut=st.integers(0, 4000),
)
def test_damaged_files_never_raise_anything_else(
    form: str, changes: list[tuple[int, int]], cut: int, tmp_path: Path
) -> None:
    content = bytearray(encoded(form))
    for place, value in changes:
        content[place % len(content)] = value
    path = tmp_path / "x"
    path.write_bytes(content[: max(1, len(content) - cut)])
    try:
        image = read_image(path, channels=3, size=16)
    except LayerlabError as error:
        assert "\n" not in str(error)
    else:
        assert (image.mode, image.size) == ("RGB", (16, 16))
