"""The block model: for every module that ran and has something inside, its parts and what flows between them.

A part of a module is a call of one of its child modules, or an operation that it calls itself. A container that is
never called (``ModuleList``) is in no one's way: what it holds counts as its owner's.

What is left out: operations that only give a tensor another shape, unless they are all that a module does or they
split it; what no input leads to (positions, masks), and what leads to no output and has no multiplications.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from layerlab.anatomy.anatomy import Anatomy
from layerlab.anatomy.chains import CONCATENATIONS, chained_sources
from layerlab.anatomy.fold import folded, merged
from layerlab.anatomy.ports import Links, with_ports
from layerlab.anatomy.record import Call, Operation
from layerlab.anatomy.signature import Signatures

__all__ = ["Level", "Link", "Part", "levels_of"]

_MOST_LOOSE = 30  # operations without multiplications that a level calls itself
_MOST_PARTS = 150
# Give the same numbers in another shape or order.
_RESHAPING = frozenset(
    {"__getitem__", "clone", "contiguous", "cpu", "cuda", "detach", "double", "expand", "expand_as", "flatten", "float",
     "get", "half", "index_select", "int", "long", "movedim", "moveaxis", "narrow", "permute", "ravel", "reshape",
     "reshape_as", "requires_grad_", "select", "squeeze", "squeeze_", "swapaxes", "swapdims", "t", "to", "transpose",
     "transpose_", "type_as", "unflatten", "unsqueeze", "unsqueeze_", "view", "view_as"}
)  # fmt: skip
# Take a tensor for its kind and shape alone.
_MAKE_ANEW = frozenset(
    {"empty_like", "full_like", "new_empty", "new_full", "new_ones", "new_tensor", "new_zeros", "ones_like",
     "rand_like", "randn_like", "zeros_like"}
)  # fmt: skip


@dataclass
class Part:
    """One node of a level.

    Attributes:
        key: what names it within the level: ``"module:PATH#CALL"``, ``"operation:NUMBER"``, ``"input:K"``,
            ``"output:K"``.
        operations: the kept operations inside, in order; empty for a port.
        call: of the module; ``None`` for an operation and for a port.
        members: the calls that one node stands for: more than one for a run of equals, or for several steps.
        level: key of the level that it opens to.
        values: for a port, the numbers of the operations that made what passes, below zero for inputs of the network.
        merged: how many parts were put together, where a level has too many; 0 otherwise.
    """

    key: str
    operations: list[int] = field(default_factory=list)
    call: Call | None = None
    members: list[Call] = field(default_factory=list)
    level: str | None = None
    values: list[int] = field(default_factory=list)
    merged: int = 0

    @property
    def repeats(self) -> int:
        """How many equal calls it stands for."""
        return max(len(self.members), 1) if not self.merged else 1


@dataclass(frozen=True)
class Link:
    """What flows from one part to another: ``plain``, ``skip`` (past other parts) or ``concatenation``."""

    source: str
    target: str
    kind: str


@dataclass
class Level:
    """The inside of one module call.

    Attributes:
        key: its path; with ``#CALL`` behind it where a later call does something else than the first.
        call: path of the module and which of its calls.
        parts: by key, in the order of the run: what comes in first, what goes out last.
        links: what flows between them.
    """

    key: str
    call: Call
    parts: dict[str, Part]
    links: list[Link]


def levels_of(anatomy: Anatomy) -> dict[str, Level]:
    """Return the levels that can be reached from the whole network by opening blocks, the network's own first."""
    return _Builder(anatomy).levels()


