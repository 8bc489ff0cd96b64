"""The driver's modules: a package, so that modules of the user's may have any of their names."""
