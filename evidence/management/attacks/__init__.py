"""Honest and forged files of every known kind, made here, to hold verifiers against.

``keys``    a throw-away PKI with a time-stamp authority that answers in this process
``paper``   unsigned PDFs in several producers' layouts
``honest``  signed files that must be called intact
``update``  an attacker's incremental update, written by hand
``forged``  the published attacks, by name, on any honest file
``table``   all of them, each with what a verifier must say
"""
