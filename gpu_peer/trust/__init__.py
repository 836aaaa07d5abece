"""Who is at the other end: known devices prove themselves, new ones are paired. Pure machines.

`connect` and `pairing` take messages and the time and return what is to be done. Nonces, keys and
fingerprints are handed in; the shell sends, stores and asks the person.
"""