class _Builder:
    def __init__(self, anatomy: Anatomy) -> None:
        self.operations = anatomy.operations
        self._leaves = {layer.path for layer in anatomy.layers if layer.is_leaf}
        sources = [
            () if operation.name in _MAKE_ANEW else chained
            for operation, chained in zip(anatomy.operations, chained_sources(anatomy.operations), strict=True)
        ]
        kept = _kept(anatomy, sources)
        shown = kept - _in_passing(anatomy.operations, kept)
        resolve = _Resolver(anatomy.operations, sources, kept, shown)
        self.sources = {number: resolve.all(sources[number]) for number in sorted(shown)}
        self.results = resolve.all(anatomy.results)
        self.inside: dict[Call, list[int]] = defaultdict(list)
        for number in self.sources:
            for call in self.operations[number].within:
                self.inside[call].append(number)
        self.signatures = Signatures(anatomy, self.sources, self.inside)
        self._links = self._all_links()

    def levels(self) -> dict[str, Level]:
        levels: dict[str, Level] = {}
        waiting: list[tuple[str, Call]] = [("", ("", 0))]
        seen = {""}
        while waiting:
            key, call = waiting.pop(0)
            level = self._level(key, call)
            levels[key] = level
            for part in level.parts.values():
                if part.level is not None and part.call is not None and part.level not in seen:
                    seen.add(part.level)
                    waiting.append((part.level, part.call))
        return levels

    def _level(self, key: str, call: Call) -> Level:
        depth = self._depth(call)
        links, incoming, outgoing = with_ports(self._links.get(call, {}))
        parts = {key: Part(key, values=values) for key, values in incoming.items()}
        parts |= self._parts(call, depth)
        parts |= {key: Part(key, values=values) for key, values in outgoing.items()}
        level = Level(key, call, parts, _classified(parts, links))
        loose = {key for key, part in parts.items() if self._is_loose(part)}
        if len(loose) > _MOST_LOOSE or len(parts) > _MOST_PARTS:
            level = merged(level, loose, _MOST_PARTS)
        return folded(level, self.signatures)

    def _is_loose(self, part: Part) -> bool:
        return (
            part.call is None
            and not part.values
            and not any(self.operations[number].macs for number in part.operations)
        )

    def _depth(self, call: Call) -> int:
        numbers = self.inside.get(call)
        return self.operations[numbers[0]].within.index(call) if numbers else 0

    def _parts(self, call: Call, depth: int) -> dict[str, Part]:
        inner: dict[str, Part] = {}
        for number in self.inside.get(call, ()):
            within = self.operations[number].within
            below = within[depth + 1] if len(within) > depth + 1 else None
            key = _key(below, number)
            if key not in inner:
                level = self._level_of(below) if below is not None else None
                inner[key] = Part(key, [], below, [below] if below is not None else [], level)
            inner[key].operations.append(number)
        return inner

    def _level_of(self, call: Call) -> str | None:
        """Return the key of what a module call opens to; ``None`` where one operation is all."""
        numbers = self.inside[call]
        depth = self._depth(call)
        if len({_below(self.operations[number], depth, number) for number in numbers}) < 2 and (
            call[0] in self._leaves or self.operations[numbers[0]].within[-1] == call
        ):
            return None
        path, count = call
        same = count == 0 or self.signatures.of(call) == self.signatures.of((path, 0))
        return path if same else f"{path}#{count + 1}"

    def _all_links(self) -> dict[Call, Links]:
        """Return, for each level, what flows between its parts."""
        links: dict[Call, Links] = defaultdict(lambda: defaultdict(set))
        for number, sources in self.sources.items():
            within = self.operations[number].within
            joins = self.operations[number].name in CONCATENATIONS
            for source in sources:
                before = self.operations[source].within if source >= 0 else ()
                common = _common(before, within)
                if common:
                    ends = _unit(before, common - 1, source), _unit(within, common - 1, number)
                    links[within[common - 1]][ends].add((source, joins))
                for depth in range(common, len(within)):
                    links[within[depth]][f"input:{source}", _unit(within, depth, number)].add((source, joins))
                self._leave(links, source, common)
        for result in self.results:
            self._leave(links, result, 0)
            if result < 0:
                links["", 0][f"input:{result}", f"output:{result}"].add((result, False))
        return {call: dict(of_level) for call, of_level in links.items()}

    def _leave(self, links: dict[Call, Links], source: int, common: int) -> None:
        """Let the output of an operation out of all modules that run around it, but for the ``common`` outermost."""
        within = self.operations[source].within if source >= 0 else ()
        for depth in range(common, len(within)):
            links[within[depth]][_unit(within, depth, source), f"output:{source}"].add((source, False))


