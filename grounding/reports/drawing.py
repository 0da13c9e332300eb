"""What all figures share: colours, the ink of light and dark pages, and PNG bytes.

Figures are `matplotlib.figure.Figure` objects, never made through pyplot, so that nothing global changes.
"""

import io
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Theme = Literal["light", "dark"]

# Okabe and Ito's palette, distinguishable with the common kinds of colour blindness; black is left out.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#8C8C8C")


class Ink(NamedTuple):
    """Colours of text, of what matters less, and of lines behind the data."""

    text: str
    faint: str
    grid: str


INK: dict[Theme, Ink] = {
    "light": Ink("#1d2430", "#5d6675", "#e3e6eb"),
    "dark": Ink("#e8eaee", "#a4acba", "#343b47"),
}


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of this size in inches that lays itself out."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=160, layout="constrained")


def png(figure: "Figure") -> bytes:
    """The figure as a PNG with a transparent background."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", transparent=True, metadata={"Software": None})
    return buffer.getvalue()
