"""A record in a notebook cell, and its style."""

from bayesgmm.html import cells as cells
from bayesgmm.html.cells import cell as cell
from bayesgmm.html.cells import number as number
from bayesgmm.html.cells import whole as whole
