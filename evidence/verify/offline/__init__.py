"""The verifier that needs nothing of ours: standard library only, Python 3.10 or newer.

Together with ``evidence/formats`` this package is ``verify.pyz``. It trusts no byte of the file
under test, takes trust roots only from its caller and opens no network connection.
"""
