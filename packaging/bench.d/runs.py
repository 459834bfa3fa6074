"""Runs of the release build that are timed: what bench and the other benches beside it share."""
import json
import os
import subprocess
import sys
import time

def program():
    meta = subprocess.check_output(["cargo", "metadata", "--format-version", "1", "--no-deps"])
    return os.path.join(json.loads(meta)["target_directory"], "release", "lipsmith")


def ffmpeg(*arguments):
    subprocess.check_call(["ffmpeg", "-v", "error", "-y", *map(str, arguments)])


def length(film):
    """In seconds, as `lipsmith probe` finds it."""
    events = subprocess.check_output([program(), "probe", film, "--json"], text=True).splitlines()
    flicks = next(event["duration"] for event in map(json.loads, events) if event["event"] == "result")
    return flicks / 705_600_000


def looped(source, seconds, out, *how):
    ffmpeg("-stream_loop", -1, "-i", source, "-t", seconds, *how, out)


def dub(film, voice, out, cache, seed, *more):
    return timed(cache, "dub", film, voice, "-o", out, "--seed", str(seed), *more)


def timed(cache, *arguments):
    """Seconds, frames per second by stage, peak resident memory in MB."""
    begun, stages = time.time(), {}
    command = [program(), *arguments, "--json"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "LIPSMITH_CACHE": cache})
    for line in run.stdout:
        event, now = json.loads(line), time.time()
        if event["event"] == "progress":
            stage = stages.setdefault(event["stage"], [now, now, 0])
            stage[1], stage[2] = now, max(stage[2], event["done"])
    _, status, usage = os.wait4(run.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} failed")
    rates = {name: done / max(end - start, 1e-3) for name, (start, end, done) in stages.items()}
    return time.time() - begun, rates, usage.ru_maxrss / 1024
