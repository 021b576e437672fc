"""Compiles every device source of the tree and has ptxas, which does what a driver does, accept the PTX.

    ptx_test.py        fetches the compiler once (wheels.py); needs no GPU
"""

import pathlib
import re
import subprocess
import tempfile
import unittest

import device_code
import wheels

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
MACHINES = ["sm_70", "sm_80", "sm_90"]
# What a block has without asking for more, and what its threads share.
SHARED_BYTES = 48 << 10
REGISTERS = 64 << 10


def threads_of(ptx):
    """The threads of a block of each entry."""
    return {name: int(n) for name, n in re.findall(r"\.entry (\w+)\(.*?\.maxntid (\d+),", ptx, re.DOTALL)}


class PtxTest(unittest.TestCase):
    def test_every_machine_takes_it(self):
        name = "nvidia-cuda-nvcc-cu12"
        ptxas = wheels.fetch(name, *wheels.pins(TOP / "third_party/cuda/compiler.txt")[name]) / "nvidia/cuda_nvcc/bin/ptxas"
        compiler = device_code.pinned_compiler()
        sources = sorted(p.relative_to(TOP) for folder in ("kernels", "prioritycut/kernels") for p in (TOP / folder).rglob("*.cu"))
        self.assertTrue(sources)
        for source in sources:
            ptx = compiler.ptx(source)
            entries = re.findall(r"\.entry (\w+)", ptx)
            self.assertTrue(entries, source)
            host = source.with_name(source.stem + "_gpu.cc")
            self.assertEqual(set(re.findall(r'(?:Launch|Named)\("(\w+)"', (TOP / host).read_text())), set(entries), host)
            # The bits of sums of products must be the CPU's.
            self.assertNotRegex(ptx, r"\bfma\.", source)
            for machine in MACHINES:
                with self.subTest(source=str(source), machine=machine), tempfile.TemporaryDirectory() as scratch:
                    path = pathlib.Path(scratch) / "kernels.ptx"
                    path.write_text(ptx)
                    command = [ptxas, "--verbose", "--warning-as-error", "--gpu-name=" + machine, "--output-file=/dev/null", path]
                    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.check(done.stderr, threads_of(ptx))

    def check(self, said, threads):
        parts = re.findall(r"entry function '(\w+)'.*?Used (\d+) registers", said, re.DOTALL)
        self.assertEqual({name for name, _ in parts}, set(threads), said)
        for name, registers in parts:
            self.assertLessEqual(int(registers) * threads[name], REGISTERS, said)
        for amount in re.findall(r"(\d+) bytes smem", said):
            self.assertLessEqual(int(amount), SHARED_BYTES, said)
        spilt = [int(n) for n in re.findall(r"(\d+) bytes spill", said)]
        self.assertEqual(sum(spilt), 0, said)


if __name__ == "__main__":
    import os

    os.chdir(TOP)  # sources include each other from there
    unittest.main()
