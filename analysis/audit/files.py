"""The files of a run as plain arrays, read without trust: what is wrong with them is a finding.

A column has a kind (text, time, real, whole, flag). Text is kept as codes into a list of words,
-1 where there is none; missing numbers are NaN, missing times NaT.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from .check import Findings, Unusable
from .columns import FLAG, TABLES, TEXT, TIME, WHOLE

READABLE = "every file can be read and has its columns"
FILLED = "no value is missing where there must be one"


@dataclass
class Table:
    """A table's columns as arrays of equal length; a column that could not be read is absent."""

    name: str
    n: int
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)

    def __getitem__(self, column: str) -> np.ndarray:
        if column not in self.columns:
            raise Unusable(f"{self.name}: column {column} is missing or of the wrong kind")
        return self.columns[column]

    def text(self, column: str) -> np.ndarray:
        """Return a text column as an array of str; nothing is the empty text."""
        codes = self[column]
        return np.array([*self.words[column], ""], dtype=object)[codes]

    def codes(self, column: str, known: Mapping[str, int]) -> np.ndarray:
        """Return the number that each text stands for, -1 for an unknown one or none."""
        codes = self[column]
        translate = np.array([*(known.get(w, -1) for w in self.words[column]), -1], dtype=np.int64)
        return translate[codes]


def file_sum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_text(path: Path, found: Findings) -> Any:
    """Return the document in a YAML or JSON file, None where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        found.fail(READABLE, f"{path.name}: cannot be read ({error})")
        return None


def read_parquet(path: Path, found: Findings, columns: Sequence[str] | None = None) -> Table:
    """Return the known columns of a Parquet file, or those named."""
    name = path.stem
    kinds = {k: v for k, v in TABLES[name].items() if columns is None or k in columns}
    try:
        file = pq.ParquetFile(path)
        there = set(file.schema_arrow.names)
        arrow = file.read(columns=[c for c in kinds if c in there])
    except (OSError, pa.ArrowException) as error:
        found.fail(READABLE, f"{path.name}: cannot be read ({error})")
        return Table(name, 0)
    return from_arrow(name, arrow, kinds, found)


def from_arrow(name: str, arrow: pa.Table, kinds: Mapping[str, str], found: Findings) -> Table:
    """Turn Arrow columns into arrays of the kinds wanted; what does not fit is a finding."""
    table = Table(name, arrow.num_rows)
    for column, kind in kinds.items():
        found.holds(
            READABLE, column in arrow.column_names, lambda c=column: f"{name}: no column {c}"
        )
        if column not in arrow.column_names:
            continue
        try:
            _put(table, column, kind.rstrip("?"), arrow.column(column))
        except (pa.ArrowException, TypeError, ValueError) as error:
            found.fail(READABLE, f"{name}: {column}: is no column of {kind} values ({error})")
            continue
        _note_missing(table, column, kind, found)
    return table


def read_csv(
    path: Path, kinds: Mapping[str, str], found: Findings, optional: Sequence[str] = ()
) -> Table:
    """Return the wanted columns of a CSV file; an optional one may be absent."""
    name = path.stem
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        found.fail(READABLE, f"{path.name}: cannot be read ({error})")
        return Table(name, 0)
    head, body = (rows[0], rows[1:]) if rows else ([], [])
    whole = [i for i, row in enumerate(body) if len(row) == len(head)]
    found.holds(
        READABLE,
        [len(row) == len(head) for row in body],
        lambda i: f"{path.name}: line {i + 2} has another number of cells than the header",
    )
    table = Table(name, len(whole))
    for column, kind in kinds.items():
        if column not in optional:
            found.holds(READABLE, column in head, lambda c=column: f"{path.name}: no column {c}")
        if column not in head:
            continue
        at = head.index(column)
        cells = [body[i][at] for i in whole]
        if kind.rstrip("?") == TEXT:
            table.words[column] = list(dict.fromkeys(cells))
            number = {word: i for i, word in enumerate(table.words[column])}
            table.columns[column] = np.array([number[cell] for cell in cells], dtype=np.int64)
            continue
        table.columns[column] = np.array([_number(cell) for cell in cells], dtype=np.float64)
        _note_missing(table, column, kind, found)
    return table


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _put(table: Table, column: str, kind: str, values: pa.ChunkedArray) -> None:
    if kind == TEXT:
        if not pa.types.is_dictionary(values.type):
            values = values.cast(pa.string()).dictionary_encode()
        chunk = values.unify_dictionaries().combine_chunks()
        if isinstance(chunk, pa.ChunkedArray):
            chunk = chunk.chunk(0) if chunk.num_chunks else pa.array([], values.type)
        table.words[column] = chunk.dictionary.cast(pa.string()).to_pylist()
        table.columns[column] = chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    elif kind == TIME:
        table.columns[column] = values.cast(pa.timestamp("s")).to_numpy().astype("datetime64[s]")
    elif kind == FLAG:
        table.columns[column] = (
            values.cast(pa.bool_()).cast(pa.int8()).cast(pa.float64()).to_numpy()
        )
    elif kind == WHOLE and pa.types.is_integer(values.type) and not values.null_count:
        table.columns[column] = values.cast(pa.int64()).to_numpy()
    elif pa.types.is_floating(values.type) or pa.types.is_integer(values.type):
        table.columns[column] = values.cast(pa.float64()).to_numpy()
    else:
        raise TypeError(f"holds {values.type}")


def _note_missing(table: Table, column: str, kind: str, found: Findings) -> None:
    """Note values that are missing, infinite, or not whole where they must be."""
    values = table.columns[column]
    base = kind.rstrip("?")
    if base == TEXT:
        there = values >= 0
    elif base == TIME:
        there = ~np.isnat(values)
    elif values.dtype == np.int64:
        return
    else:
        there = ~np.isnan(values)
        with np.errstate(invalid="ignore"):
            sound = np.isfinite(values) & ((base != WHOLE) | (values == np.rint(values)))
        found.holds(
            FILLED,
            sound | ~there,
            lambda i: f"{table.name}: {column}: row {i}: {values[i]} is not a {base} number",
        )
    if not kind.endswith("?"):
        found.holds(FILLED, there, lambda i: f"{table.name}: {column}: row {i} is empty")
