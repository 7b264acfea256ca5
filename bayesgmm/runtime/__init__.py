"""What every room stands on: checked arguments, compiled code, threads, progress, files.

Each is imported when it is first used, so that checking an argument does not pay for numba.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
