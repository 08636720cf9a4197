"""What several tests share; docs of each in its module."""
