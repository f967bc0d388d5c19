"""The dashboards, one a file."""

from __future__ import annotations

from typing import Final

from grafana.board import Board
from grafana.boards.databases import DATABASES
from grafana.boards.generation import GENERATION
from grafana.boards.overview import OVERVIEW
from grafana.boards.policies import POLICIES
from grafana.boards.recording import RECORDING

BOARDS: Final[tuple[Board, ...]] = (OVERVIEW, RECORDING, POLICIES, DATABASES, GENERATION)
