"""Which leg now, and what after a failure. Pure: clock and randomness are passed in."""
