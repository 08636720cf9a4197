"""What an error reply means, and how long it asks to wait. Pure."""
