"""Bayesian Gaussian mixtures: MAP in a moment, the full posterior in seconds, honest clusterings.

Every public name is imported when it is first used, so that EM alone never pays for PyMC.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.2.0"
