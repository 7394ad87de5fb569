"""A large corpus without labels out of Debian packages, reproducibly and without root.

A pinned list says which packages; each is downloaded, verified, read without being installed, cut
into clips, compared with the clips that must be left out, and written as FLAC with a manifest.
"""
