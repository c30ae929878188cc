"""The outside world behind small protocols: time-stamps, keys, blobs, the clock.

``clock``            what time it is here; never evidence
``keys``             seal key, log key, key-encryption key
``crypt``            envelope encryption and keyed names
``blobs``            large bytes, encrypted, whole or absent
``tsa``              RFC 3161 authorities over HTTP, in order, each reply verified
``tokens``           what makes a reply acceptable, and the name of what is wrong with it
``revocation``       certificate revocation lists from files or from the certificate's own issuer
``local_authority``  LOUD STAND-IN: a time-stamp authority inside this process
``development_pki``  LOUD STAND-IN: certificates nobody outside this machine trusts
"""
