"""Ctrl-C at chosen draws: nutpie's background sampler, stopped where a test wants it."""

from bayesgmm.sampling.segments import Segment


class Trace:
    """What nutpie hands over, cut to so many rows of each chain."""

    def __init__(self, trace, rows):
        self.batches = [
            [b.slice(0, min(n, b.num_rows)) for b, n in zip(batches, rows, strict=True)]
            for batches in trace.get_arrow_trace()
        ]

    def get_arrow_trace(self):
        return self.batches


class Interrupted:
    """A sampler that Ctrl-C stops when its chains have so many rows, tuning included."""

    def __init__(self, sampler, rows):
        self.sampler, self.rows = sampler, rows

    def wait(self, timeout=None):
        self.trace = self.sampler.wait()
        raise KeyboardInterrupt

    def abort(self):
        return Trace(self.trace, self.rows)


def stop_at(monkeypatch, draws):
    """Have sampling interrupted when its chains have so many draws; −n: n tuning draws short."""
    begin = Segment.begin

    def interrupted(self):
        tune = self.settings["tune"]
        return Interrupted(begin(self), [max(0, tune + n) for n in draws])

    monkeypatch.setattr(Segment, "begin", interrupted)
