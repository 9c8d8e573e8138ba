"""Stands for the package of that name: the suites ask it for a server in a container and get the one that runs."""
