#!/usr/bin/env python3
"""Times what a dub is made of, by the release build: `whole.py FILM VOICE`, a line `name, seconds of film, seconds` each.

The faces; then with them known a line as long as the voice by each family that needs no weights of others, the film's
encoding included; then the same again, whose pictures are in the cache: composing and encoding alone.
"""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import runs


def main():
    film, voice = sys.argv[1:3]
    length = runs.length(film)
    with tempfile.TemporaryDirectory() as folder:
        out, cache = os.path.join(folder, "out.mp4"), os.path.join(folder, "cache")
        print("track", length, runs.timed(cache, "track", film)[0])
        for family, name in (("rewrite", "rewrite"), ("lipsmith-w", "lipsmith_w"), ("rewrite", "compose_and_encode")):
            print(name, length, runs.timed(cache, "dub", film, voice, "-o", out, "--family", family)[0], flush=True)


if __name__ == "__main__":
    main()
