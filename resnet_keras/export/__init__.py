"""Models in other libraries' formats, each written, opened again and compared.

Imports `files`, `weights`, `inference` and `data`; one module per format, with the
same two functions, and `formats` as their table.
"""
