"""``python -m bayesgmm``: the command."""

from bayesgmm.cli import app

if __name__ == "__main__":
    app()
