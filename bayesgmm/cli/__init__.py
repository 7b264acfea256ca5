"""The command ``bayesgmm``. Imports the core inside commands only, so that help is quick."""

from bayesgmm.cli.commands import app

__all__ = ["app"]
