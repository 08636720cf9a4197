"""The cost of a call, compared with peers. Run `python -m benchmarks --help`; RESULTS.md has the results."""
