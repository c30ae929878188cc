"""Sealed values in, unsigned PDF exhibit out. Pure: no Django, no network, no clock."""
