"""From the bytes of published data sets to arrays, one data set a module."""
