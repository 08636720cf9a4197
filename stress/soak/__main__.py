"""`python -m stress.soak 20000 [seed]`: see `servers`."""

from stress.soak.servers import main

main()
