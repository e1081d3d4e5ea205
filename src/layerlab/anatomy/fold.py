"""Making a level readable: a run of equal parts becomes one with a count; of too many small parts one is made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from layerlab.anatomy.signature import Signatures

if TYPE_CHECKING:
    from layerlab.anatomy.graph import Level, Part

__all__ = ["folded", "merged"]

_CALLS_OF_A_LOOP = 8  # more calls of one module than this are a loop, where there is too much to show


def folded(level: Level, signatures: Signatures) -> Level:
    """Return the level with every run of equal modules, each made from the one before, as one part.

    What else they take (the memory that every layer of a decoder looks at) must be the same for all.
    """
    before: dict[str, set[str]] = defaultdict(set)
    after: dict[str, set[str]] = defaultdict(set)
    for link in level.links:
        before[link.target].add(link.source)
        after[link.source].add(link.target)
    into: dict[str, str] = {}  # a member of a run -> its first
    last: dict[str, str] = {}
    others: dict[str, set[str]] = {}
    parts: dict[str, Part] = {}
    for key, part in level.parts.items():
        previous = next((source for source in before[key] if after[source] == {key}), None)
        head = into.get(previous, previous) if previous is not None else None
        if head is not None and previous is not None and _equal(level.parts[head], part, signatures):
            rest = before[key] - {previous}
            known = others.get(head)
            joins = rest == known if known is not None else rest <= before[head]
            if joins and last.get(head, head) == previous:
                others[head] = rest
                into[key], last[head] = head, key
                parts[head].members.extend(part.members)
                parts[head].operations.extend(part.operations)
                continue
        parts[key] = replace(part, members=list(part.members), operations=list(part.operations))
    return _renamed(level, parts, into)


def _equal(one: Part, other: Part, signatures: Signatures) -> bool:
    if one.call is None or other.call is None or one.merged or other.merged:
        return False
    return signatures.of(one.call) == signatures.of(other.call)


def merged(level: Level, loose: Collection[str], most: int) -> Level:
    """Return the level with ``loose`` operations that follow each other as one part.

    Where more than ``most`` parts are left, a module in a loop becomes one part as well. Both are stretches of time, so
    that nothing that was made later leads back into them.
    """
    into: dict[str, str] = {}
    parts: dict[str, Part] = {}
    current: Part | None = None
    for key, part in level.parts.items():
        if key in loose and current is not None:
            into[key] = current.key
            current.operations.extend(part.operations)
            current.merged += 1
            continue
        parts[key] = replace(part, merged=1, operations=list(part.operations)) if key in loose else part
        current = parts[key] if key in loose else None
    for part in parts.values():
        if part.merged == 1:
            part.merged = 0
    smaller = _renamed(level, parts, into)
    return _without_loops(smaller) if len(parts) > most else smaller


def _without_loops(level: Level) -> Level:
    """Return the level with everything between the first and the last call of a module in a loop as one part."""
    places: dict[str, list[int]] = defaultdict(list)
    keys = list(level.parts)
    for place, key in enumerate(keys):
        call = level.parts[key].call
        if call is not None:
            places[call[0]].append(place)
    into: dict[str, str] = {}
    parts: dict[str, Part] = {}
    end = -1
    head: Part | None = None
    for place, key in enumerate(keys):
        part = level.parts[key]
        if head is not None and place <= end:
            into[key] = head.key
            head.operations.extend(part.operations)
            head.merged += max(part.merged, 1)
            if part.call is not None and len(places[part.call[0]]) > _CALLS_OF_A_LOOP:
                end = max(end, places[part.call[0]][-1])
                if head.call is not None and part.call[0] == head.call[0]:
                    head.members.extend(part.members)
            continue
        head = None
        parts[key] = replace(part, operations=list(part.operations), members=list(part.members))
        if part.call is not None and len(places[part.call[0]]) > _CALLS_OF_A_LOOP:
            head, end = parts[key], places[part.call[0]][-1]
            head.merged, head.level = 1, None
    return _renamed(level, parts, into)


def _renamed(level: Level, parts: dict[str, Part], into: dict[str, str]) -> Level:
    kinds: dict[tuple[str, str], str] = {}
    for link in level.links:
        ends = into.get(link.source, link.source), into.get(link.target, link.target)
        if ends[0] != ends[1]:
            # Of several links that fall together, the plainest tells how the one is drawn.
            kinds[ends] = min(kinds.get(ends, link.kind), link.kind, key=_PLAINEST.index)
    from layerlab.anatomy.graph import Link

    return replace(level, parts=parts, links=[Link(*ends, kind) for ends, kind in kinds.items()])


_PLAINEST = ("plain", "skip", "concatenation")
