import os
import shutil
import sys
import unicodedata
from pathlib import Path

import pytest
import torch
from PIL import Image

from layerlab.data import load_data
from layerlab.errors import LayerlabError


def refusal(path: Path, **how: object) -> str:
    # Not pytest.raises: it keeps the traceback, and thereby worker processes, alive until the next collection.
    try:
        load_data(path, **how)  # type: ignore[arg-type]
    except LayerlabError as error:
        assert "\n" not in str(error)
        return str(error)
    raise AssertionError("it was not refused")


def parts(data) -> list[list[str]]:  # type: ignore[no-untyped-def]
    return [[p.name_of(i) for i in range(len(p))] for p in (data.train, data.validation, data.test)]


def test_class_folders_are_divided_by_class(make_folder) -> None:  # type: ignore[no-untyped-def]
    data = load_data(make_folder({"cats": 40, "dogs": 20, "newts": 3}, size=(9, 7)))
    assert data.classes == ["cats", "dogs", "newts"]
    assert data.shape == (3, 9, 7)
    assert data.train.labels.bincount().tolist() == [32, 16, 1]
    assert data.validation.labels.bincount().tolist() == [4, 2, 1]
    assert data.test.labels.bincount().tolist() == [4, 2, 1]
    names = parts(data)
    assert len({name for part in names for name in part}) == 63
    for part, labels in zip(names, (data.train.labels, data.validation.labels, data.test.labels), strict=True):
        assert [Path(name).parts[0] for name in part] == [data.classes[label] for label in labels]


def test_the_seed_divides_and_repeats(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"cats": 30, "dogs": 30})
    assert parts(load_data(folder, seed=1)) == parts(load_data(str(folder), seed=1))
    assert parts(load_data(folder, seed=1)) != parts(load_data(folder, seed=2))


def test_reproduce_does_not_depend_on_the_working_directory(make_folder, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    make_folder({"cats": 10, "dogs": 10})
    monkeypatch.chdir(tmp_path)
    data = load_data("./pets", size=6)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_data(**data.reproduce).fingerprint == data.fingerprint


@pytest.mark.parametrize("names", [("train", "val"), ("train", "valid"), ("Train", "Validation"), ("train", "test")])
def test_train_and_one_other_part_make_that_the_test(names: tuple[str, str], make_folder) -> None:  # type: ignore[no-untyped-def]
    make_folder({"cats": 20, "dogs": 20}, within=f"pets/{names[0]}")
    folder = make_folder({"cats": 5, "dogs": 4}, within=f"pets/{names[1]}").parent
    data = load_data(folder)
    assert (len(data.train), len(data.validation), len(data.test)) == (36, 4, 9)
    assert all(name.startswith(names[1]) for name in parts(data)[2])


def test_three_parts_are_kept(make_folder) -> None:  # type: ignore[no-untyped-def]
    for name, count in (("train", 6), ("val", 3), ("test", 2)):
        folder = make_folder({"cats": count, "dogs": count}, within=f"pets/{name}").parent
    data = load_data(folder)
    assert (len(data.train), len(data.validation), len(data.test)) == (12, 6, 4)
    for part, prefix in zip(parts(data), ("train", "val", "test"), strict=True):
        assert all(name.startswith(prefix + os.sep) for name in part)


def test_train_alone_is_divided(make_folder) -> None:  # type: ignore[no-untyped-def]
    data = load_data(make_folder({"cats": 20, "dogs": 20}, within="pets/train").parent)
    assert (len(data.train), len(data.validation), len(data.test)) == (32, 4, 4)


def test_other_files_and_hidden_ones_are_passed_over_and_counted(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"cats": 6, "dogs": 6})
    for name in (".DS_Store", "cats/Thumbs.db", "cats/.hidden.png", "dogs/notes.txt", "README.md"):
        (folder / name).write_bytes(b"x")
    (folder / ".git" / "objects").mkdir(parents=True)
    (folder / ".git" / "objects" / "a.png").write_bytes(b"x")
    (folder / "cats" / "more" / "still").mkdir(parents=True)
    shutil.move(folder / "cats" / "000.png", folder / "cats" / "more" / "still" / "000.PNG")
    data = load_data(folder)
    assert data.classes == ["cats", "dogs"]
    assert data.ignored == 5
    assert sum(len(part) for part in parts(data)) == 12
    assert any(name.endswith("more/still/000.PNG") for part in parts(data) for name in part)


