#!/usr/bin/env python3
"""Every public function and macro has a comment of its own, right above it, and the comment of a function says which thread may call
it and whether that is a safepoint; or the comment at the top of its header says so for all ("own thread", "safepoint").
usage: docs_comments.py SOURCE_DIRECTORY
"""
import glob
import os
import re
import sys

FUNCTION = re.compile(r"(?:EDDY_API|static inline)\b.*?\b(eddy_[a-z0-9]\w*)\(")
MACRO = re.compile(r"#define (EDDY_[A-Z]\w*)\(")
VAGUE = re.compile(r"^\s*(As (the|above)|The same[ ,.:]|It )")
BARE = {"atomic.h", "counting_names.h"}  # macros in a row; other APIs' names


def comment_above(lines, index):
    """The comment that ends on the line before, or None."""
    if not lines[index - 1].rstrip().endswith("*/"):
        return None
    first = index - 1
    while "/*" not in lines[first]:
        first -= 1
    if lines[first].lstrip()[:2] != "/*" or lines[first].startswith("/* ----"):
        return None
    return " ".join(line.strip(" */") for line in lines[first:index])


def main():
    found, wrong = 0, []
    for path in sorted(glob.glob(os.path.join(sys.argv[1], "include/eddy/*.h"))):
        name = os.path.basename(path)
        if name in BARE:
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        lines = text.split("\n")
        top = text[:text.index("*/")]
        defined = set()
        for index, line in enumerate(lines):
            function, macro = FUNCTION.match(line), MACRO.match(line)
            if not function and not macro:
                continue
            public = (function or macro).group(1)
            if public in defined:
                continue  # the other branch of an #if
            defined.add(public)
            found += 1
            comment = comment_above(lines, index)
            if comment is None:
                wrong.append(f"{name}:{index + 1}: {public} has no comment of its own")
            elif VAGUE.match(comment):
                wrong.append(f"{name}:{index + 1}: the comment of {public} needs the one before it")
            elif function:
                for what, word in (("thread", r"\bthread"), ("safepoint", r"safepoint")):
                    if not re.search(word, comment, re.I) and not re.search(r"functions?\b[^.]*\b" + word, top, re.I | re.S):
                        wrong.append(f"{name}:{index + 1}: the comment of {public} does not speak of: {what}")
    for line in wrong:
        print(line)
    print(f"{found} public functions and macros")
    return 1 if wrong or found < 150 else 0


sys.exit(main())
