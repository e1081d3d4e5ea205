"""Where values enter and leave a block, and when one place stands for several values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

__all__ = ["Links", "Ports", "with_ports"]

Links = dict[tuple[str, str], set[tuple[int, bool]]]
"""From part to part, by their keys: which operations' values flow, and whether each is concatenated there."""
Ports = dict[str, list[int]]
"""By the key of a port: the operations that made what passes, below zero for inputs of the network."""

_MOST_ALIKE = 3


def with_ports(links: Links) -> tuple[Links, Ports, Ports]:
    """Return the links with one port for many that go to, or come from, the same parts; and the ports, in order.

    Args:
        links: with a port ``"input:NUMBER"`` or ``"output:NUMBER"`` for each value.

    Returns:
        The links, the ports where values come in, and those where they go out.
    """
    neighbours: dict[str, list[str]] = defaultdict(list)
    for source, target in links:
        if source.startswith("input:"):
            neighbours[source].append(target)
        if target.startswith("output:"):
            neighbours[target].append(source)
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for port in _in_order(neighbours):
        alike[port.partition(":")[0], *sorted(neighbours[port])].append(port)
    into: dict[str, str] = {}
    for ports in alike.values():
        if len(ports) > _MOST_ALIKE:
            into |= dict.fromkeys(ports, ports[0])
    fewer: Links = defaultdict(set)
    for (source, target), values in links.items():
        fewer[into.get(source, source), into.get(target, target)] |= values
    incoming: Ports = {}
    outgoing: Ports = {}
    for port in _in_order(neighbours):
        passing = incoming if port.startswith("input:") else outgoing
        passing.setdefault(into.get(port, port), []).append(_value(port))
    return dict(fewer), incoming, outgoing


def _in_order(ports: Iterable[str]) -> list[str]:
    """Inputs of the network in their order, then what was made on the way, as it was made."""
    return sorted(ports, key=lambda port: (_value(port) >= 0, abs(_value(port))))


def _value(port: str) -> int:
    return int(port.partition(":")[2])
