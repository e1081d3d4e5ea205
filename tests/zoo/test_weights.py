"""Published weights: fetched whole or not at all, checked, and put into the network that they belong to."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save
from torch import nn
from weights_server import WeightsServer, serving

from layerlab.errors import LayerlabError
from layerlab.zoo import create, weights_fetch, weights_published
from layerlab.zoo.weights import load_file, load_pretrained, outputs_in, pretrained_info, weights_info
from layerlab.zoo.weights_fetch import RemoteFile, fetch_file
from parity import randomise

GOOD = b"weights" * 1000
SUM = hashlib.sha256(GOOD).hexdigest()


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with serving() as state:
        yield state


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAYERLAB_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(weights_fetch, "_PATIENCE", 0.3)
    return tmp_path / "cache" / "weights"


def small(**knobs: Any) -> nn.Module:
    return create("mobilenet_v3_small", **knobs)


def saved(state: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    torch.save(state, sink)
    return sink.getvalue()


def complaint(call: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(LayerlabError) as error:
        call(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


# ---- fetching


def test_a_good_file_is_fetched_once(server: WeightsServer, cache: Path) -> None:
    server.file("/net.pth", GOOD)
    remote = RemoteFile(f"{server.address}/net.pth", "net.pth", SUM[:8])
    path = fetch_file(remote)
    assert path == cache / "net.pth"
    assert path.read_bytes() == GOOD
    assert fetch_file(remote) == path
    assert server.asked == ["/net.pth"]
    assert [entry.name for entry in cache.iterdir()] == ["net.pth"]


def test_a_damaged_file_in_the_cache_is_fetched_again(
    server: WeightsServer, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.file("/net.pth", GOOD)
    cache.mkdir(parents=True)
    (cache / "net.pth").write_bytes(b"x" + GOOD[1:])
    assert fetch_file(RemoteFile(f"{server.address}/net.pth", "net.pth", SUM[:8])).read_bytes() == GOOD
    assert "is damaged (its checksum differs) and is fetched again" in caplog.text


def test_a_person_may_put_the_file_there(cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "net.pth").write_bytes(GOOD)
    assert fetch_file(RemoteFile("http://127.0.0.1:9/net.pth", "net.pth", SUM[:8])).read_bytes() == GOOD


@pytest.mark.parametrize(
    ("content", "length", "words"),
    [
        (GOOD[:-5], len(GOOD), "was cut after 6,995 of 7,000 bytes; try again"),
        (b"x" + GOOD[1:], None, "is not what was published (its SHA-256 begins with "),
        (GOOD[:-5], None, "is not what was published"),
        (b"", None, "is not what was published"),
    ],
)
def test_what_is_cut_or_altered_is_not_taken(
    server: WeightsServer, cache: Path, content: bytes, length: int | None, words: str
) -> None:
    server.file("/net.pth", content, length=length)
    said = complaint(fetch_file, RemoteFile(f"{server.address}/net.pth", "net.pth", SUM[:8]))
    assert said.startswith('"net.pth" was not taken: ')
    assert words in said
    assert list(cache.iterdir()) == []


def test_an_old_file_stays_when_the_new_one_is_altered(server: WeightsServer, cache: Path) -> None:
    server.file("/net.pth", b"altered")
    cache.mkdir(parents=True)
    (cache / "net.pth").write_bytes(b"old")
    complaint(fetch_file, RemoteFile(f"{server.address}/net.pth", "net.pth", SUM[:8]))
    assert (cache / "net.pth").read_bytes() == b"old"


def test_why_a_host_gives_nothing(server: WeightsServer, cache: Path) -> None:
    remote = RemoteFile(f"{server.address}/none.pth", "none.pth", SUM[:8])
    assert complaint(fetch_file, remote) == (
        'the weights "none.pth" could not be fetched from 127.0.0.1 (it answers 404 Not Found); put the file of'
        f' {server.address}/none.pth into "{cache}", or pass its path as the weights'
    )
    said = complaint(fetch_file, RemoteFile("http://127.0.0.1:9/net.pth", "net.pth", SUM[:8]))
    assert "could not be fetched from 127.0.0.1 (Connection refused); put the file" in said
    said = complaint(fetch_file, RemoteFile("http://host.invalid/net.pth", "net.pth", SUM[:8]))
    assert "could not be fetched from host.invalid (" in said
    assert complaint(fetch_file, RemoteFile("file:///etc/hostname", "net.pth", SUM[:8])) == (
        '"file:///etc/hostname" is no address of weights; expected one that begins with https://'
    )


@pytest.mark.parametrize("after", [0, 3000])
def test_a_silent_host_is_not_waited_for(server: WeightsServer, cache: Path, after: int) -> None:
    told = threading.Event()

    def silent(handler: Any) -> None:
        if after:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(GOOD)))
            handler.end_headers()
            handler.wfile.write(GOOD[:after])
            handler.wfile.flush()
        told.wait(5)

    server.answers["/net.pth"] = silent
    said = complaint(fetch_file, RemoteFile(f"{server.address}/net.pth", "net.pth", SUM[:8]))
    told.set()
    assert "(no answer in 0.3 seconds)" in said
    assert not cache.exists() or list(cache.iterdir()) == []


def test_ctrl_c_leaves_nothing_half(server: WeightsServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.file("/net.pth", GOOD)
    monkeypatch.setattr(weights_fetch, "_CHUNK", 1000)
    real, seen = hashlib.sha256, []

    class Interrupted:
        def __init__(self) -> None:
            self.digest = real()

        def update(self, chunk: bytes) -> None:
            seen.append(len(list(cache.iterdir())))  # the half file is there, under another name
            if len(seen) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(weights_fetch, "hashlib", SimpleNamespace(sha256=Interrupted))
    with pytest.raises(KeyboardInterrupt):
        fetch_file(RemoteFile(f"{server.address}/net.pth", "net.pth", SUM[:8]))
    assert seen == [1, 1, 1]
    assert list(cache.iterdir()) == []


def test_a_hub_tells_the_checksum_before_it_sends_one_on(server: WeightsServer, cache: Path) -> None:
    server.redirect("/model.safetensors", "/storage/1", X_Linked_ETag=f'"{SUM}"')
    server.file("/storage/1", GOOD, ETag='"0123456789abcdef0123456789abcdef"')  # as object stores have it
    remote = RemoteFile(f"{server.address}/model.safetensors", "net.tag.safetensors", None)
    path = fetch_file(remote)
    assert path == cache / f"net.tag-{SUM[:16]}.safetensors"
    assert fetch_file(remote) == path
    assert server.asked == ["/model.safetensors", "/storage/1"]
    path.write_bytes(b"damaged")
    assert fetch_file(remote).read_bytes() == GOOD


def test_a_hub_must_tell_a_checksum_and_keep_to_it(server: WeightsServer, cache: Path) -> None:
    server.file("/a", GOOD, ETag='W/"1234"')
    said = complaint(fetch_file, RemoteFile(f"{server.address}/a", "net.safetensors", None))
    assert said.startswith('"net.safetensors" was not taken: 127.0.0.1 tells no SHA-256 of it')
    server.file("/b", b"altered", ETag=f'W/"{SUM}"')
    said = complaint(fetch_file, RemoteFile(f"{server.address}/b", "net.safetensors", None))
    assert f"expected {SUM[:16]}" in said
    said = complaint(fetch_file, RemoteFile("http://127.0.0.1:9/c", "net.safetensors", None))
    assert said.endswith("; fetch http://127.0.0.1:9/c elsewhere and pass the path of that file as the weights")
    assert not cache.exists() or list(cache.iterdir()) == []


def test_weights_lie_where_torchvision_puts_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LAYERLAB_CACHE")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert weights_fetch.weights_folder() == tmp_path / "hub" / "checkpoints"


# ---- what is published


def test_torchvision_says_where_and_how() -> None:
    about = pretrained_info("resnet50")
    entry = torchvision.models.ResNet50_Weights.IMAGENET1K_V1
    assert about.file == RemoteFile(entry.url, "resnet50-0676ba61.pth", "0676ba61")
    assert about.classes == tuple(entry.meta["categories"])
    assert about.recipe is not None
    assert (about.recipe.size, about.recipe.resize, about.recipe.interpolation) == ((224, 224), 256, "bilinear")
    assert about.recipe.mean == (0.485, 0.456, 0.406)
    later = pretrained_info("resnet50", "imagenet-v2")
    assert later.recipe is not None and later.file is not None
    assert (later.file.checksum, later.recipe.resize) == ("11ad3fa6", 232)


@pytest.mark.parity
def test_what_timm_says_of_its_weights_is_what_we_say() -> None:
    from timm.models import get_pretrained_cfg

    for name, theirs in (("xception", "legacy_xception"), ("mobilenet_v1", "mobilenetv1_100.ra4_e3600_r224_in1k")):
        config, about = get_pretrained_cfg(theirs), pretrained_info(name)
        assert about.recipe is not None and about.file is not None and about.classes is not None
        side = config.input_size[1]
        assert about.recipe.size == (side, side)
        assert about.recipe.resize == int(side / config.crop_pct)
        assert about.recipe.interpolation == config.interpolation
        assert (about.recipe.mean, about.recipe.std) == (config.mean, config.std)
        assert f"/{config.hf_hub_id or f'timm/{config.architecture}.{config.tag}'}/resolve/" in about.file.url
        assert config.num_classes == len(about.classes)
        assert config.license in about.licence.lower()


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_the_shift_inside_torchvisions_network_is_in_the_recipe(name: str) -> None:
    recipe = pretrained_info(name).recipe
    assert recipe is not None
    pixels = torch.rand(1, 3, 4, 4)
    usual = torchvision.transforms.functional.normalize(pixels, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    network = torchvision.models.get_model(name, init_weights=False, transform_input=True)
    shifted = network._transform_input(usual)
    ours = torchvision.transforms.functional.normalize(pixels, recipe.mean, recipe.std)
    torch.testing.assert_close(ours, shifted, rtol=0, atol=1e-6)


def test_what_is_not_published_says_what_is() -> None:
    said = complaint(create, "resnet20", weights="imagenet")
    assert said.startswith('there are no published weights for "resnet20"; alexnet, ')
    assert "xception" in said and "resnet50" in said and "lecture_cnn" not in said
    assert complaint(create, "alexnet", weights="imagenet-v2") == (
        'there are no weights "imagenet-v2" for "alexnet"; there are its weights "imagenet"'
    )
    assert complaint(create, "alexnet", weights="imagnet") == (
        'there are no weights "imagnet"; did you mean "imagenet" or "imagenet-v2"? (expected imagenet, imagenet-v2,'
        " a .pth or .safetensors file, or a run folder)"
    )
    assert complaint(pretrained_info, "alexnet", "v1").startswith('no published weights are called "v1"')


def test_weights_on_meta_are_refused(cache: Path) -> None:
    assert 'is built on device "meta", which holds no values' in complaint(
        create, "alexnet", weights="imagenet", device="meta"
    )


# ---- from a server into a network


@pytest.fixture
def published(server: WeightsServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """A network of torchvision's whose random weights stand for the published ones."""
    reference = torchvision.models.mobilenet_v3_small()
    randomise(reference)
    content = saved(reference.state_dict())
    file = f"mobilenet_v3_small-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    real = torchvision.models.MobileNet_V3_Small_Weights.IMAGENET1K_V1
    entry = SimpleNamespace(url=f"https://download.invalid/{file}", transforms=real.transforms, meta=real.meta)
    monkeypatch.setattr(weights_published, "_entry", lambda name, label: entry)
    monkeypatch.setenv("LAYERLAB_WEIGHTS_MIRROR", f"{server.address}/models/")
    server.file(f"/models/{file}", content)
    return reference.eval()


