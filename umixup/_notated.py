"""Objects that the paper's notation can write: ``B(2,1)``, ``S(0.5)``."""

from __future__ import annotations

from typing import ClassVar, SupportsFloat


def shortest(value: SupportsFloat) -> str:
    """The shortest text that reads back as ``value``, without a final ".0".

    >>> shortest(1.0), shortest(0.9)
    ('1', '0.9')
    """
    return repr(float(value)).removesuffix(".0")


class Notated:
    """Base class of policies and weights: a symbol and parameters give the notation.

    A subclass that also stands in the table of ``umixup.notation`` can be parsed.
    """

    symbol: ClassVar[str] = ""  # none: there is no notation
    parameters: ClassVar[tuple[str, ...]] = ()  # attributes, in the order of the constructor

    @property
    def notation(self) -> str | None:
        """The text for this object, such as ``B(2,1)``; ``None`` if the notation has none."""
        if not self.symbol:
            return None
        values = (shortest(getattr(self, name)) for name in self.parameters)
        return f"{self.symbol}({','.join(values)})"