def test_links_in_a_circle_end(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"cats": 6, "dogs": 6})
    (folder / "cats" / "loop").symlink_to(folder / "cats", target_is_directory=True)
    (folder / "dogs" / "up").symlink_to(folder / "dogs", target_is_directory=True)
    assert sum(len(part) for part in parts(load_data(folder))) == 12


@pytest.mark.skipif(sys.platform == "win32", reason="has no such names")
def test_odd_class_names(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"żółw 1": 5, "a,b;'c'": 5, "[x]*": 5, "-rf": 5})
    (folder / "-rf").rename(folder / os.fsdecode(b"caf\xe9"))
    data = load_data(folder)
    assert data.classes == ["[x]*", "a,b;'c'", "caf\N{REPLACEMENT CHARACTER}", "żółw 1"]


def test_accents_are_compared_as_people_do(make_folder) -> None:  # type: ignore[no-untyped-def]
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    make_folder({composed: 5, "bar": 5}, within="places/train")
    folder = make_folder({decomposed: 2, "bar": 2}, within="places/val").parent
    assert load_data(folder).classes == ["bar", composed]


def test_grey_images_have_one_channel(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"a": 4, "b": 4}, mode="L")
    assert load_data(folder).shape == (1, 8, 8)
    assert load_data(folder, channels=3).shape == (3, 8, 8)
    Image.new("RGB", (8, 8)).save(folder / "a" / "colour.png")
    assert load_data(folder).shape == (3, 8, 8)


def test_sizes_that_differ(make_folder) -> None:  # type: ignore[no-untyped-def]
    make_folder({"a": 5, "b": 5}, size=(40, 60))
    folder = make_folder({"c": 3}, size=(90, 20))
    assert load_data(folder).shape == (3, 40, 40)
    assert load_data(folder, size=(16, 24)).shape == (3, 16, 24)
    Image.new("RGB", (400, 300)).save(folder / "c" / "large.png")
    assert load_data(folder).shape == (3, 40, 40)


def test_large_images_are_made_smaller(make_folder) -> None:  # type: ignore[no-untyped-def]
    assert load_data(make_folder({"a": 3, "b": 3}, size=(600, 513))).shape == (3, 224, 224)


def test_photographs_taken_lying_count_as_upright(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"a": 0, "b": 0})
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a/1.jpg", "a/2.jpg", "a/3.jpg", "b/1.jpg", "b/2.jpg", "b/3.jpg"):
        Image.new("RGB", (30, 20)).save(folder / name, exif=exif)
    assert load_data(folder).shape == (3, 30, 20)


# What cannot be used -------------------------------------------------------------------------------------------


def test_absent_folder(make_folder, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    make_folder({"a": 1}, within="my_images")
    assert refusal(tmp_path / "my_imges") == f'no folder "{tmp_path}/my_imges"; did you mean "my_images"?'
    assert "there is no folder" in refusal(tmp_path / "x" / "y")
    monkeypatch.chdir(tmp_path)
    assert refusal(Path("my_imges")).startswith('no dataset "my_imges"; did you mean "my_images"?')


def test_a_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "x.zip").write_bytes(b"x")
    assert refusal(tmp_path / "x.zip") == f'"{tmp_path}/x.zip" is a file; a folder of class folders is expected'


def test_images_without_class_folders(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"cats": 3}) / "cats"
    assert refusal(folder) == (
        f'"{folder}" has 3 images but no class folders; put the images of each class in a folder of its own, '
        "such as cats/cats/"
    )


def test_an_empty_folder(tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert "has no class folders" in refusal(tmp_path)


def test_one_class(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"cats": 3})
    assert refusal(folder) == f'"{folder}" has one class, "cats"; a classifier needs at least two'


def test_an_empty_class(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"cats": 3, "dogs": 0})
    assert refusal(folder) == f'class folder "{folder}/dogs" has no images; add some or remove the folder'