def test_published_weights_make_the_networks_agree(published: nn.Module) -> None:
    ours = small(weights="imagenet").eval()
    images = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(ours(images), published(images), rtol=1e-4, atol=1e-5)


def test_another_number_of_classes_leaves_the_head_fresh(published: nn.Module) -> None:
    torch.manual_seed(3)
    fresh = small(num_classes=5)
    torch.manual_seed(3)
    ours = small(num_classes=5, weights="imagenet")
    theirs = published.state_dict()
    for name, tensor in ours.state_dict().items():
        wanted = fresh.state_dict() if name.startswith("classifier.3.") else theirs
        assert torch.equal(tensor, wanted[name]), name


def test_the_same_number_of_other_classes_leaves_the_head_fresh(published: nn.Module) -> None:
    ours = small()
    head = ours.get_parameter("classifier.3.weight").detach().clone()
    load_pretrained("mobilenet_v3_small", ours, "imagenet", classes=tuple(map(str, range(1000))))
    assert torch.equal(ours.get_parameter("classifier.3.weight"), head)
    assert torch.equal(ours.state_dict()["classifier.0.weight"], published.state_dict()["classifier.0.weight"])


def test_damaged_numbers_are_refused(tmp_path: Path) -> None:
    model = small()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = {name: torch.ones_like(tensor) for name, tensor in before.items()}
    state["features.0.0.weight"][0] = float("nan")
    (tmp_path / "nan.pth").write_bytes(saved(state))
    assert complaint(load_pretrained, "mobilenet_v3_small", model, tmp_path / "nan.pth") == (
        f'the weights "{tmp_path / "nan.pth"}" are damaged: "features.0.0.weight" holds NaN or infinity; none were'
        " loaded"
    )
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("weights", [3, True, [], ""])
def test_weights_are_a_word_or_a_path(weights: Any) -> None:
    said = complaint(small, weights=weights)
    assert said == f"the weights are {weights!r}; expected imagenet, imagenet-v2, a file or a run folder"


