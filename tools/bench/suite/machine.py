"""What the results depend on: machine, kernel, compilers, versions."""
import os
import platform
import re
import subprocess
import sys

import contenders


def first_line(*command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    except OSError:
        return None
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else None


def value_of(path, pattern):
    try:
        with open(path, encoding="utf-8") as text:
            found = re.search(pattern, text.read(), re.M)
    except OSError:
        return None
    return found[1].strip() if found else None


def available_mb():
    return int(value_of("/proc/meminfo", r"^MemAvailable:\s*([0-9]+)") or 0) // 1024


def describe():
    build = os.path.join(os.path.dirname(contenders.BENCH), "..", "..")
    cache = os.path.join(build, "CMakeCache.txt")
    compiler = value_of(cache, r"^CMAKE_C_COMPILER:[A-Z]+=(.*)$") or "cc"
    return {
        "processor": value_of("/proc/cpuinfo", r"^model name\s*: (.*)$") or platform.machine(),
        "processors": os.cpu_count(),
        "memory_mb": int(value_of("/proc/meminfo", r"^MemTotal:\s*([0-9]+)") or 0) // 1024,
        "kernel": f"{platform.system()} {platform.release()}",
        "system": value_of("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)') or "unknown",
        "compiler": first_line(compiler, "--version"),
        "build": value_of(cache, r"^CMAKE_BUILD_TYPE:[A-Z]+=(.*)$"),
        "commit": first_line("git", "-C", contenders.ROOT, "describe", "--always", "--dirty"),
    }


def versions(names):
    """Versions of the contenders' languages and libraries."""
    found = {"jemalloc": first_line("pkg-config", "--modversion", "jemalloc"),
             "Boehm": first_line("pkg-config", "--modversion", "bdw-gc")}
    if any(name.startswith("java") for name in names):
        found["Java"] = first_line("java", "-version")
    if "go" in names:
        found["Go"] = first_line("go", "version")
    if "nim" in names:
        found["Nim"] = first_line("nim", "--version")
    if "cpython" in names:
        found["CPython"] = sys.version.split()[0]
    return {name: text for name, text in found.items() if text}