class _Resolver:
    """Looks through the operations that are not shown, to those whose output they pass on."""

    def __init__(
        self, operations: Sequence[Operation], sources: Sequence[tuple[int, ...]], kept: set[int], shown: set[int]
    ) -> None:
        self._made_by: dict[int, tuple[int, ...]] = {}
        for number in sorted(kept):  # sources come before what they lead to
            if number in shown:
                self._made_by[number] = (number,)
            else:
                # The same tensor again stands for what was written into it; an index or a pattern is left out.
                operation = operations[number]
                pairs = zip(sources[number], operation.inputs, strict=True)
                first = operation.inputs[0] if operation.inputs else ()
                self._made_by[number] = self.all(source for source, shape in pairs if shape == first)

    def all(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """Return what made the outputs of these operations, each once; what no input leads to is left out."""
        found = (made for number in numbers for made in (self._made_by.get(number, ()) if number >= 0 else (number,)))
        return tuple(dict.fromkeys(found))


def _kept(anatomy: Anatomy, sources: Sequence[tuple[int, ...]]) -> set[int]:
    """Return the operations that an input leads to and that lead to an output or to multiplications."""
    reached: set[int] = set()
    for operation in anatomy.operations:
        if any(source < 0 or source in reached for source in sources[operation.number]):
            reached.add(operation.number)
    if not reached:
        return set(range(len(anatomy.operations)))
    wanted = set(anatomy.results) or reached
    kept = set()
    for operation in reversed(anatomy.operations):
        number = operation.number
        if number in reached and (number in wanted or operation.macs):
            kept.add(number)
            wanted.update(sources[number])
    return kept


def _in_passing(operations: Sequence[Operation], kept: set[int]) -> set[int]:
    """Return the operations that only reshape, in modules that do other things as well."""
    whole: set[Call] = set()
    for number in kept:
        within = operations[number].within
        if operations[number].name not in _RESHAPING:
            whole.update(within)
    alone: set[Call] = set()
    passing = set()
    for number in sorted(kept):
        operation = operations[number]
        if operation.name in _RESHAPING:
            own = operation.within[-1] if operation.within else None
            # Of a module that does nothing but reshape, one step is shown: the last would do as well as the first.
            if own is None or own in whole or own in alone or len(operation.within) == 1:
                passing.add(number)
            elif own is not None:
                alone.add(own)
    return passing


def _classified(parts: dict[str, Part], links: Links) -> list[Link]:
    """Return the links with their kinds, in the order of the parts."""
    order = {key: place for place, key in enumerate(parts)}
    after: dict[str, list[str]] = defaultdict(list)
    for source, target in links:
        after[source].append(target)
    joined: dict[str, set[int]] = defaultdict(set)
    for (_, target), values in links.items():
        joined[target].update(value for value, joins in values if joins)
    beyond: dict[str, int] = {}  # bit k: the k-th part can be reached
    for key in reversed(parts):
        beyond[key] = 0
        for target in after[key]:
            beyond[key] |= beyond[target] | 1 << order[target]
    found = []
    for (source, target), values in sorted(links.items(), key=lambda item: (order[item[0][0]], order[item[0][1]])):
        past = any(beyond[other] >> order[target] & 1 for other in after[source] if other != target)
        # What is joined with nothing but a parameter is a plain step.
        together = len(joined[target]) > 1 and all(joins for _, joins in values)
        found.append(Link(source, target, "concatenation" if together else "skip" if past else "plain"))
    return found


def _common(before: tuple[Call, ...], within: tuple[Call, ...]) -> int:
    count = 0
    for one, other in zip(before, within, strict=False):
        if one != other:
            break
        count += 1
    return count


def _below(operation: Operation, depth: int, number: int) -> str:
    return _unit(operation.within, depth, number)


def _unit(within: tuple[Call, ...], depth: int, number: int) -> str:
    return _key(within[depth + 1] if len(within) > depth + 1 else None, number)


def _key(call: Call | None, number: int) -> str:
    return f"module:{call[0]}#{call[1]}" if call is not None else f"operation:{number}"