def test_knobs_that_do_not_fit_are_said(published: nn.Module, caplog: pytest.LogCaptureFixture) -> None:
    assert complaint(small, weights="imagenet", in_channels=1) == (
        'the weights "imagenet" of "mobilenet_v3_small" take images of 3 channels and it was built with in_channels=1:'
        " leave that out, and load grey images as colour ones (channels=3)"
    )
    said = complaint(small, weights="imagenet", width=0.5)
    assert said.startswith(
        'the weights "imagenet" do not fit "mobilenet_v3_small" as it was built (width=0.5): the weights belong to'
        ' another architecture (of other shapes: "features.'
    )
    assert said.endswith("none were loaded")
    with caplog.at_level(logging.WARNING):
        small(weights="imagenet", activation="relu")
    assert "were trained without activation='relu'" in caplog.text


def test_the_hub_is_asked_as_it_wants_to_be(
    server: WeightsServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = create("mobilenet_v1")
    randomise(reference)
    content = save({name: tensor.contiguous() for name, tensor in reference.state_dict().items()})
    monkeypatch.setenv("HF_ENDPOINT", f"{server.address}/")
    path = "/timm/mobilenetv1_100.ra4_e3600_r224_in1k/resolve/main/model.safetensors"
    server.redirect(path, "/storage", X_Linked_ETag=f'"{hashlib.sha256(content).hexdigest()}"')
    server.file("/storage", content)
    ours = create("mobilenet_v1", weights="imagenet")
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, reference.state_dict()[name]), name


