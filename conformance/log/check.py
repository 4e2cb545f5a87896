"""Checks a log's files with aics-tlog and tlog-scales, which know nothing of Lydian.

usage: check.py DIR VKEY [--proof INDEX FILE] [--witness VKEY]

Every tile and bundle is read and authenticated. --proof compares a proof file with the one that tlog-scales makes, byte for
byte. --witness wants the checkpoint to be cosigned by that key. Any refusal is an exception or status 1.
"""

import pathlib
import subprocess
import sys

import aics_tlog as tlog


def refuse(why):
    print(f"refused: {why}", file=sys.stderr)
    sys.exit(1)


def main(arguments):
    directory, vkey = pathlib.Path(arguments[0]), tlog.parse_vkey(arguments[1])
    rest = arguments[2:]
    note = tlog.parse_note((directory / "checkpoint").read_bytes())
    witnesses = [tlog.parse_vkey(rest[rest.index("--witness") + 1])] if "--witness" in rest else []
    result = tlog.verify_checkpoint(note, vkey, witnesses, quorum=len(witnesses), expected_origin=vkey.name)
    if not result.ok:
        refuse(f"checkpoint: {result}")
    checkpoint = tlog.parse_checkpoint(note.text)
    reader = tlog.FileSystemTileReader(directory)
    report = tlog.audit_tiles(reader, checkpoint.size, checkpoint.root)
    if report.size != checkpoint.size:
        refuse(f"tiles: {report}")
    for old in {1, checkpoint.size // 2 + 1, checkpoint.size} if checkpoint.size else ():
        old_root = tlog.tree_root_from_tiles(reader, old, checkpoint.size)
        proof = tlog.consistency_proof_from_tiles(reader, old, checkpoint.size)
        if not tlog.verify_consistency(old, checkpoint.size, old_root, checkpoint.root, proof):
            refuse(f"consistency from {old}")
    if "--proof" in rest:
        index, file = rest[rest.index("--proof") + 1 : rest.index("--proof") + 3]
        made = subprocess.run(
            [pathlib.Path(sys.executable).parent / "tlog-tiles", "gen-proof", directory.absolute().as_uri(), index],
            capture_output=True,
        )
        if made.returncode != 0 or made.stdout != pathlib.Path(file).read_bytes():
            refuse(f"proof of {index}: {made.stderr.decode()}")
    print(f"accepted: {checkpoint.size} entries, {len(witnesses)} witnesses")


main(sys.argv[1:])
