"""A record in a notebook cell, and its style."""

from bayesgmm.html import cells
from bayesgmm.html.cells import cell, number, whole

__all__ = ["cell", "cells", "number", "whole"]