# ---- files of one's own


def test_files_of_both_kinds_and_what_scripts_put_around_them(tmp_path: Path) -> None:
    source = create("lecture_cnn")
    randomise(source)
    state = source.state_dict()
    (tmp_path / "a.pth").write_bytes(saved(state))
    (tmp_path / "b.safetensors").write_bytes(save(state))
    (tmp_path / "c.pt").write_bytes(
        saved({"epoch": 3, "state_dict": {f"module.{name}": value for name, value in state.items()}})
    )
    for file in ("a.pth", "b.safetensors", "c.pt"):
        loaded = create("lecture_cnn", weights=tmp_path / file).state_dict()
        assert all(torch.equal(loaded[name], value) for name, value in state.items()), file
        assert outputs_in("lecture_cnn", tmp_path / file) == 10


class Foreign:
    """What a checkpoint should not hold."""


def test_files_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    (tmp_path / "cut.pth").write_bytes(saved(create("lecture_cnn").state_dict())[:1000])
    (tmp_path / "cut.safetensors").write_bytes(save(create("lecture_cnn").state_dict())[:1000])
    (tmp_path / "foreign.pth").write_bytes(saved({"model": Foreign()}))
    for file in ("cut.pth", "cut.safetensors", "foreign.pth"):
        said = complaint(create, "lecture_cnn", weights=tmp_path / file)
        assert said.startswith(f'"{tmp_path / file}" is cut, or holds more than weights, which is never unpickled')
    (tmp_path / "numbers.pth").write_bytes(saved({"epoch": 1}))
    assert "holds no named tensors" in complaint(create, "lecture_cnn", weights=tmp_path / "numbers.pth")
    said = complaint(create, "lecture_cnn", weights=tmp_path)
    assert said == f'"{tmp_path}" is a folder without a "config.json"; expected a run folder or a weights file'


