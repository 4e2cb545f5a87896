"""The peer of the ima benchmark: keylime's process_measurement_list over a text list.

In: the list's path, the expected PCR 10 (SHA-256, hex), rounds. Out: entries a second of processor time, one line a
round. It exits with 1 where keylime finds another PCR value. The bindings of GnuPG are only needed for signed policies,
of which there are none here, so they are stood in for where they are not installed.
"""

import logging
import sys
import time
import types

try:
    import gpg  # noqa: F401
except ImportError:
    sys.modules["gpg"] = types.ModuleType("gpg")

logging.disable(logging.CRITICAL)

from keylime.agentstates import AgentAttestState  # noqa: E402
from keylime.common.algorithms import Hash  # noqa: E402
from keylime.ima import ima  # noqa: E402


def main() -> int:
    path, expected, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(path, encoding="utf-8") as text:
        lines = text.read().splitlines()
    for _ in range(rounds):
        state = AgentAttestState("bench")
        begun = time.process_time()
        found, failure = ima.process_measurement_list(state, lines, pcrval=expected, hash_alg=Hash.SHA256)
        taken = time.process_time() - begun
        if failure or found != expected:
            print(f"keylime comes to {found}, not {expected}", file=sys.stderr)
            return 1
        print(len(lines) / taken)
    return 0


sys.exit(main())
