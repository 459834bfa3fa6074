#!/usr/bin/env python3
"""What an editor waits for beside the goal for it: a line `name, goal in ms, ms` each, medians.

From two benches with words of their own: the desk's (scrubbing and playing the sample, or LIPSMITH_FILM) and the project's
(a two-hour timeline of 5,000 clips and 1,000 lines). Goals: of answers those of the issue they stand in, of the timeline a
frame's share at 60 a second that leaves the window half of it.
"""
import re
import subprocess

WAITED_FOR = {
    "first picture": ("first_picture", 1000),
    "scrub, the right frame, if roughly": ("scrub_right_frame", 66),
    "scrub, the exact frame": ("scrub_exact_frame", 150),
    "step backwards": ("step_backwards", 66),
    "play start": ("play_start", 150),
    "ripple trim of everything": ("timeline_ripple", 8),
    "text of a cue": ("timeline_edit", 8),
    "what is on screen": ("timeline_look", 8),
}


def main():
    for bench in ("desk", "feature"):
        command = ["cargo", "bench", "--quiet", "--workspace", "--bench", bench]
        for line in subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).splitlines():
            found = re.match(r"(.+?):?\s+([\d.]+) ms", line)
            if found and found[1] in WAITED_FOR:
                name, goal = WAITED_FOR[found[1]]
                print(name, goal, found[2], flush=True)


if __name__ == "__main__":
    main()
