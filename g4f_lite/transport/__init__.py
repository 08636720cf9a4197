"""The only I/O: one request out, bytes back. The sync and async halves hold no decision."""
