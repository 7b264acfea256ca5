"""Chains that nutpie draws in the background, looked at now and then."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesgmm.runtime import one_blas_thread
from bayesgmm.sampling.record import Record


@dataclass(frozen=True, eq=False)
class Segment:
    """Chains of a run that nutpie draws in one go."""

    chains: range
    """Which of the run's."""
    compiled: Any
    settings: dict[str, Any]
    """nutpie's: ``draws``, ``tune``, ``seed`` and what else there is."""

    def begin(self):
        """Start to draw."""
        import nutpie

        settings = self.settings | {"chains": len(self.chains)}
        return nutpie.sample(self.compiled, blocking=False, return_raw_trace=True, **settings)


def draw(segments: list[Segment], at_once: int, record: Record) -> None:
    """Draw segments, ``at_once`` at a time, into a record that takes what there is now and then.

    Ctrl-C ends all of them, with what they have.
    """
    waiting = list(segments)
    running: list[tuple[Segment, Any]] = []
    # One thread per chain: BLAS must not start more for the whitening.
    with one_blas_thread():
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    segment = waiting.pop(0)
                    running.append((segment, segment.begin()))
                pause = record.pause()
                for segment, sampler in list(running):
                    try:
                        trace = sampler.wait(timeout=pause and pause / len(running))
                    except TimeoutError:
                        record.take(segment, sampler.inspect())
                    else:
                        running.remove((segment, sampler))
                        record.take(segment, trace)
        except KeyboardInterrupt:
            for segment, sampler in running:
                record.take(segment, sampler.abort())
        except BaseException as error:
            for _, sampler in running:
                sampler.cancel()
            if isinstance(error, RuntimeError) and "initialization points failed" in str(error):
                raise ValueError(
                    "the density of the model is not a positive number at any point where its "
                    "chains might begin; expected one that is; try model.point_logps() to see "
                    "which variable's is not"
                ) from error
            raise


def sampler_seed(entropy):
    """A seed nutpie takes; a draw of entropy if none is given."""
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint32)[0])
