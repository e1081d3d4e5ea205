"""Every network of torchvision, and one of each family of timm, dissected: what holds, and what fails with its reason.

    python tests/support/every_network.py > docs/anatomy-coverage.md

Networks are built without memory where they can be; small ones are built a second time, with memory, so that the bytes
of their state can be compared.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import sys
import time
import warnings
from dataclasses import dataclass
from typing import Any

import timm
import torch
import torchvision
from torch import nn

from layerlab.anatomy import Anatomy, dissect
from layerlab.errors import LayerlabError

__all__ = ["TIMM", "Outcome", "build", "examine", "names"]

KINDS = ("classification", "quantization", "segmentation", "detection", "video", "optical_flow")
SMALL = 30_000_000  # parameters; a larger network is looked at without memory only
# One of each family, the smallest that it has.
TIMM = (
    "beit_base_patch16_224", "botnet26t_256", "caformer_s18", "cait_xxs24_224", "coat_tiny", "coatnet_0_rw_224",
    "convformer_s18", "convit_tiny", "convmixer_768_32", "convnext_atto", "convnextv2_atto", "crossvit_tiny_240",
    "cspresnet50", "cs3darknet_s", "davit_tiny", "deit_tiny_patch16_224", "densenet121", "dla34", "dpn68",
    "edgenext_xx_small", "efficientformer_l1", "efficientformerv2_s0", "efficientnet_b0", "efficientvit_b0",
    "efficientvit_m0", "eva02_tiny_patch14_224", "fastvit_t8", "focalnet_tiny_srf", "gcresnet33ts", "gcvit_xxtiny",
    "ghostnet_050", "halonet26t", "hardcorenas_a", "hgnet_tiny", "hgnetv2_b0", "hiera_tiny_224", "hrnet_w18_small",
    "inception_next_tiny", "inception_v4", "lambda_resnet26t", "lcnet_035", "levit_128s", "maxvit_pico_rw_256",
    "mixer_s32_224", "mixnet_s", "mnasnet_small", "mobilenetv4_conv_small", "mobileone_s0", "mobilevit_xxs",
    "mobilevitv2_050", "mvitv2_tiny", "nest_tiny", "nextvit_small", "nf_resnet50", "pit_ti_224", "poolformer_s12",
    "pvt_v2_b0", "regnetx_002", "repghostnet_050", "repvgg_a0", "repvit_m1", "res2net50_26w_4s", "resmlp_12_224",
    "resnest14d", "resnetv2_50", "resnext50_32x4d", "rexnet_100", "sebotnet33ts_256", "selecsls42b", "seresnet18",
    "shvit_s1", "skresnet18", "starnet_s1", "swiftformer_xs", "swin_tiny_patch4_window7_224", "swinv2_cr_tiny_224",
    "tinyvit_5m_224", "tiny_vit_5m_224", "tnt_s_legacy_patch16_224", "tresnet_m", "twins_pcpvt_small", "vgg11",
    "visformer_tiny", "vit_tiny_patch16_224", "volo_d1_224", "vovnet39a", "wide_resnet50_2", "xception41",
    "xcit_nano_12_p16_224",
)  # fmt: skip


@dataclass
class Outcome:
    """What came of one network: its figures, or why there are none."""

    name: str
    kind: str
    parameters: int = 0
    macs: int = 0
    operations: int = 0
    seconds: float = 0.0
    ran: str = ""
    problem: str = ""


def names() -> list[tuple[str, str]]:
    """Return name and kind of every network; those of timm that the installed version knows."""
    found = []
    classes = {"torchvision.models": "classification"}
    for name in torchvision.models.list_models():
        place = torchvision.models.get_model_builder(name).__module__
        kind = next((part for part in KINDS if f".{part}" in place), "classification")
        found.append((name, classes.get(place, kind)))
    known = set(timm.list_models())
    return sorted(found, key=lambda pair: KINDS.index(pair[1])) + [(name, "timm") for name in TIMM if name in known]


def build(name: str, kind: str) -> nn.Module:
    """Return the network, with weights that were drawn."""
    if kind == "timm":
        return timm.create_model(name)
    options: dict[str, Any] = {"weights": None}
    if kind in ("segmentation", "detection"):
        options["weights_backbone"] = None
    if kind == "detection" and not name.startswith("ssd"):
        options |= {"min_size": 128, "max_size": 160}
    if name in ("googlenet", "inception_v3", "quantized_googlenet", "quantized_inception_v3"):
        options["init_weights"] = False
    return torchvision.models.get_model(name, **options)


def example(name: str, kind: str, model: nn.Module) -> Any:
    """Return an input that the network takes: a size, or tensors."""
    if kind == "timm":
        return tuple(model.default_cfg["input_size"])
    if kind == "detection":
        return ([torch.rand(3, 160, 128)],)
    if kind == "optical_flow":
        return [(3, 128, 128), (3, 128, 128)]
    if kind == "video":
        return (3, 16, 224, 224)
    return (3, 299, 299) if "inception" in name else (3, 224, 224)


def state(model: nn.Module) -> tuple[Any, ...]:
    """Return what a dissection must leave as it is: bytes, flags, hooks, gradients, the attributes' identities."""
    digest = hashlib.sha256()
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        digest.update(name.encode())
        if tensor.device.type != "meta":
            digest.update(tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    parts = [
        (id(part), type(part), part.training, len(part._forward_hooks), len(part._forward_pre_hooks),
         [(name, id(value)) for name, value in part.__dict__.items()])
        for part in model.modules()
    ]  # fmt: skip
    gradients = [(parameter.requires_grad, parameter.grad is None) for parameter in model.parameters()]
    return digest.hexdigest(), parts, gradients, torch.get_rng_state().sum().item()


def check(model: nn.Module, anatomy: Anatomy) -> str:
    """Return what is wrong with the figures, or nothing."""
    totals = anatomy.totals
    wrong = []
    if totals.parameters != sum(parameter.numel() for parameter in model.parameters()):
        wrong.append("parameters are not torch's count")
    if totals.macs != sum(operation.macs for operation in anatomy.operations):
        wrong.append("MACs of operations do not add up to the total")
    if totals.macs != sum(layer.own_macs for layer in (anatomy.root, *anatomy.layers)):
        wrong.append("MACs of layers do not add up to the total")
    if totals.macs_are_lower_bound:
        wrong.append(f"a lower bound: no rule for {', '.join(totals.uncounted)}")
    if totals.backward_bytes is None:
        wrong.append("what a backward pass keeps is not known")
    return "; ".join(wrong)


def examine(name: str, kind: str) -> Outcome:
    """Return what came of one network."""
    outcome = Outcome(name, kind)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        try:
            if kind == "detection":
                raise RuntimeError("needs values")
            with torch.device("meta"):
                model = build(name, kind)
        except (RuntimeError, NotImplementedError, TypeError):  # it looks at numbers as it is built
            model = build(name, kind)
        models = [model]
        small = sum(parameter.numel() for parameter in model.parameters()) < SMALL
        if small and next(model.parameters()).device.type == "meta":
            models.append(build(name, kind))
        for one in models:
            one.train()
            before = state(one)
            start = time.perf_counter()
            try:
                anatomy = dissect(one, example(name, kind, one))
            except LayerlabError as error:
                outcome.problem = str(error)
                return outcome
            outcome.seconds = time.perf_counter() - start
            torch.manual_seed(0)
            outcome.problem = check(one, anatomy) or ("" if state(one)[:3] == before[:3] else "left a trace")
            if outcome.problem:
                break
    outcome.parameters, outcome.macs = anatomy.totals.parameters, anatomy.totals.macs
    outcome.operations = len(anatomy.operations)
    outcome.ran = "on numbers" if any("for this input" in note for note in anatomy.notes) else "on shapes"
    return outcome


def page(outcomes: list[Outcome]) -> str:
    """Return the page of the guide."""
    good = [outcome for outcome in outcomes if not outcome.problem]
    lines = [
        "# Which networks were dissected",
        "",
        f"Every network that torchvision {torchvision.__version__.split('+')[0]} builds by name, and "
        f"{sum(outcome.kind == 'timm' for outcome in outcomes)} of timm {timm.__version__}, of different families. For "
        "each: its parameters are torch's count, the MACs of its operations and of its layers add up to the total, no "
        "operation is without a rule, what a backward pass keeps is known, and the network is afterwards as before: "
        "flags, hooks, attributes, gradients, and the bytes of its state, where it has below 30 million parameters or "
        "cannot be built without memory. Detection takes images of 160x128 with a `min_size` of 128; networks for "
        "quantization are taken before they are quantized. Made by "
        "`python tests/support/every_network.py`; the slow tests run the same.",
        "",
        f"{len(good)} of {len(outcomes)} hold in full.",
        "",
        "## What falls short",
        "",
    ]
    bad = [outcome for outcome in outcomes if outcome.problem]
    lines += [f"- `{outcome.name}` ({outcome.kind}): {outcome.problem}" for outcome in bad] or ["Nothing."]
    for kind in (*KINDS, "timm"):
        named = [f"`{outcome.name}`" for outcome in outcomes if outcome.kind == kind]
        lines += ["", f"## {kind.replace('_', ' ').capitalize()} ({len(named)})", "", ", ".join(named) + "."]
    return "\n".join(lines)


def main() -> None:
    """Print the page; what happens meanwhile goes to standard error."""
    outcomes = []
    for name, kind in names():
        outcome = examine(name, kind)
        outcomes.append(outcome)
        print(f"{kind:16} {name:36} {outcome.seconds:6.2f} s {outcome.problem}", file=sys.stderr, flush=True)  # noqa: T201
    print(page(outcomes))  # noqa: T201


if __name__ == "__main__":
    main()