def test_a_class_unknown_to_training(make_folder) -> None:  # type: ignore[no-untyped-def]
    make_folder({"cats": 9, "dogs": 9}, within="pets/train")
    folder = make_folder({"cats": 3, "dog": 3}, within="pets/val").parent
    assert refusal(folder) == f'"{folder}/val" has a class "dog" that train/ has not; did you mean "dogs"?'


def test_parts_without_training(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"cats": 9, "dogs": 9}, within="pets/test").parent
    assert refusal(folder) == f'"{folder}" has test/ but no train/ to learn from'


def test_too_few_to_divide(make_folder) -> None:  # type: ignore[no-untyped-def]
    assert "too few images (2) to set some aside" in refusal(make_folder({"cats": 1, "dogs": 1}))


def test_shares_that_leave_nothing(make_folder) -> None:  # type: ignore[no-untyped-def]
    assert "leave nothing to train on" in refusal(make_folder({"cats": 9, "dogs": 9}), validation=0.95)


@pytest.fixture
def damaged(make_folder) -> Path:  # type: ignore[no-untyped-def]
    folder = make_folder({"cats": 20, "dogs": 20}, size=(32, 32))
    whole = (folder / "cats" / "001.png").read_bytes()
    (folder / "cats" / "001.png").write_bytes(whole[: len(whole) // 2])
    (folder / "cats" / "002.png").write_bytes(b"")
    (folder / "dogs" / "003.png").write_text("I am not an image")
    (folder / "dogs" / "004.png").unlink()
    (folder / "dogs" / "004.png").symlink_to(folder / "nowhere.png")
    return folder


@pytest.mark.parametrize("limit", [2**28, 0])
def test_damaged_files_are_named_and_counted_before_training(limit: int, damaged: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("layerlab.data.assembly.MEMORY_LIMIT", limit)
    assert refusal(damaged) == (
        '4 of 40 images in "pets" cannot be read '
        "(cats/001.png: the file is truncated, cats/002.png: the file is empty, "
        "dogs/003.png: not an image, or of an unknown format, and 1 more); remove them or pass --skip-bad"
    )
    data = load_data(damaged, skip_bad=True)
    assert [line.split(":")[0] for line in data.skipped] == [
        "cats/001.png",
        "cats/002.png",
        "dogs/003.png",
        "dogs/004.png",
    ]
    assert sum(len(part) for part in parts(data)) == 36
    for images, labels in data.train.batches(8):
        assert torch.isfinite(images).all() and len(images) == len(labels)


def test_large_sets_are_not_decoded_twice_but_name_the_file_when_it_comes(damaged: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    for name in ("002.png", "003.png", "004.png"):
        (damaged / "cats" / name).unlink(missing_ok=True)
        (damaged / "dogs" / name).unlink(missing_ok=True)
    for limit in ("MEMORY_LIMIT", "VERIFY_IMAGES"):
        monkeypatch.setattr(f"layerlab.data.assembly.{limit}", 0)
    monkeypatch.setattr("layerlab.data.assembly.STATISTICS_IMAGES", 1)
    data = load_data(damaged, workers=0)
    with pytest.raises(LayerlabError, match=r'cats/001\.png" cannot be read as an image: the file is truncated'):
        for part in (data.train, data.validation, data.test):
            list(part.batches(8))
    assert len(load_data(damaged, skip_bad=True).skipped) == 1


def test_a_class_of_damaged_files_only(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"cats": 5, "dogs": 2})
    for file in (folder / "dogs").iterdir():
        file.write_bytes(b"")
    assert refusal(folder, skip_bad=True) == (
        'class "dogs" of "pets" has no image to train on, as none of its files can be read'
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_is_not_waited_for(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"cats": 5, "dogs": 5})
    os.mkfifo(folder / "cats" / "pipe.png")
    assert load_data(folder).ignored == 1


def test_a_folder_around_the_folder_is_told(make_folder) -> None:  # type: ignore[no-untyped-def]
    folder = make_folder({"inner/cats": 2, "inner/dogs": 2})
    assert (
        f'has one class, "inner"; a classifier needs at least two (were the classes meant that are in "{folder}/inner"'
        in (refusal(folder))
    )
