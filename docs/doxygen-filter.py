#!/usr/bin/env python3
"""Writes a header to standard output with its comments as doxygen wants them.

The headers carry ordinary comments: one at the top of the file, one above a declaration, one behind a member. Which kind a
comment is follows from where it stands, so nothing in the headers has to be marked.
usage: doxygen-filter.py HEADER
"""
import os
import re
import sys

ESCAPED = re.compile(r"[\\@<>#%&]")
AGGREGATE = re.compile(r"^(typedef\s+)?(struct|enum|union)\b[^;]*\{\s*$")


def is_declaration(line):
    """Whether a comment that ends above this line belongs to what it declares."""
    return line.strip() != "" and not re.match(r"\s*(#\s*(if|else|endif|include|pragma)|/\*|\})", line)


def comment_end(lines, index):
    while "*/" not in lines[index]:
        index += 1
    return index


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = file.read().splitlines()
    inside = False  # of a structure, union or enumeration
    index = 0
    while index < len(lines):
        line = lines[index]
        if AGGREGATE.match(line):
            inside = True
        elif line.startswith("}"):
            inside = False
        at = line.find("/*")
        if at < 0:
            sys.stdout.write(line + "\n")
            index += 1
            continue
        end = comment_end(lines, index)
        before = line[:at]
        marked = None
        if before.strip() == "":
            if index == 0:
                marked = "/** \\file " + os.path.basename(sys.argv[1]) + "\n"
            elif not line[at:].startswith("/* ----") and (at == 0 or inside):
                if end + 1 < len(lines) and is_declaration(lines[end + 1]):
                    marked = "/** "
        elif (inside or before.startswith("typedef ")) and not before.startswith("#"):
            marked = "/**< "
        if marked:
            text = "\n".join([line[at + 2:]] + lines[index + 1:end + 1])
            text = ESCAPED.sub(lambda match: "\\" + match.group(), text[:text.rindex("*/")]).strip()
            sys.stdout.write(before + marked + text + " */\n")
        else:
            sys.stdout.write("\n".join(lines[index:end + 1]) + "\n")
        index = end + 1


main()
