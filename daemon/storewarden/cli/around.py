"""What matters for a plan besides its files: full disks, observed policies, a frozen clock."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from storewarden.catalogue.planned import Growth
from storewarden.config.schema import Settings
from storewarden.policy.rules import PolicySet


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system with roots on it, as full as it is now."""

    roots: tuple[str, ...]
    total: int
    used: int


@dataclass(frozen=True, slots=True)
class Around:
    """What else matters for a plan: what there is, what is observed, what is frozen."""

    policies: PolicySet
    settings: Settings
    now_ns: int
    until_ns: int
    held: Mapping[str, tuple[int, int]]  # files and bytes of each root
    observed: frozenset[str]
    frozen: str
    disks: tuple[Disk, ...] = ()
    growth: Mapping[str, Growth] | None = None

    @property
    def ahead(self) -> bool:
        """Whether it is about the time to come."""
        return self.until_ns > self.now_ns

    def disk(self, root: str) -> Disk | None:
        """Return the file system of a root, if it is here."""
        return next((disk for disk in self.disks if root in disk.roots), None)

    def full(self, root: str) -> float | None:
        """Return how full the file system of a root is."""
        disk = self.disk(root)
        return disk.used / disk.total if disk is not None and disk.total else None


def disks(places: Mapping[str, bytes], only: str | None = None) -> tuple[Disk, ...]:
    """Return the file systems that roots are on, with how full they are; what is not here is not.

    What is kept for the superuser counts as used: nobody else can write there.
    """
    found: dict[int, tuple[list[str], os.statvfs_result]] = {}
    for name, top in sorted(places.items()):
        if only is not None and name != only:
            continue
        try:
            device, space = os.stat(top).st_dev, os.statvfs(top)
        except OSError:
            continue
        found.setdefault(device, ([], space))[0].append(name)
    return tuple(
        Disk(tuple(names), s.f_blocks * s.f_frsize, (s.f_blocks - s.f_bavail) * s.f_frsize)
        for names, s in found.values()
        if s.f_blocks
    )
