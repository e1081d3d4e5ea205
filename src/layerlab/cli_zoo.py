"""``layerlab models``, ``layerlab compare`` and ``layerlab export``: the zoo on the command line."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from layerlab.cli_output import print_json, print_table
from layerlab.errors import LayerlabError, did_you_mean

if TYPE_CHECKING:
    from torch import nn

    from layerlab.training.compare import Comparison
    from layerlab.zoo import ModelInfo

__all__ = ["MODEL_HELP", "compare", "export", "input_size", "models"]

MODEL_HELP = (
    "A zoo name (layerlab models), with knobs if you like (resnet20:width=0.5,skip=no), a file of Keras text"
    " (- for standard input), timm:NAME, or package.module:callable."
)

_JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


def models(
    pattern: Annotated[str, typer.Argument(help="Names to list, e.g. 'resnet*'; one name: all about it.")] = "*",
    as_json: _JsonOption = False,
) -> None:
    """List the zoo."""
    from layerlab.zoo import list_models, model_info

    names = list_models(pattern)
    if not names:
        raise LayerlabError(f'no model is called like "{pattern}"{_nearest(pattern, list_models())}')
    infos = [model_info(name) for name in names]
    if as_json:
        print_json([_described(info) for info in infos])
    elif names == [pattern]:
        _print_one(infos[0])
    else:
        columns = ("model", "parameters", "MACs", "input", "year", "task", "the idea")
        print_table(columns, [_row(info) for info in infos], numbers=(1, 2, 4))


def _nearest(pattern: str, known: list[str]) -> str:
    """Return the nearest names, or where they are listed: they are too many for an error."""
    near = did_you_mean(pattern.replace("*", "").replace("?", ""), known)
    return near if near.startswith("; did") else "; layerlab models lists all"


def _row(info: ModelInfo) -> tuple[str, ...]:
    extra = info.auxiliary_parameters
    return (
        info.name,
        f"{info.parameters:,}",
        f"{info.macs:,}",
        _size(info),
        str(info.year or "-"),
        info.task,
        info.idea + (f" (and {extra:,} parameters of auxiliary heads, in training)" if extra else ""),
    )


def _print_one(info: ModelInfo) -> None:
    """Print all that is known of one model."""
    extra = f" (and {info.auxiliary_parameters:,} in auxiliary heads, in training)" if info.auxiliary_parameters else ""
    smallest = "only this size" if info.fixed_size else f"height and width from {info.smallest_input}"
    facts = [
        (info.name, info.title),
        ("idea", info.idea),
        ("source", f"{info.source}{f' ({info.year})' if info.year and str(info.year) not in info.source else ''}"),
        ("differs", info.deviations),
        ("task", info.task),
        ("input", f"{_size(info)}, {smallest}"),
        ("parameters", f"{info.parameters:,}{extra}"),
        ("MACs", f"{info.macs:,}"),
        ("grew from", info.parent or "-"),
        ("weights", _weights(info.name)),
        ("file", f"layerlab/zoo/{info.family}.py"),
        ("knobs", " ".join(f"{knob}={default!r}" for knob, default in _knobs(info.name).items())),
    ]
    width = max(len(name) for name, _ in facts)
    for name, text in facts:
        print(f"{name:{width}}  {text}")


def _weights(name: str) -> str:
    """Return the words for its published weights."""
    from layerlab.zoo.weights_published import PUBLISHED, has_published

    return ", ".join(label for label in PUBLISHED if has_published(name, label)) or "none published"


def _size(info: ModelInfo) -> str:
    return "x".join(map(str, info.input_shape))


def _knobs(name: str) -> dict[str, Any]:
    import inspect

    from layerlab.zoo.registry import builder_of

    return {knob: one.default for knob, one in inspect.signature(builder_of(name)).parameters.items()}


def _described(info: ModelInfo) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(info), "knobs": _knobs(info.name)}


def compare(
    names: Annotated[list[str], typer.Argument(metavar="MODEL...", help=f"Networks, each: {MODEL_HELP}")],
    data: Annotated[str | None, typer.Option(help="A data set (layerlab data), or a folder as for train.")] = None,
    seeds: Annotated[int, typer.Option(help="How often each network is trained, with seeds from 0.")] = 3,
    epochs: Annotated[int, typer.Option(help="Passes over the training part.")] = 10,
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = 32,
    optimizer: Annotated[str, typer.Option(help="Any of torch.optim, by name.")] = "adam",
    learning_rate: Annotated[
        float | None,
        typer.Option("--learning-rate", "--lr", help="The highest of the schedule (default: the optimiser's)."),
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Default: the optimiser's.")] = None,
    momentum: Annotated[float | None, typer.Option(help="Default: the optimiser's.")] = None,
    schedule: Annotated[str, typer.Option(help="one-cycle, cosine, step or constant.")] = "one-cycle",
    label_smoothing: Annotated[float, typer.Option(help="Share of each target spread evenly over all classes.")] = 0.0,
    mixup: Annotated[float, typer.Option(help="Alpha by which pairs of images are mixed; 0: no mixing.")] = 0.0,
    augmentation: Annotated[str, typer.Option(help="Random changes of the training images, by name.")] = "none",
    early_stopping: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without a lower validation loss.")
    ] = None,
    gradient_clip: Annotated[float | None, typer.Option(help="Largest norm of the gradient.")] = None,
    validation: Annotated[float, typer.Option(help="Share of the training part kept for validation.")] = 0.1,
    precision: Annotated[str, typer.Option(help="32, bf16, 16 (CUDA), or auto: measured, the fastest.")] = "auto",
    memory_format: Annotated[str, typer.Option(help="contiguous, channels_last, or auto: measured.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto: the best there is.")] = "auto",
    weights: Annotated[str | None, typer.Option(help="To begin with, as for train: imagenet, or a file.")] = None,
    freeze: Annotated[str | None, typer.Option(help="Parts that do not learn, as for train: backbone.")] = None,
    backbone_learning_rate: Annotated[
        float | None, typer.Option(help="The highest for all but the head (default: that of the rest).")
    ] = None,
    data_root: Annotated[Path | None, typer.Option(help="Where downloads are kept.")] = None,
    size: Annotated[int | None, typer.Option(help="Height and width of the images.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that read image files.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out images that cannot be read.")] = False,
    output: Annotated[Path | None, typer.Option(help="The folder (default: comparisons/MODELS-DATA).")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    as_json: _JsonOption = False,
) -> None:
    """Train several networks on the same data with the same seeds; one table, one figure. Again: goes on."""
    if data is None:
        raise LayerlabError(f"compare them on what? Add --data, e.g. layerlab compare {' '.join(names)} --data mnist5k")
    if not quiet and sys.stderr.isatty():
        print("loading PyTorch ...", end="\r", file=sys.stderr, flush=True)
    from layerlab.training import Stopped
    from layerlab.training.compare import compare as compare_networks

    try:
        with redirect_stdout(sys.stderr):  # what the networks' own code prints is not part of the answer
            result = compare_networks(
                names,
                data,
                seeds=seeds,
                output=output,
                progress=False if quiet else None,
                epochs=epochs,
                batch_size=batch_size,
                optimizer=optimizer,
                learning_rate=learning_rate,
                weight_decay=weight_decay,
                momentum=momentum,
                schedule=schedule,
                label_smoothing=label_smoothing,
                mixup=mixup,
                augmentation=augmentation,
                early_stopping=early_stopping,
                gradient_clip=gradient_clip,
                validation=validation,
                precision=precision,
                memory_format=memory_format,
                device=device,
                weights=weights,
                freeze=freeze,
                backbone_learning_rate=backbone_learning_rate,
                root=data_root,
                size=size,
                workers=workers,
                skip_bad=skip_bad,
            )
    except Stopped as stopped:
        print(f"layerlab: {stopped}", file=sys.stderr)
        raise typer.Exit(130) from stopped
    print_json(result.to_dict()) if as_json else _print_comparison(result)
    if not any(row.accuracies for row in result.rows):
        raise typer.Exit(1)


def _print_comparison(result: Comparison) -> None:
    """Print the table, the answer and where the rest is."""

    def shown(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    rows = [
        (
            row.model,
            row.text,
            shown(row.parameters, ","),
            row.input_text,
            shown(row.macs, ","),
            shown(row.images_per_second, ",.0f"),
            shown(row.seconds, ",.1f"),
        )
        for row in result.ranked
    ]
    columns = ("model", "accuracy", "parameters", "input", "MACs", "images/s", "seconds")
    print_table(columns, rows, numbers=(2, 4, 5, 6))
    for row in result.ranked:
        if row.trouble:
            print(f"{row.model}: {row.trouble}")
    print(f"{result.verdict[0].upper()}{result.verdict[1:]}.")
    print(f"report  {result.path / 'report.html'}")


def export(
    source: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="A run folder, or a network as for train.")],
    onnx: Annotated[Path | None, typer.Option(metavar="FILE", help="An ONNX file, checked by ONNX Runtime.")] = None,
    pt2: Annotated[Path | None, typer.Option(metavar="FILE", help="A program of torch.export, checked.")] = None,
    text: Annotated[
        Path | None,
        typer.Option(
            "--source", "--pytorch", metavar="FILE", help="PyTorch source (of the zoo, or of a network of Keras text)."
        ),
    ] = None,
    keras: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keras source (of a network from Keras text).")
    ] = None,
    input_shape: Annotated[
        str | None, typer.Option("--input", metavar="CxHxW", help="Size of its input, e.g. 3x224x224.")
    ] = None,
) -> None:
    """Write a network in another form. A file that is there already is replaced."""
    if onnx is None and pt2 is None and text is None and keras is None:
        raise LayerlabError("export to what? Add --onnx FILE, --pt2 FILE, --source FILE or --keras FILE")
    _check_targets({"--onnx": onnx, "--pt2": pt2, "--source": text, "--keras": keras})
    from layerlab.training import export_onnx, load_run
    from layerlab.training.export_program import export_program
    from layerlab.zoo import resolve

    with redirect_stdout(sys.stderr):
        run = load_run(source) if Path(source).is_dir() else None
        module = run.model if run is not None else resolve(source)
    if text is not None:
        _write_source(module, source, text)
        if run is not None:
            weights = json.dumps(str(run.path / "model.safetensors"), ensure_ascii=False)
            print(f"its weights: build().load_state_dict(safetensors.torch.load_file({weights}))")
    if keras is not None:
        _write_keras(module, source, keras)
    if onnx is None and pt2 is None:
        return
    shape = input_size(module, source, input_shape) if run is None or input_shape is not None else None
    given = run if run is not None else module
    if onnx is not None:
        done = export_onnx(given, onnx, input_shape=shape)
        print(
            f"{done.path}: {done.bytes:,} bytes, opset {done.opset}; ONNX Runtime agrees with PyTorch to"
            f" {done.max_difference:.1e} of the largest output"
        )
    if pt2 is not None:
        program = export_program(given, pt2, input_shape=shape)
        print(
            f"{program.path}: {program.bytes:,} bytes; the file that was loaded again agrees with the network to"
            f" {program.max_difference:.1e} of the largest output"
        )


def _check_targets(targets: dict[str, Path | None]) -> None:
    """Refuse what no file can be written to, before one of the others is."""
    from layerlab.training.export_checks import check_target

    taken: dict[Path, str] = {}
    for option, path in targets.items():
        if path is None:
            continue
        if option in ("--onnx", "--pt2"):
            check_target(path, f".{option.removeprefix('--')}")
        elif path.is_dir():
            raise LayerlabError(f'"{path}" is a folder; name a file in it, such as "{path / "network.py"}"')
        if path in taken:
            raise LayerlabError(f'{taken[path]} and {option} both name "{path}"; give each a file of its own')
        taken[path] = option


def _write_source(module: nn.Module, spec: str, path: Path) -> None:
    from layerlab.notation import KerasModel, write_pytorch
    from layerlab.zoo.source import write_source

    _write_text(path, write_pytorch(module) if isinstance(module, KerasModel) else write_source(module, spec))


def _write_keras(module: nn.Module, spec: str, path: Path) -> None:
    from layerlab.notation import KerasModel, write_keras

    if not isinstance(module, KerasModel):
        raise LayerlabError(f'"{spec}" does not come from Keras text; only such networks are written as Keras source')
    _write_text(path, write_keras(module))


def _write_text(path: Path, content: str) -> None:
    from layerlab.files import atomic_write

    atomic_write(path, content)
    print(f"{path}: written")


def input_size(module: nn.Module, spec: str, given: str | None) -> tuple[int, ...]:
    """Return the input's size without the batch: what was given, or what the network says."""
    from layerlab.zoo import customary_input_of, input_shape_of

    if given is not None:
        parts = given.lower().split("x")
        if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
            raise LayerlabError(f'--input "{given}" is no size; expected whole numbers joined by x, e.g. 3x224x224')
        return tuple(int(part) for part in parts)
    known = input_shape_of(module) or customary_input_of(module)
    if known is None or None in known:
        raise LayerlabError(f'"{spec}" does not say the size of its input; add it, e.g. --input 3x224x224')
    return tuple(side for side in known if side is not None)
