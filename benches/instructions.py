#!/usr/bin/env python3
"""Instructions a packet, counted by valgrind on a small capture of each profile: the same on a busy machine as on an idle one.

    cargo build --release --example generate && cargo build --release
    benches/instructions.py              # compare with benches/instructions.tsv; more than 5 % above it fails
    benches/instructions.py --record     # write benches/instructions.tsv: in the change that explains the rise

One thread, JSON Lines, every rule on. What a run costs whatever it reads (start-up, tables) is taken off by counting a capture of a
few packets as well."""
import argparse
import os
import re
import subprocess
import sys
import tempfile

PROFILES = ["mix", "small", "flows", "scan", "one", "hello", "older"]
SIZE = "6M"
# A rise beyond this is no noise: the count varies by less than one in a hundred between runs (hash seeds).
ALLOWED = 1.05
# The C library picks its copying routines by processor; the plain ones are everywhere.
PLAIN = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-AVX512VL,-AVX512F"}
RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.tsv")


def counted(tool, capture):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", tool, "--json", "-j", "1", capture]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, env=os.environ | PLAIN)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(f"valgrind failed on {capture}: {run.stderr[-2000:]}")
    packets = re.search(r'"type":"capture".*?"packets":(\d+)', run.stdout)
    return int(found[1]), int(packets[1])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--record", action="store_true")
    arguments.add_argument("--target", default=os.environ.get("CARGO_TARGET_DIR", "target"))
    options = arguments.parse_args()
    release = os.path.join(options.target, "release")
    tool = os.path.join(release, "interloper")
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        for profile in PROFILES:
            whole, few = os.path.join(folder, profile + ".pcap"), os.path.join(folder, profile + "-few.pcap")
            for size, path in [(SIZE, whole), ("2K", few)]:
                subprocess.run([os.path.join(release, "examples", "generate"), profile, size, path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            (all_of_it, packets), (fixed, some) = counted(tool, whole), counted(tool, few)
            measured[profile] = (all_of_it - fixed) / (packets - some)
    if options.record:
        with open(RECORD, "w", encoding="ascii") as out:
            out.write("# profile, instructions a packet on one thread: written by benches/instructions.py --record\n")
            out.writelines(f"{profile}\t{count:.0f}\n" for profile, count in measured.items())
    recorded = {}
    with open(RECORD, encoding="ascii") as lines:
        for line in lines:
            if not line.startswith("#"):
                profile, count = line.split("\t")
                recorded[profile] = float(count)
    failed = False
    for profile, count in measured.items():
        change = count / recorded[profile]
        worse = change > ALLOWED
        failed |= worse
        print(f"{profile:6} {count:7.0f} instructions a packet, recorded {recorded[profile]:7.0f} ({change - 1:+.1%}){'  TOO MANY' if worse else ''}")
    sys.exit(1 if failed else 0)


main()
