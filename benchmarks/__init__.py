"""bayesgmm beside what people would use instead, and beside the machine's own limit.

``python -m benchmarks --profile quick`` measures every row, writes ``results.json`` and, from it,
the README's table and figure.
"""
