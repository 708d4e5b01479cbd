"""Numbers inside sentences: counted things, amounts, shares."""

from __future__ import annotations


def counted(number: int, thing: str, many: str = "") -> str:
    """Return a number of things as people say it.

    Examples
    --------
    >>> counted(1, "home"), counted(1200, "home"), counted(2, "bus", "buses")
    ('1 home', '1,200 homes', '2 buses')
    """
    return f"{number:,} {thing if number == 1 else many or thing + 's'}"


def amount(value: float) -> str:
    """Return money, or energy, with as many digits as say something: two below 10.

    Examples
    --------
    >>> amount(0.034), amount(-1234.5), amount(-0.001), amount(0.5)
    ('0.03', '−1,234', '0', '0.50')
    """
    text = f"{value:,.{0 if abs(value) >= 10.0 else 2}f}"
    if not any(figure in text for figure in "123456789"):
        return "0"
    return text.replace("-", "−")


def percent(share: float) -> str:
    """Return a share of 1 in percent, as all sentences write it.

    Examples
    --------
    >>> percent(0.256), percent(0.0004), percent(0.0)
    ('26 %', 'less than 1 %', '0 %')
    """
    if 0.0 < share < 0.005:
        return "less than 1 %"
    return f"{share:.0%}".replace("%", " %").replace("-", "−")
