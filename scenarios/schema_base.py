"""What all sections of a scenario share: strictness, shares, dates and times."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0.0, le=1.0)]


def iso_date(value: Any) -> Any:
    """A date in quotes, as JSON has it, is a date too; anything else is left to be refused."""
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            return value
    return value


def iso_time(value: Any) -> Any:
    """A local time in text, as JSON has it, is a time too; anything else is left to be refused."""
    if isinstance(value, str):
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:
            return value
    return value


class Section(BaseModel):
    """A part of a scenario: unknown keys refused, types strict, values final."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )
