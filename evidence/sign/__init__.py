"""Unsigned PDF → certified, time-stamped PDF (PAdES B-LTA). Keys and time come from outside.

``protocols``   what this room asks of a signer and of a stamper
``pdf``         ``sign_pdf`` and ``renew_pdf``
``revision``    one incremental update with one signature in it
``cms``         the CAdES container of the certification signature
``appearance``  the visible stamp, drawn with an embedded font
"""
