#!/usr/bin/env python3
"""Paired comparison on a generated capture: cat, interloper -j1 and -j2, tshark, ndpiReader, tcpdump.

    cargo build --release --example generate && cargo build --release
    benches/compare.py mix 1G [--rounds 5] [--slow-rounds 1]

Rounds are interleaved, so that a busy machine disturbs all alike; medians and ratios to `cat` are printed, since on a shared
machine only ratios are worth quoting, and the most memory that any round took. A tool that is not installed is left out. The capture
is read once before the first round; if the page cache then does not hold all of it, nothing is measured."""
import argparse
import ctypes
import mmap
import os
import shutil
import statistics
import subprocess
import tempfile
import time

FIELDS = ["frame.number", "ip.src", "ip.dst", "tcp.flags", "tcp.seq", "ip.ttl", "ip.id", "tls.handshake.extensions_server_name",
          "dns.qry.name", "dns.a", "http.host", "tcp.analysis.flags"]


def commands(capture, tool, out):
    tshark = ["tshark", "-r", capture, "-T", "fields"] + [word for field in FIELDS for word in ("-e", field)]
    return [
        ("cat", ["cat", capture], True),
        ("interloper -j1", [tool, "--json", "-j", "1", capture], True),
        ("interloper -j2", [tool, "--json", "-j", "2", capture], True),
        ("tcpdump, filtered", ["tcpdump", "-r", capture, "-w", "/dev/null", "tcp[tcpflags] & tcp-rst != 0 or port 53"], True),
        ("ndpiReader -q", ["ndpiReader", "-q", "-i", capture], False),
        ("tshark -T fields", tshark, False),
    ]


def timed(command, out):
    # To a file or /dev/null, never a pipe: a pipe makes cat several times slower and would flatter everybody else.
    with open(out, "wb") as sink:
        start = time.perf_counter()
        run = subprocess.Popen(command, stdout=sink, stderr=subprocess.DEVNULL)
        _, _, used = os.wait4(run.pid, 0)
        wall = time.perf_counter() - start
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def cached(path):
    """The share of a file that lies in the page cache."""
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        pages = -(-len(mapped) // mmap.PAGESIZE)
        resident = (ctypes.c_ubyte * pages)()
        place = ctypes.c_char.from_buffer(mapped)
        failed = ctypes.CDLL(None).mincore(ctypes.c_void_p(ctypes.addressof(place)), ctypes.c_size_t(len(mapped)), resident)
        del place
        return 0.0 if failed else sum(page & 1 for page in resident) / pages


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("profile", nargs="?", default="mix")
    arguments.add_argument("size", nargs="?", default="1G")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--slow-rounds", type=int, default=1, help="rounds for tshark and ndpiReader")
    arguments.add_argument("--target", default=os.environ.get("CARGO_TARGET_DIR", "target"))
    options = arguments.parse_args()
    release = os.path.join(options.target, "release")
    with tempfile.TemporaryDirectory() as folder:
        capture = os.path.join(folder, options.profile + ".pcap")
        subprocess.run([os.path.join(release, "examples", "generate"), options.profile, options.size, capture], check=True)
        subprocess.run(["cat", capture], stdout=subprocess.DEVNULL, check=True)
        if cached(capture) < 1:
            raise SystemExit(f"only {cached(capture):.0%} of the capture lies in the page cache: take a smaller one, or free memory")
        runs = {}
        for round_number in range(options.rounds):
            for name, command, fast in commands(capture, os.path.join(release, "interloper"), folder):
                if shutil.which(command[0]) and (fast or round_number < options.slow_rounds):
                    out = os.path.join(folder, "out") if name != "cat" else "/dev/null"
                    runs.setdefault(name, []).append(timed(command, out))
        unit = statistics.median(wall for wall, *_ in runs["cat"])
        print(f"{options.profile} {options.size}: medians, ratios to cat and to interloper -j2 in the same rounds")
        print(f"{'':20} {'wall s':>8} {'cpu s':>8} {'x cat':>8} {'x -j2':>8} {'MB':>6}  rounds")
        ours = statistics.median(wall for wall, *_ in runs["interloper -j2"])
        for name, values in runs.items():
            wall, cpu = (statistics.median(value[n] for value in values) for n in (0, 1))
            memory = max(value[2] for value in values)
            print(f"{name:20} {wall:8.2f} {cpu:8.2f} {wall / unit:8.1f} {wall / ours:8.1f} {memory:6.0f}  {len(values)}")


if __name__ == "__main__":
    main()
