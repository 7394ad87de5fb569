"""The field's data sets, read from the folders that they are published in."""
