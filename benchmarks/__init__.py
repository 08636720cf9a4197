"""What a call costs, beside the peers. `python -m benchmarks --help`; the answers are in RESULTS.md."""