def test_a_foreign_checkpoint_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(saved(nn.Linear(2, 3).state_dict()))
    network = create("lecture_cnn")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    said = complaint(load_pretrained, "lecture_cnn", network, tmp_path / "a.pth")
    assert said.startswith(
        f'the weights "{tmp_path / "a.pth"}" do not fit "lecture_cnn": the weights belong to another'
    )
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_run_folder_says_classes_and_preprocessing(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(save(create("lecture_cnn", num_classes=2).state_dict()))
    recipe = {"size": [28, 28], "channels": 1, "mean": [0.1], "std": [0.2], "classes": ["a", "b"]}
    (tmp_path / "config.json").write_text(json.dumps({"classes": ["a", "b"], "preprocessing": recipe}))
    for path in (tmp_path, tmp_path / "model.safetensors"):
        about = weights_info("lecture_cnn", path)
        assert about.classes == ("a", "b")
        assert about.recipe is not None
        assert (about.recipe.size, about.recipe.mean, about.recipe.resize) == ((28, 28), (0.1,), None)
    assert create("lecture_cnn", num_classes=2, weights=tmp_path)
    (tmp_path / "config.json").write_text("{")
    assert "was not written by Layerlab, or is cut" in complaint(weights_info, "lecture_cnn", tmp_path)
    (tmp_path / "model.safetensors").unlink()
    assert "its run has not come to its end" in complaint(weights_info, "lecture_cnn", tmp_path)


def test_a_head_that_stays_fresh_unasked_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.pth").write_bytes(saved(create("lecture_cnn", num_classes=3).state_dict()))
    create("lecture_cnn", num_classes=10, weights=tmp_path / "a.pth")
    assert not caplog.records
    create("lecture_cnn", weights=tmp_path / "a.pth")
    assert 'the head of "lecture_cnn" stays fresh, as the weights' in caplog.text


def test_any_network_takes_a_file(tmp_path: Path) -> None:
    source, model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4)), nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 5))
    (tmp_path / "a.pth").write_bytes(saved(source.state_dict()))
    load_file(model, tmp_path / "a.pth", ("1",))
    assert torch.equal(model[0].weight, source[0].weight)
    assert complaint(load_file, model, tmp_path / "b.pth") == f'no weights file "{tmp_path / "b.pth"}"'


@pytest.mark.parity
@pytest.mark.parametrize("names", ["today", "old"])
def test_densenets_old_names_are_understood(tmp_path: Path, names: str) -> None:
    reference = torchvision.models.densenet121()
    randomise(reference)
    state = reference.state_dict()
    if names == "old":  # as the published file has them, without the counters that came later
        for old, today in (("norm.1", "norm1"), ("conv.1", "conv1"), ("norm.2", "norm2"), ("conv.2", "conv2")):
            state = {
                name.replace(f".{today}.", f".{old}.") if "denselayer" in name else name: value
                for name, value in state.items()
                if not name.endswith("num_batches_tracked")
            }
        assert "features.denseblock1.denselayer1.norm.1.weight" in state
    (tmp_path / "densenet.pth").write_bytes(saved(dict(state)))
    ours = create("densenet121", num_classes=3, weights=tmp_path / "densenet.pth")
    theirs = reference.state_dict()
    for name, value in ours.state_dict().items():
        if not name.startswith("classifier.") and not name.endswith("num_batches_tracked"):
            assert torch.equal(value, theirs[name]), name


@pytest.mark.parity
def test_auxiliary_heads_of_a_checkpoint_are_left_out_where_there_are_none(tmp_path: Path) -> None:
    reference = torchvision.models.googlenet(init_weights=False)
    (tmp_path / "googlenet.pth").write_bytes(saved(reference.state_dict()))
    theirs = reference.state_dict()
    for auxiliary in (True, False):
        ours = create("googlenet", auxiliary=auxiliary, weights=tmp_path / "googlenet.pth").state_dict()
        assert any(name.startswith("aux1.") for name in ours) == auxiliary
        assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    fewer = create("googlenet", num_classes=3, weights=tmp_path / "googlenet.pth").state_dict()
    assert fewer["aux1.fc2.weight"].shape[0] == fewer["fc.weight"].shape[0] == 3
    assert torch.equal(fewer["aux1.fc1.weight"], theirs["aux1.fc1.weight"])
